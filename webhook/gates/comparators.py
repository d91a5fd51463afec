"""The comparators of conditions: what an evidence value is held against, in three-valued logic.

The names are Decision Gate's. Its comparators answer true or false for most things that are not comparable; here
whatever cannot be compared is unknown (docs/conditions.md lists the differences). Nothing is ever converted: `"3"`
is no number, and `true` is not 1.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceValue


class Outcome(StrEnum):
    """What a comparison comes to. Only TRUE ever passes."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class Comparator(StrEnum):
    """How a value is held against what is expected."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    GREATER_THAN = "greater_than"
    GREATER_THAN_OR_EQUAL = "greater_than_or_equal"
    LESS_THAN = "less_than"
    LESS_THAN_OR_EQUAL = "less_than_or_equal"
    CONTAINS = "contains"
    IN_SET = "in_set"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"

    @property
    def orders(self) -> bool:
        """Whether it compares the size of numbers."""
        return self in _ORDERINGS

    @property
    def asks_for_presence(self) -> bool:
        """Whether it asks only if there is a value, so that nothing is expected of it."""
        return self in {Comparator.EXISTS, Comparator.NOT_EXISTS}


def compare(comparator: Comparator, expected: Any, value: EvidenceValue | None) -> Outcome:
    """Holds a value against what is expected.

    Args:
        comparator: How.
        expected: JSON from the configuration; of no use to `exists` and `not_exists`.
        value: The value; None if a provider that could look found none.

    Returns:
        UNKNOWN for everything that cannot be compared; never an exception, whatever the value holds.
    """
    if comparator.asks_for_presence:
        return _known((value is not None) is (comparator is Comparator.EXISTS))
    if value is None:
        return Outcome.UNKNOWN
    if value.kind == "bytes":
        return _compare_bytes(comparator, expected, value.value)
    return _JSON[comparator](value.value, expected)


def count_values(value: Any) -> int:
    """Counts the values in a JSON value, which bounds what a comparison with it costs.

    Args:
        value: JSON; its nesting is bounded.

    Returns:
        1 for a string, number, boolean or null; members and elements are counted too.
    """
    below = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return 1 + sum(map(count_values, below))


def json_kind(value: Any) -> str | None:
    """Names the JSON type of a value.

    Args:
        value: Anything.

    Returns:
        `null`, `boolean`, `number`, `string`, `list` or `object`; None for what JSON does not have, such as NaN.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _KINDS.get(type(value))


# By exact types, of which a comparison looks up thousands: Python counts a boolean among the numbers, JSON does not.
_KINDS: Mapping[type, str] = MappingProxyType(
    {
        bool: "boolean",
        int: "number",
        float: "number",
        str: "string",
        list: "list",
        tuple: "list",
        dict: "object",
        type(None): "null",
    }
)


def _known(truth: bool) -> Outcome:  # noqa: FBT001 - the truth is what it is about
    return Outcome.TRUE if truth else Outcome.FALSE


def _not(outcome: Outcome) -> Outcome:
    return outcome if outcome is Outcome.UNKNOWN else _known(outcome is Outcome.FALSE)


def _all(outcomes: Iterable[Outcome]) -> Outcome:
    """Strong Kleene conjunction: one FALSE settles it, whatever else is unknown."""
    result = Outcome.TRUE
    for outcome in outcomes:
        if outcome is Outcome.FALSE:
            return outcome
        if outcome is Outcome.UNKNOWN:
            result = outcome
    return result


def _any(outcomes: Iterable[Outcome]) -> Outcome:
    """Strong Kleene disjunction: one TRUE settles it."""
    result = Outcome.FALSE
    for outcome in outcomes:
        if outcome is Outcome.TRUE:
            return outcome
        if outcome is Outcome.UNKNOWN:
            result = outcome
    return result


def _equal(left: Any, right: Any) -> Outcome:
    """Deep equality; values of two JSON types are neither equal nor different, at any depth."""
    kind = json_kind(left)
    if kind is None or kind != json_kind(right):
        return Outcome.UNKNOWN
    if kind == "object":
        if left.keys() != right.keys():
            return Outcome.FALSE
        return _all(_equal(left[name], right[name]) for name in left)
    if kind == "list":
        return _all(map(_equal, left, right)) if len(left) == len(right) else Outcome.FALSE
    # Python compares integers with floats exactly, by their values: 2^53 + 1 is not 2^53.
    return _known(left == right)


def _unequal(value: Any, expected: Any) -> Outcome:
    return _not(_equal(value, expected))


def _in_set(value: Any, expected: Any) -> Outcome:
    if json_kind(expected) != "list":
        return Outcome.UNKNOWN
    return _any(_equal(value, element) for element in expected)


def _contains(value: Any, expected: Any) -> Outcome:
    kind = json_kind(value)
    if kind not in {"string", "list"} or json_kind(expected) != kind:
        return Outcome.UNKNOWN
    if kind == "string":
        return _known(expected in value)
    if len(value) * count_values(expected) > LIMITS.condition_comparisons:
        return Outcome.UNKNOWN
    return _all(_any(_equal(element, wanted) for element in value) for wanted in expected)


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Outcome]:
    def compare_numbers(value: Any, expected: Any) -> Outcome:
        if not json_kind(value) == json_kind(expected) == "number":
            return Outcome.UNKNOWN
        return _known(holds(value, expected))

    return compare_numbers


def _compare_bytes(comparator: Comparator, expected: Any, value: Iterable[int]) -> Outcome:
    """Bytes are held against a list of integers from 0 to 255, for equality alone."""
    if comparator not in {Comparator.EQUALS, Comparator.NOT_EQUALS} or json_kind(expected) != "list":
        return Outcome.UNKNOWN
    if not all(type(byte) is int and byte in range(256) for byte in expected):
        return Outcome.UNKNOWN
    return _known((list(value) == list(expected)) is (comparator is Comparator.EQUALS))


_ORDERINGS: Mapping[Comparator, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        Comparator.GREATER_THAN: operator.gt,
        Comparator.GREATER_THAN_OR_EQUAL: operator.ge,
        Comparator.LESS_THAN: operator.lt,
        Comparator.LESS_THAN_OR_EQUAL: operator.le,
    }
)
_JSON: Mapping[Comparator, Callable[[Any, Any], Outcome]] = MappingProxyType(
    {
        Comparator.EQUALS: _equal,
        Comparator.NOT_EQUALS: _unequal,
        Comparator.CONTAINS: _contains,
        Comparator.IN_SET: _in_set,
        **{comparator: _ordered(holds) for comparator, holds in _ORDERINGS.items()},
    }
)
