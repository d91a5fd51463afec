"""Hashes of values: Decision Gate's own vectors, and another implementation of RFC 8785."""

import hashlib
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.support.json_schema import anything
from webhook.model.canonical import canonical_json
from webhook.model.evidence import EvidenceValue
from webhook.model.evidence_hash import hash_value

VECTORS: list[tuple[str, Any, str]] = [
    ("json", "production", "80be2eb0944c0453a6ad339a56e1c8f39f8cc57a4e627758246ccfd274176fd8"),
    ("json", True, "b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b"),
    ("json", None, "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"),
    ("json", 1, "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
    ("json", 1.0, "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
    ("json", {"b": 2, "a": 1}, "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777"),
    ("json", 9007199254740993, "a1c367c29158357e62a3ff5d3e800fb7698a22396439dbc0a9d4929322afd35d"),
    ("bytes", [116, 101, 115, 116], "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
]


@pytest.mark.parametrize(("kind", "value", "digest"), VECTORS)
def test_the_hashes_are_those_of_decision_gate(kind: Any, value: Any, digest: str) -> None:
    found = hash_value(EvidenceValue(kind, value))
    assert (found.algorithm, found.value) == ("sha256", digest)


@pytest.mark.parametrize("number", [-(2**63), -(2**53) - 1, 2**53 + 1, 2**63, 2**64 - 1])
def test_integers_of_64_bits_are_written_exactly(number: int) -> None:
    found = hash_value(EvidenceValue("json", [number])).value
    assert found == hashlib.sha256(b"[%d]" % number).hexdigest()


# RFC 8785 appendix B.
NUMBERS: list[tuple[float, str]] = [
    (0.0, "0"),
    (-0.0, "0"),
    (5e-324, "5e-324"),
    (-5e-324, "-5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
    (9007199254740992.0, "9007199254740992"),
    (295147905179352830000.0, "295147905179352830000"),
    (9.999999999999997e22, "9.999999999999997e+22"),
    (1e23, "1e+23"),
    (999999999999999700000.0, "999999999999999700000"),
    (1e21, "1e+21"),
    (9.999999999999997e-7, "9.999999999999997e-7"),
    (0.000001, "0.000001"),
    (333333333.33333325, "333333333.33333325"),
    (-0.0000033333333333333333, "-0.0000033333333333333333"),
    (1424953923781206.2, "1424953923781206.2"),
]


@pytest.mark.parametrize(("number", "text"), NUMBERS)
def test_numbers_are_written_as_rfc_8785_writes_them(number: float, text: str) -> None:
    assert hash_value(EvidenceValue("json", number)).value == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 2**64, -(2**63) - 1, "\ud800"])
def test_what_has_no_canonical_form_has_no_hash(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the encoder's own among them
        hash_value(EvidenceValue("json", [value]))


def test_members_sort_by_their_quoted_bytes() -> None:
    # UTF-16 code units, by which RFC 8785 sorts, would put U+10000 before U+FFFF.
    text = '{"\uffff":1,"\U00010000":2}'
    found = hash_value(EvidenceValue("json", {"\U00010000": 2, "\uffff": 1})).value
    assert found == hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any) -> bool:
    """Whether RFC 8785 and Decision Gate agree on a value's form."""
    if isinstance(value, dict):
        return all(name.isascii() and name.isalnum() and plain(member) for name, member in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return not isinstance(value, int) or abs(value) < 2**53


@given(anything(20).filter(plain))
def test_another_implementation_gives_the_same(value: Any) -> None:
    assert hash_value(EvidenceValue("json", value)).value == hashlib.sha256(rfc8785.dumps(value)).hexdigest()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_another_implementation_writes_the_same_numbers(number: float) -> None:
    assert hash_value(EvidenceValue("json", number)).value == hashlib.sha256(rfc8785.dumps(number)).hexdigest()


@given(st.dictionaries(st.text("abc_", max_size=5), st.text(st.characters(codec="utf-8"))))
def test_our_own_values_have_the_same_form(value: dict[str, str]) -> None:
    assert hash_value(EvidenceValue("json", value)).value == hashlib.sha256(canonical_json(value)).hexdigest()
