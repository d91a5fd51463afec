"""Canonical JSON against RFC 8785's own implementation, and against itself."""

import json
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from webhook.model.canonical import canonical_json

NAMES = st.text(st.characters(max_codepoint=0x7F), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _reversed(member) for name, member in reversed(value.items())}
    return [_reversed(entry) for entry in value] if isinstance(value, list) else value


@given(VALUES)
def test_encoding_is_that_of_rfc8785(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@given(VALUES)
def test_encoding_does_not_depend_on_the_order_of_insertion(value: Any) -> None:
    assert canonical_json(_reversed(value)) == canonical_json(value)


@given(VALUES)
def test_encoding_is_stable(value: Any) -> None:
    once = canonical_json(value)
    assert json.loads(once) == value
    assert canonical_json(json.loads(once)) == once


@given(st.integers(-(2**63), 2**64 - 1))
def test_integer_is_exact_beyond_doubles_too(value: int) -> None:
    assert canonical_json({"n": value}) == b'{"n":%d}' % value
