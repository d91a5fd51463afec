"""The gate is monotone: better evidence or lower thresholds never make a verdict worse."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from webhook.gates.counts import read_count
from webhook.gates.execution_evidence import evaluate
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.limits import LIMITS
from webhook.model.gate import GateContext, GateResult, Verdict

COUNT = st.one_of(st.integers(0, 6), st.integers(0, LIMITS.count_maximum))
NAME = st.sampled_from(["production", "PRODUCTION", "staging", "qa"])
SECTION = st.fixed_dictionaries(
    {
        "Enabled": st.booleans(),
        "MissingEvidenceAction": st.sampled_from(["Warn", "Block"]),
        "RequiredEnvironments": st.lists(NAME, max_size=2),
        "MinHotSymbolCount": COUNT,
        "MinUniqueCallPaths": COUNT,
    }
)
METADATA = st.dictionaries(
    st.sampled_from(
        ["has_execution_evidence", "execution_evidence_hot_symbol_count", "execution_evidence_unique_call_paths", "x"]
    ),
    st.one_of(st.sampled_from(["true", "false", "\u00b2", "-1", " 1"]), st.text(max_size=6), COUNT.map(str)),
)


def _decide(section: dict[str, Any], environment: str, symbols: int, paths: int) -> GateResult:
    metadata = {
        "has_execution_evidence": "true",
        "execution_evidence_hot_symbol_count": str(symbols),
        "execution_evidence_unique_call_paths": str(paths),
    }
    return evaluate(ExecutionEvidencePolicy.model_validate(section), GateContext(environment, metadata))


def _lower_or_equal(bound: int) -> st.SearchStrategy[int]:
    return st.integers(0, bound)


@given(st.data(), SECTION, NAME, COUNT, COUNT)
def test_raising_a_count_never_makes_the_verdict_worse(
    data: st.DataObject, section: dict[str, Any], environment: str, symbols: int, paths: int
) -> None:
    more_symbols = data.draw(st.integers(symbols, LIMITS.count_maximum))
    more_paths = data.draw(st.integers(paths, LIMITS.count_maximum))
    before = _decide(section, environment, symbols, paths)
    after = _decide(section, environment, more_symbols, more_paths)
    assert after.result.severity <= before.result.severity


@given(st.data(), SECTION, NAME, COUNT, COUNT)
def test_lowering_a_threshold_never_makes_the_verdict_worse(
    data: st.DataObject, section: dict[str, Any], environment: str, symbols: int, paths: int
) -> None:
    lower = section | {
        name: data.draw(_lower_or_equal(section[name])) for name in ("MinHotSymbolCount", "MinUniqueCallPaths")
    }
    before = _decide(section, environment, symbols, paths)
    after = _decide(lower, environment, symbols, paths)
    assert after.result.severity <= before.result.severity


@given(SECTION, NAME, COUNT, COUNT)
def test_having_evidence_that_suffices_never_hurts(
    section: dict[str, Any], environment: str, symbols: int, paths: int
) -> None:
    found = _decide(section, environment, symbols, paths)
    none = evaluate(ExecutionEvidencePolicy.model_validate(section), GateContext(environment, {}))
    if found.result is not Verdict.FAIL:
        assert found.result.severity <= none.result.severity


@given(SECTION, NAME, METADATA)
def test_gate_is_total_and_depends_on_nothing_else(
    section: dict[str, Any], environment: str, metadata: dict[str, str]
) -> None:
    policy = ExecutionEvidencePolicy.model_validate(section)
    result = evaluate(policy, GateContext(environment, metadata))
    assert result == evaluate(
        ExecutionEvidencePolicy.model_validate(section), GateContext(environment, dict(metadata))
    )
    required = environment.lower() in {name.lower() for name in section["RequiredEnvironments"]}
    if section["Enabled"] and required and result.result is Verdict.PASS:
        assert metadata["has_execution_evidence"] == "true"


@given(st.text())
def test_count_is_never_negative_and_never_raises(text: str) -> None:
    assert 0 <= read_count(text) <= LIMITS.count_maximum


@given(st.integers(0, LIMITS.count_maximum))
def test_count_that_can_be_read_is_itself(count: int) -> None:
    assert read_count(str(count)) == count
