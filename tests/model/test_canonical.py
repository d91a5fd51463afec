"""Canonical JSON: fixed vectors, RFC 8785 by another implementation in tests/fuzz, and what it refuses."""

import hashlib
from decimal import Decimal

import pytest
import rfc8785

from webhook.model.canonical import canonical_json, canonical_text, sha256_digest

# Value, canonical bytes, sha256: vectors of the evidence_query contract, printed by its own implementation.
VECTORS = [
    ("production", b'"production"', "80be2eb0944c0453a6ad339a56e1c8f39f8cc57a4e627758246ccfd274176fd8"),
    (True, b"true", "b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b"),
    (None, b"null", "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"),
    ({"b": 2, "a": 1}, b'{"a":1,"b":2}', "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777"),
    (9007199254740993, b"9007199254740993", "a1c367c29158357e62a3ff5d3e800fb7698a22396439dbc0a9d4929322afd35d"),
]

RFC8785 = [
    ({}, b"{}"),
    ([], b"[]"),
    ((1, 2), b"[1,2]"),
    ({"b": [], "a": {"d": None, "c": False}}, b'{"a":{"c":false,"d":null},"b":[]}'),
    ({"B": 1, "a": 2, "A": 3, "_": 4, "1": 5, "": 6}, b'{"":6,"1":5,"A":3,"B":1,"_":4,"a":2}'),
    ('"\\/', b'"\\"\\\\/"'),
    ("\b\t\n\f\r", b'"\\b\\t\\n\\f\\r"'),
    ("\x00\x1f\x7f", b'"\\u0000\\u001f\x7f"'),
    ("\u20ac\u2028\U0001f600", '"\u20ac\u2028\U0001f600"'.encode()),
    (-(2**53) + 1, b"-9007199254740991"),
]


@pytest.mark.parametrize(("value", "encoded", "digest"), VECTORS)
def test_vector_of_the_contract_holds(value: object, encoded: bytes, digest: str) -> None:
    assert canonical_json(value) == encoded
    assert sha256_digest(canonical_json(value)) == f"sha256:{digest}"


@pytest.mark.parametrize(("value", "encoded"), RFC8785, ids=[str(encoded) for _, encoded in RFC8785])
def test_encoding_is_that_of_rfc8785(value: object, encoded: bytes) -> None:
    assert canonical_json(value) == encoded
    assert rfc8785.dumps(value) == encoded  # type: ignore[arg-type]  # the table's values are all JSON


@pytest.mark.parametrize("value", [2**63, 2**64 - 1, -(2**63), 10**30])
def test_big_integer_is_printed_exactly(value: int) -> None:
    assert canonical_json([value]) == b"[%d]" % value


@pytest.mark.parametrize("value", [1.0, 0.5, float("nan"), float("inf"), [0.0], {"a": {"b": (1.5,)}}])
def test_float_is_refused_wherever_it_stands(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize("value", [b"x", {1}, Decimal(1), object(), [b"x"]])
def test_value_that_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize("value", [{"\u00e9": 1}, {1: 1}, {None: 1}, {True: 1}, [{"a": {"\u20ac": 1}}], {1.5: 1}])
def test_name_that_is_no_ascii_text_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="ASCII names"):
        canonical_json(value)


def test_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        canonical_json("\ud800")


def test_digest_names_bytes_as_oci_does() -> None:
    assert sha256_digest(b"test") == "sha256:" + hashlib.sha256(b"test").hexdigest()


@pytest.mark.parametrize("text", ["", "plain", 'a"b', "a\\b", "a\n\x00\x1f\x7f", "\u00e9\u2028\U0001f600"])
def test_text_alone_is_written_as_within_a_document(text: str) -> None:
    assert canonical_text(text).encode() == canonical_json(text)
