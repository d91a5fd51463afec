"""Each comparator against each kind of value; T, F and U are written from the rules in docs/conditions.md."""

import time
from typing import Any

import pytest

from webhook.gates.comparators import Comparator, Outcome, compare, count_values
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceValue

T, F, U = Outcome.TRUE, Outcome.FALSE, Outcome.UNKNOWN
NAN, INFINITY = float("nan"), float("inf")

# Value, expected, are they equal?
EQUALITY: list[tuple[Any, Any, Outcome]] = [
    (None, None, T),
    (None, False, U),
    (None, 0, U),
    (None, "", U),
    (None, [], U),
    (None, {}, U),
    (True, True, T),
    (True, False, F),
    (True, 1, U),
    (False, 0, U),
    (1, True, U),
    (0, False, U),
    (1.0, True, U),
    (1, 1, T),
    (1, 1.0, T),
    (0, -0.0, T),
    (1, 2, F),
    (0.1, 0.1, T),
    (0.3, 0.1 + 0.2, F),
    (2**53 + 1, float(2**53), F),
    (2**53, float(2**53), T),
    (2**64 - 1, 2.0**64, F),
    (3, "3", U),
    ("3", 3, U),
    ("", None, U),
    ("true", True, U),
    ("a", "a", T),
    ("a", "A", F),
    ("a", "a ", F),
    ("\u00e9", "e\u0301", F),
    ([], [], T),
    ([], {}, U),
    ([1], 1, U),
    ([1, 2], [1, 2], T),
    ([1, 2], [2, 1], F),
    ([1, 2], [1], F),
    ([1], ["1"], U),
    ([1, "x"], ["1", "x"], U),
    ([1, "x"], ["1", "y"], F),
    (["y", 1], ["x", "1"], F),
    ({}, {}, T),
    ({"a": 1}, {"a": 1}, T),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, T),
    ({"a": 1}, {"a": 2}, F),
    ({"a": 1}, {"b": 1}, F),
    ({"a": 1}, {"a": 1, "b": None}, F),
    ({"a": "1"}, {"a": 1}, U),
    ({"a": "1", "b": 1}, {"a": 1, "b": 2}, F),
    ({"a": [{"b": True}]}, {"a": [{"b": True}]}, T),
    ({"a": [{"b": True}]}, {"a": [{"b": 1}]}, U),
    (NAN, NAN, U),
    (NAN, 1, U),
    (INFINITY, INFINITY, U),
    ([NAN], [NAN], U),
    (b"a", "a", U),
    ({1}, [1], U),
]

# Value, expected, and whether it is greater, greater or equal, less, less or equal.
ORDER: list[tuple[Any, Any, str]] = [
    (2, 1, "T T F F"),
    (1, 1, "F T F T"),
    (1, 2, "F F T T"),
    (-1, 0, "F F T T"),
    (1.5, 1, "T T F F"),
    (1, 1.0, "F T F T"),
    (0.1, 0.2, "F F T T"),
    (2**53 + 1, float(2**53), "T T F F"),
    (2**64 - 1, 2.0**64, "F F T T"),
    (10, "9", "U U U U"),
    ("10", 9, "U U U U"),
    ("b", "a", "U U U U"),
    ("2026-11-24T06:00:00Z", "2026-11-23T06:00:00Z", "U U U U"),
    (True, 0, "U U U U"),
    (1, False, "U U U U"),
    (None, 0, "U U U U"),
    ([2], 1, "U U U U"),
    ({"a": 2}, 1, "U U U U"),
    (NAN, 1, "U U U U"),
    (1, NAN, "U U U U"),
    (INFINITY, 1, "U U U U"),
]

# Value, expected, does the value contain it?
CONTAINMENT: list[tuple[Any, Any, Outcome]] = [
    ("abc", "b", T),
    ("abc", "abc", T),
    ("abc", "B", F),
    ("", "a", F),
    ("abc", ["a"], U),
    (["abc"], "abc", U),
    ([1, 2, 3], [3, 1], T),
    ([1, 2, 3], [4], F),
    ([1, 2, 3], [1, 4], F),
    ([1, 2, 3], [1.0], T),
    ([1, 2, 3], ["1"], U),
    (["a", 1], ["a"], T),
    (["a", 1], ["b"], U),
    ([[1]], [[1]], T),
    ([[1]], [1], U),
    ([], [1], F),
    ([{"a": 1, "b": 2}], [{"a": 1}], F),
    (12, 1, U),
    ({"a": 1}, "a", U),
    ({"a": 1}, {"a": 1}, U),
    (None, "a", U),
    (True, [True], U),
]

# Value, expected, is the value in it?
MEMBERSHIP: list[tuple[Any, Any, Outcome]] = [
    ("a", ["a", "b"], T),
    ("c", ["a", "b"], F),
    ("A", ["a", "b"], F),
    (1, [1.0, 2], T),
    (1, ["1", 2], U),
    (1, ["1", 1], T),
    (True, [1], U),
    (True, [False], F),
    (None, [None], T),
    (None, ["a"], U),
    ([1], [[1], [2]], T),
    ([1], [1], U),
    ({"a": 1}, [{"a": 2}], F),
    ("a", "abc", U),
    ("a", {"a": 1}, U),
    ("a", None, U),
    ("a", [], F),
    (NAN, [NAN], U),
]

