"""Conditions: nothing raises, nothing unknown passes, and the comparators agree with each other."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from webhook.gates.comparators import Comparator, Outcome, compare
from webhook.gates.conditions import Condition, evaluate
from webhook.gates.policy import Action, MinLane
from webhook.model.evidence import (
    EvidenceHash,
    EvidenceProblem,
    EvidenceQuery,
    EvidenceResult,
    EvidenceValue,
    Lane,
)
from webhook.model.evidence_hash import hash_value
from webhook.model.gate import Verdict

T, F, U = Outcome.TRUE, Outcome.FALSE, Outcome.UNKNOWN
NEGATED = {T: F, F: T, U: U}
NUMBER = st.one_of(
    st.integers(-2, 3), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
SCALAR = st.one_of(st.none(), st.booleans(), NUMBER, st.sampled_from(["", "a", "ab", "1"]), st.text(max_size=3))
JSON = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=6,
)
ANYTHING = st.one_of(JSON, st.floats(), st.binary(max_size=2), st.sets(st.integers(), max_size=1), st.just(object()))
VALUE = st.one_of(
    st.none(),
    ANYTHING.map(lambda value: EvidenceValue("json", value)),
    st.lists(st.integers(0, 255), max_size=3).map(lambda value: EvidenceValue("bytes", value)),
)
RESULT = st.builds(
    EvidenceResult,
    value=VALUE,
    lane=st.sampled_from(Lane),
    error=st.one_of(st.none(), st.builds(EvidenceProblem, st.sampled_from(["evidence_unavailable", "x"]), st.text())),
    evidence_hash=st.one_of(st.none(), st.just(EvidenceHash("0" * 64))),
)
CONDITION = st.builds(
    Condition,
    name=st.just("x"),
    environments=st.just(("production",)),
    query=st.just(EvidenceQuery("tickets", "state")),
    comparator=st.sampled_from(Comparator),
    expected=JSON,
    min_lane=st.sampled_from(MinLane),
    action=st.sampled_from(Action),
)


def of_json(comparator: Comparator, value: Any, expected: Any) -> Outcome:
    return compare(comparator, expected, EvidenceValue("json", value))


@given(CONDITION, st.one_of(st.none(), RESULT))
def test_only_an_answer_that_is_known_passes(condition: Condition, evidence: EvidenceResult | None) -> None:
    finding = evaluate(condition, evidence)
    refusal = Verdict.WARN if condition.action is Action.WARN else Verdict.FAIL
    assert finding.result.result is (Verdict.PASS if finding.outcome is T else refusal)
    if finding.outcome is T:
        assert evidence is not None
        assert evidence.error is None
        assert evidence.lane is Lane.VERIFIED or condition.min_lane is MinLane.ASSERTED
        absent = evidence.value is None
        assert absent is (condition.comparator is Comparator.NOT_EXISTS)
        assert not (absent and evidence.evidence_hash is not None)


@given(st.sampled_from(Comparator), ANYTHING, VALUE)
def test_comparing_never_raises(comparator: Comparator, expected: Any, value: EvidenceValue | None) -> None:
    assert compare(comparator, expected, value) in Outcome


@given(JSON, JSON)
def test_not_equals_is_the_negation_of_equals(value: Any, expected: Any) -> None:
    equal = of_json(Comparator.EQUALS, value, expected)
    assert of_json(Comparator.NOT_EQUALS, value, expected) is NEGATED[equal]
    assert of_json(Comparator.EQUALS, expected, value) is equal


@given(JSON)
def test_everything_equals_itself(value: Any) -> None:
    assert of_json(Comparator.EQUALS, value, value) is T


@given(JSON, JSON)
def test_what_is_equal_has_one_hash(value: Any, expected: Any) -> None:
    # Against the canonical form, which is an implementation of its own.
    assume(_small(value) and _small(expected))
    hashes = {hash_value(EvidenceValue("json", entry)) for entry in (value, expected)}
    assert (of_json(Comparator.EQUALS, value, expected) is T) is (len(hashes) == 1)


def _small(value: Any) -> bool:
    """Whether all numbers lie where an integer and the float of its value are written alike."""
    if isinstance(value, dict):
        return all(map(_small, value.values()))
    if isinstance(value, list):
        return all(map(_small, value))
    return not isinstance(value, (int, float)) or abs(value) <= 2**53


@given(JSON, st.lists(JSON, max_size=4))
def test_being_in_a_set_is_equalling_any_element(value: Any, expected: list[Any]) -> None:
    outcomes = {of_json(Comparator.EQUALS, value, element) for element in expected}
    told = T if T in outcomes else U if U in outcomes else F
    assert of_json(Comparator.IN_SET, value, expected) is told


@given(st.lists(JSON, max_size=4), st.lists(JSON, min_size=1, max_size=3))
def test_containing_a_list_is_containing_each_element(value: list[Any], expected: list[Any]) -> None:
    outcomes = {of_json(Comparator.IN_SET, wanted, value) for wanted in expected}
    told = F if F in outcomes else U if U in outcomes else T
    assert of_json(Comparator.CONTAINS, value, expected) is told


@given(st.lists(JSON, max_size=4), JSON, st.lists(JSON, min_size=1, max_size=3))
def test_a_longer_list_contains_no_less(value: list[Any], more: Any, expected: list[Any]) -> None:
    if of_json(Comparator.CONTAINS, value, expected) is T:
        assert of_json(Comparator.CONTAINS, [*value, more], expected) is T


@given(JSON, st.lists(JSON, max_size=4), JSON)
def test_a_larger_set_has_no_fewer_members(value: Any, expected: list[Any], more: Any) -> None:
    if of_json(Comparator.IN_SET, value, expected) is T:
        assert of_json(Comparator.IN_SET, value, [more, *expected]) is T


@given(NUMBER, NUMBER)
def test_numbers_are_ordered_in_one_way(value: float, expected: float) -> None:
    less, equal, greater = (
        of_json(comparator, value, expected) is T
        for comparator in (Comparator.LESS_THAN, Comparator.EQUALS, Comparator.GREATER_THAN)
    )
    assert [less, equal, greater].count(True) == 1
    assert (of_json(Comparator.LESS_THAN_OR_EQUAL, value, expected) is T) is (less or equal)
    assert (of_json(Comparator.GREATER_THAN_OR_EQUAL, value, expected) is T) is (greater or equal)
    assert (of_json(Comparator.GREATER_THAN, expected, value) is T) is less


@given(NUMBER, NUMBER, NUMBER)
def test_a_higher_number_is_greater_than_no_less(value: float, more: float, expected: float) -> None:
    if more >= value and of_json(Comparator.GREATER_THAN, value, expected) is T:
        assert of_json(Comparator.GREATER_THAN, more, expected) is T
