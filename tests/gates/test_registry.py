"""The registry of gates: two gates with different policies, found and run in one way."""

from typing import Any

import pytest

from webhook.gates.policy import Action
from webhook.gates.registry import GATES, Gate
from webhook.model.gate import GateContext, Verdict
from webhook.reasons import ReasonCode
from webhook.settings.file import PolicyGates

BLOCKING = PolicyGates.model_validate(
    {
        "ExecutionEvidence": {"Enabled": True, "MissingEvidenceAction": "Block"},
        "BeaconRate": {"Enabled": True, "MissingBeaconAction": "Block"},
    }
)
WARNING = PolicyGates.model_validate({"ExecutionEvidence": {"Enabled": True}, "BeaconRate": {"Enabled": True}})
# Gate id, its metadata key, the reason of nothing, what a user reads when a store fails.
ROWS = [
    (
        "execution-evidence",
        "has_execution_evidence",
        ReasonCode.EVIDENCE_MISSING,
        "Execution evidence could not be looked up for this artifact",
    ),
    (
        "beacon-rate",
        "has_beacon_data",
        ReasonCode.BEACON_DATA_MISSING,
        "Beacon data could not be looked up for this artifact",
    ),
]
ALL = pytest.mark.parametrize("gate", GATES.values(), ids=list(GATES))


def test_gates_speak_in_the_order_of_the_registry() -> None:
    assert list(GATES) == [row[0] for row in ROWS]


@pytest.mark.parametrize(("gate_id", "has", "missing", "unavailable"), ROWS, ids=[row[0] for row in ROWS])
def test_gate_is_found_by_its_id(gate_id: str, has: str, missing: ReasonCode, unavailable: str) -> None:
    gate = GATES[gate_id]
    result = gate.evaluate(gate.policy(BLOCKING), GateContext("production", {}))
    assert (result.gate, result.result, result.reason) == (gate_id, Verdict.FAIL, missing)
    assert (gate.has, gate.missing, gate.unavailable) == (has, missing, unavailable)
    assert gate.provider_id == gate_id


@ALL
def test_each_gate_has_a_policy_of_its_own(gate: Gate[Any]) -> None:
    own = gate.policy(BLOCKING)
    assert own.enabled
    assert own.for_environment("production").requires("Production")
    assert not own.requires("staging")
    assert own.unavailable_action is Action.BLOCK
    assert gate.policy(WARNING).unavailable_action is Action.WARN
    assert own.canonical != gate.policy(WARNING).canonical


@ALL
@pytest.mark.parametrize("has", [None, "false", "True", ""])
def test_no_gate_passes_on_nothing(gate: Gate[Any], has: str | None) -> None:
    metadata = {} if has is None else {gate.has: has}
    for policies, verdict in ((BLOCKING, Verdict.FAIL), (WARNING, Verdict.WARN)):
        result = gate.evaluate(gate.policy(policies), GateContext("production", metadata))
        assert (result.result, result.reason) == (verdict, gate.missing)


@ALL
def test_no_gate_takes_the_metadata_of_another(gate: Gate[Any]) -> None:
    complete = {
        "has_execution_evidence": "true",
        "execution_evidence_hot_symbol_count": "42",
        "execution_evidence_unique_call_paths": "17",
        "has_beacon_data": "true",
        "beacon_expected_count": "10",
        "beacon_verified_count": "10",
    }
    policy = gate.policy(BLOCKING)
    assert gate.evaluate(policy, GateContext("production", complete)).result is Verdict.PASS
    del complete[gate.has]
    assert gate.evaluate(policy, GateContext("production", complete)).result is Verdict.FAIL


def test_keys_of_two_gates_are_never_the_same() -> None:
    keys = [key for gate in GATES.values() for key in (gate.has, gate.reason, gate.detail, gate.signer)]
    assert len(keys) == len(set(keys))


def test_registry_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        GATES["execution-evidence"] = None  # type: ignore[index]  # what the test is about