# Bytes, expected, are they equal?
BYTES: list[tuple[list[int], Any, Outcome]] = [
    ([116, 101], [116, 101], T),
    ([116, 101], [101, 116], F),
    ([116], [116, 101], F),
    ([], [], T),
    ([116, 101], "te", U),
    ([1], [1.0], U),
    ([1], [True], U),
    ([1], [256], U),
    ([1], [-1], U),
    ([1], ["1"], U),
    ([1], None, U),
    ([1], 1, U),
]
OF_BYTES = {Comparator.EQUALS, Comparator.NOT_EQUALS, Comparator.EXISTS, Comparator.NOT_EXISTS}


def negated(outcome: Outcome) -> Outcome:
    return {T: F, F: T, U: U}[outcome]


def json_outcome(comparator: Comparator, value: Any, expected: Any) -> Outcome:
    return compare(comparator, expected, EvidenceValue("json", value))


@pytest.mark.parametrize(("value", "expected", "outcome"), EQUALITY)
def test_equality_is_deep_and_of_one_type(value: Any, expected: Any, outcome: Outcome) -> None:
    for left, right in ((value, expected), (expected, value)):
        assert json_outcome(Comparator.EQUALS, left, right) is outcome
        assert json_outcome(Comparator.NOT_EQUALS, left, right) is negated(outcome)


@pytest.mark.parametrize(("value", "expected", "outcomes"), ORDER)
def test_only_numbers_have_an_order(value: Any, expected: Any, outcomes: str) -> None:
    orders = [comparator for comparator in Comparator if comparator.orders]
    assert [comparator.value for comparator in orders] == [
        "greater_than",
        "greater_than_or_equal",
        "less_than",
        "less_than_or_equal",
    ]
    told = [{"T": T, "F": F, "U": U}[letter] for letter in outcomes.split()]
    assert [json_outcome(comparator, value, expected) for comparator in orders] == told


@pytest.mark.parametrize(("value", "expected", "outcome"), CONTAINMENT)
def test_texts_contain_texts_and_lists_contain_all_elements_of_lists(
    value: Any, expected: Any, outcome: Outcome
) -> None:
    assert json_outcome(Comparator.CONTAINS, value, expected) is outcome


@pytest.mark.parametrize(("value", "expected", "outcome"), MEMBERSHIP)
def test_a_value_is_in_a_set_if_it_equals_an_element(value: Any, expected: Any, outcome: Outcome) -> None:
    assert json_outcome(Comparator.IN_SET, value, expected) is outcome


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}, 1, "a", NAN])
def test_whatever_is_there_exists(value: Any) -> None:
    assert json_outcome(Comparator.EXISTS, value, None) is T
    assert json_outcome(Comparator.NOT_EXISTS, value, None) is F


@pytest.mark.parametrize("comparator", Comparator)
def test_without_a_value_nothing_can_be_compared(comparator: Comparator) -> None:
    outcome = {Comparator.EXISTS: F, Comparator.NOT_EXISTS: T}.get(comparator, U)
    assert compare(comparator, None, None) is outcome
    assert compare(comparator, ["a"], None) is outcome


@pytest.mark.parametrize(("value", "expected", "outcome"), BYTES)
def test_bytes_are_compared_with_lists_of_bytes(value: list[int], expected: Any, outcome: Outcome) -> None:
    assert compare(Comparator.EQUALS, expected, EvidenceValue("bytes", value)) is outcome
    assert compare(Comparator.NOT_EQUALS, expected, EvidenceValue("bytes", value)) is negated(outcome)


@pytest.mark.parametrize("comparator", set(Comparator) - OF_BYTES)
@pytest.mark.parametrize("expected", [[1], [[1]], 1, "\x01"])
def test_bytes_are_compared_for_equality_alone(comparator: Comparator, expected: Any) -> None:
    assert compare(comparator, expected, EvidenceValue("bytes", [1])) is U


def test_bytes_that_are_there_exist() -> None:
    assert compare(Comparator.EXISTS, None, EvidenceValue("bytes", [])) is T
    assert compare(Comparator.NOT_EXISTS, None, EvidenceValue("bytes", [])) is F


def test_json_that_lists_the_same_numbers_is_no_bytes() -> None:
    assert compare(Comparator.EQUALS, "te", EvidenceValue("json", [116, 101])) is U


@pytest.mark.parametrize(
    ("value", "count"), [(None, 1), ("abc", 1), ([], 1), ([1, 2], 3), ({"a": [1, {}], "b": None}, 5)]
)
def test_values_are_counted_at_every_depth(value: Any, count: int) -> None:
    assert count_values(value) == count


@pytest.mark.parametrize(("elements", "outcome"), [(0, T), (1, U)])
def test_a_list_that_would_take_too_long_is_unknown(elements: int, outcome: Outcome) -> None:
    # Three values: the list itself and two elements.
    most = LIMITS.condition_comparisons // 3
    assert json_outcome(Comparator.CONTAINS, [1] * (most + elements), [1, 1]) is outcome


@pytest.mark.parametrize(
    ("expected", "element"), [(["a"] * 7, 1), ([[1] * 6], [1] * 5 + [2])], ids=["other types", "alike to the end"]
)
def test_the_longest_comparison_holds_up_nobody(expected: Any, element: Any) -> None:
    # It is made on the loop that all reviews share, once for every image; 65,536 took 0.3 s.
    value = [element] * (LIMITS.condition_comparisons // count_values(expected))

    def seconds() -> float:
        # The process' own, whatever else runs on the machine.
        began = time.process_time()
        assert json_outcome(Comparator.CONTAINS, value, expected) is not T
        return time.process_time() - began

    assert min(seconds() for _ in range(3)) < 0.05
