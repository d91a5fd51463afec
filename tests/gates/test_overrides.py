"""What one environment sets differently."""

from datetime import timedelta
from typing import Any

import pytest

from webhook.gates.execution_evidence import evaluate
from webhook.gates.policy import Action, ExecutionEvidencePolicy, MinLane, TagPolicy
from webhook.model.gate import GateContext, Verdict

EVIDENCE = {
    "has_execution_evidence": "true",
    "execution_evidence_hot_symbol_count": "5",
    "execution_evidence_unique_call_paths": "5",
}


def _policy(**section: Any) -> ExecutionEvidencePolicy:
    return ExecutionEvidencePolicy.model_validate({"Enabled": True, **section})


@pytest.mark.parametrize(
    ("option", "value", "name", "expected"),
    [
        ("Enabled", False, "enabled", False),
        ("MissingEvidenceAction", "Block", "missing_evidence_action", Action.BLOCK),
        ("MinHotSymbolCount", 9, "min_hot_symbol_count", 9),
        ("MinHotSymbolCount", 0, "min_hot_symbol_count", 0),
        ("MinUniqueCallPaths", 9, "min_unique_call_paths", 9),
        ("EvidenceEnvironments", ["qa"], "evidence_environments", ("qa",)),
        ("MaxEvidenceAge", "1h", "max_evidence_age", timedelta(hours=1)),
        ("UnavailableEvidenceAction", "Block", "unavailable_evidence_action", Action.BLOCK),
        ("MinLane", "Asserted", "min_lane", MinLane.ASSERTED),
        ("TagPolicy", "Resolve", "tag_policy", TagPolicy.RESOLVE),
    ],
)
def test_option_holds_in_its_environment_only(option: str, value: Any, name: str, expected: Any) -> None:
    policy = _policy(Overrides={"Production": {option: value}})
    assert getattr(policy.for_environment("pRODUCTION"), name) == expected
    assert policy.for_environment("qa") == _policy()


def test_option_that_is_not_set_comes_from_the_section() -> None:
    policy = _policy(MinHotSymbolCount=7, Overrides={"production": {"MinUniqueCallPaths": 9}})
    effective = policy.for_environment("production")
    assert (effective.min_hot_symbol_count, effective.min_unique_call_paths) == (7, 9)


def test_effective_policy_has_no_overrides_left() -> None:
    policy = _policy(Overrides={"production": {"MinHotSymbolCount": 9}})
    assert policy.for_environment("production").overrides == {}
    assert policy.for_environment("qa").overrides == {}


def test_evidence_environments_of_an_override_replace_the_sections() -> None:
    policy = _policy(Overrides={"production": {"EvidenceEnvironments": ["qa"]}})
    assert policy.accepts_evidence_from("staging")
    effective = policy.for_environment("production")
    assert effective.accepts_evidence_from("QA")
    assert not effective.accepts_evidence_from("staging")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({}, Verdict.PASS),
        ({"MinHotSymbolCount": 5}, Verdict.PASS),
        ({"MinHotSymbolCount": 6}, Verdict.FAIL),
        ({"minUniqueCallPaths": 6}, Verdict.FAIL),
        ({"MinHotSymbolCount": 6, "Enabled": False}, Verdict.PASS),
    ],
)
def test_gate_applies_the_override(override: dict[str, Any], expected: Verdict) -> None:
    policy = _policy(Overrides={"PRODUCTION": override})
    assert evaluate(policy, GateContext("production", EVIDENCE)).result is expected


def test_override_of_another_environment_changes_nothing() -> None:
    policy = _policy(Overrides={"qa": {"Enabled": False}})
    assert evaluate(policy, GateContext("production", {})).result is Verdict.WARN
