"""The gate to the letter: messages, order of rules, counts."""

from typing import Any

import pytest

from webhook.gates.counts import read_count
from webhook.gates.execution_evidence import GATE_ID, evaluate
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.model.gate import GateContext, GateResult, Verdict
from webhook.reasons import ReasonCode

HAS = "has_execution_evidence"
SYMBOLS = "execution_evidence_hot_symbol_count"
PATHS = "execution_evidence_unique_call_paths"
GOOD = {HAS: "true", SYMBOLS: "42", PATHS: "17"}

NOT_REQUIRED = "Execution evidence not required for environment 'staging'"
MISSING_WARN = "No execution evidence found for this artifact (warn mode)"
MISSING_BLOCK = "No execution evidence found for this artifact in required environment"
SUFFICIENT = "Execution evidence meets quality thresholds (hot symbols: 42, call paths: 17)"
INSUFFICIENT = "Execution evidence trace quality is insufficient: hot symbols 1 < 3 or call paths 0 < 1"


def _decide(metadata: dict[str, str], environment: str = "production", **section: Any) -> GateResult:
    policy = ExecutionEvidencePolicy.model_validate({"Enabled": True, **section})
    return evaluate(policy, GateContext(environment, metadata))


def test_evidence_that_meets_the_thresholds_passes() -> None:
    assert _decide(GOOD) == GateResult(GATE_ID, Verdict.PASS, SUFFICIENT, ReasonCode.EVIDENCE_SUFFICIENT)


def test_environment_that_requires_nothing_passes() -> None:
    expected = GateResult(GATE_ID, Verdict.PASS, NOT_REQUIRED, ReasonCode.ENVIRONMENT_NOT_REQUIRED)
    assert _decide({}, "staging") == expected


def test_missing_evidence_warns_in_warn_mode() -> None:
    expected = GateResult(GATE_ID, Verdict.WARN, MISSING_WARN, ReasonCode.EVIDENCE_MISSING)
    assert _decide({HAS: "false"}, MissingEvidenceAction="Warn") == expected


def test_missing_evidence_fails_in_block_mode() -> None:
    expected = GateResult(GATE_ID, Verdict.FAIL, MISSING_BLOCK, ReasonCode.EVIDENCE_MISSING)
    assert _decide({HAS: "false"}, MissingEvidenceAction="Block") == expected


@pytest.mark.parametrize("action", ["Warn", "Block"])
def test_insufficient_evidence_fails_whatever_the_action(action: str) -> None:
    expected = GateResult(GATE_ID, Verdict.FAIL, INSUFFICIENT, ReasonCode.EVIDENCE_INSUFFICIENT)
    assert _decide({HAS: "true", SYMBOLS: "1", PATHS: "0"}, MissingEvidenceAction=action) == expected


def test_gate_id_is_the_specifications() -> None:
    assert GATE_ID == "execution-evidence"


def test_disabled_gate_passes_before_anything_else() -> None:
    result = _decide({}, "production", Enabled=False, MissingEvidenceAction="Block")
    assert (result.result, result.reason) == (Verdict.PASS, ReasonCode.GATE_DISABLED)


def test_disabled_gate_speaks_before_an_environment_that_requires_nothing() -> None:
    assert _decide({}, "staging", Enabled=False).reason is ReasonCode.GATE_DISABLED


def test_environment_speaks_before_insufficient_evidence() -> None:
    assert _decide({HAS: "true"}, "staging").reason is ReasonCode.ENVIRONMENT_NOT_REQUIRED


def test_missing_evidence_speaks_before_its_counts() -> None:
    metadata = {HAS: "false", SYMBOLS: "42", PATHS: "17"}
    assert _decide(metadata).reason is ReasonCode.EVIDENCE_MISSING


@pytest.mark.parametrize("environment", ["production", "Production", "PRODUCTION", "pRoDuCtIoN"])
def test_environment_is_compared_without_case(environment: str) -> None:
    assert _decide({}, environment, RequiredEnvironments=["ProDuction"]).reason is ReasonCode.EVIDENCE_MISSING


def test_environment_is_named_as_it_was_asked_for() -> None:
    assert _decide({}, "STAGING").message == "Execution evidence not required for environment 'STAGING'"


@pytest.mark.parametrize("value", [None, "", "false", "True", "TRUE", "true ", " true", "1", "yes", "\uff54rue"])
def test_only_the_word_true_means_that_there_is_evidence(value: str | None) -> None:
    metadata = GOOD | {HAS: value} if value is not None else {SYMBOLS: "42", PATHS: "17"}
    assert _decide(metadata).reason is ReasonCode.EVIDENCE_MISSING


@pytest.mark.parametrize(
    ("symbols", "paths", "expected"),
    [
        ("3", "1", Verdict.PASS),
        ("4", "1", Verdict.PASS),
        ("3", "2", Verdict.PASS),
        ("2", "1", Verdict.FAIL),
        ("3", "0", Verdict.FAIL),
        ("0", "0", Verdict.FAIL),
        ("9223372036854775807", "9223372036854775807", Verdict.PASS),
        ("9223372036854775808", "1", Verdict.FAIL),
        ("3", "9223372036854775808", Verdict.FAIL),
    ],
)
def test_counts_are_held_against_their_own_thresholds(symbols: str, paths: str, expected: Verdict) -> None:
    assert _decide({HAS: "true", SYMBOLS: symbols, PATHS: paths}).result is expected


@pytest.mark.parametrize("absent", [SYMBOLS, PATHS])
def test_absent_count_is_0(absent: str) -> None:
    metadata = {name: value for name, value in GOOD.items() if name != absent}
    result = _decide(metadata)
    assert result.reason is ReasonCode.EVIDENCE_INSUFFICIENT
    assert " 0 < " in result.message


def test_thresholds_of_0_ask_only_for_evidence() -> None:
    assert _decide({HAS: "true"}, MinHotSymbolCount=0, MinUniqueCallPaths=0).result is Verdict.PASS
    assert _decide({}, MinHotSymbolCount=0, MinUniqueCallPaths=0).result is Verdict.WARN


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("7", 7),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", 0),
        ("9999999999999999999", 0),
        ("1" * 20, 0),
        ("9" * 10_000, 0),
        (None, 0),
        ("", 0),
        (" ", 0),
        ("-1", 0),
        ("-0", 0),
        ("+7", 0),
        (" 7", 0),
        ("7 ", 0),
        ("7\n", 0),
        ("7.0", 0),
        ("7e1", 0),
        ("0x7", 0),
        ("1_000", 0),
        ("1,000", 0),
        ("seven", 0),
        ("NaN", 0),
        ("inf", 0),
        ("true", 0),
        ("\u00b2", 0),  # superscript two: isdigit() says yes, int() raises
        ("7\u00b2", 0),
        ("\u0667", 0),  # an Arabic seven: int() would read it
        ("\uff17", 0),  # a full-width seven
        ("\u2466", 0),  # a circled seven
    ],
)
def test_count_that_cannot_be_read_is_0(text: str | None, count: int) -> None:
    assert read_count(text) == count
