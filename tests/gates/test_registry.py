"""The registry of gates."""

import pytest

from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.gates.registry import GATES
from webhook.model.gate import GateContext, Verdict


def test_gate_is_found_by_its_id() -> None:
    policy = ExecutionEvidencePolicy.model_validate({"Enabled": True, "MissingEvidenceAction": "Block"})
    result = GATES["execution-evidence"](policy, GateContext("production", {}))
    assert (result.gate, result.result) == ("execution-evidence", Verdict.FAIL)


def test_registry_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        GATES["execution-evidence"] = None  # type: ignore[index]  # what the test is about
