"""JSON that has one meaning, or an error: case group 15 below the envelope."""

import pytest

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.strict_json import parse_json

ACCEPTED = [
    (b"null", None),
    (b"true", True),
    (b'"x"', "x"),
    (b" [1, 2]\n", [1, 2]),
    (b'{"a":{"a":1}}', {"a": {"a": 1}}),
    (b"0.5", 0.5),
    (b"1e2", 100.0),
    (b"-0", 0),
    (b"9007199254740993", 2**53 + 1),
    (b"9223372036854775808", 2**63),
    (b"18446744073709551615", 2**64 - 1),
    (b"-9223372036854775808", -(2**63)),
    (b'"\\ud83d\\ude00"', "\U0001f600"),
    ('"\u00e9"'.encode(), "\u00e9"),
]

REFUSED = [
    (b"", "is not JSON"),
    (b" ", "is not JSON"),
    (b"{", "is not JSON"),
    (b"{} {}", "is not JSON"),
    (b"{}x", "is not JSON"),
    (b"{'a':1}", "is not JSON"),
    (b'{"a":1,}', "is not JSON"),
    (b"[1,]", "is not JSON"),
    (b"{a:1}", "is not JSON"),
    (b"// x\n{}", "is not JSON"),
    (b"01", "is not JSON"),
    (b"+1", "is not JSON"),
    (b".5", "is not JSON"),
    (b"1.", "is not JSON"),
    (b"0x10", "is not JSON"),
    (b"True", "is not JSON"),
    (b'"a\nb"', "is not JSON"),
    (b'"\\x41"', "is not JSON"),
    (b"\xef\xbb\xbf{}", "is not JSON"),
    (b"\xff\xfe{\x00}\x00", "is not JSON"),
    ("{}".encode("utf-16"), "is not JSON"),
    (b'"\xff"', "is not JSON"),
    (b'"\xed\xa0\x80"', "is not JSON"),
    (b'"\xc0\xaf"', "is not JSON"),
    ("\u0661".encode(), "is not JSON"),
    (b"\x00", "is not JSON"),
    (b"[" * 100_000, "is not JSON"),
    (b'{"a":' * 100_000, "is not JSON"),
    (b'{"a":1,"a":1}', "has a duplicate member name"),
    (b'{"a":1,"\\u0061":2}', "has a duplicate member name"),
    (b'[{"b":{"a":1,"a":2}}]', "has a duplicate member name"),
    (b"NaN", "holds NaN or Infinity"),
    (b"[Infinity]", "holds NaN or Infinity"),
    (b'{"a":-Infinity}', "holds NaN or Infinity"),
    (b"1e400", "holds a number beyond double precision"),
    (b"-1e400", "holds a number beyond double precision"),
    (b"18446744073709551616", "holds an integer outside"),
    (b"-9223372036854775809", "holds an integer outside"),
    (b"99999999999999999999", "holds an integer outside"),
    (b"1" * 21, "holds an integer outside"),
    (b"1" * 5000, "holds an integer outside"),
    (b'"\\ud800"', "holds a lone surrogate"),
    (b'["\\udc00"]', "holds a lone surrogate"),
    (b'{"\\ud800":1}', "holds a lone surrogate"),
    (b'{"a":{"b":["\\ud800x"]}}', "holds a lone surrogate"),
]


@pytest.mark.parametrize(("data", "value"), ACCEPTED, ids=[str(data)[:40] for data, _ in ACCEPTED])
def test_json_with_one_meaning_is_read(data: bytes, value: object) -> None:
    found = parse_json(data, "document")
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(("data", "text"), REFUSED, ids=[str(data)[:40] for data, _ in REFUSED])
def test_json_with_two_meanings_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_json(data, "document")
    assert caught.value.detail.startswith(f"the document {text}")


@pytest.mark.parametrize("kind", ["array", "object"])
def test_nesting_is_refused_one_level_above_the_limit(kind: str) -> None:
    opening, closing = {"array": (b"[", b"]"), "object": (b'{"a":', b"}")}[kind]
    deepest = opening * LIMITS.json_depth + b"1" + closing * LIMITS.json_depth
    assert parse_json(deepest, "document")
    with pytest.raises(MalformedError, match="deeper"):
        parse_json(opening + deepest + closing, "document")


def test_nesting_counts_an_empty_container_too() -> None:
    depth = LIMITS.json_depth + 1
    with pytest.raises(MalformedError, match="deeper"):
        parse_json(b"[" * depth + b"]" * depth, "document")


def test_refusal_quotes_nothing_of_the_input() -> None:
    with pytest.raises(MalformedError) as caught:
        parse_json(b'{"secret": tok}', "envelope")
    assert caught.value.detail == "the envelope is not JSON"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_values_are_counted_before_they_are_read() -> None:
    # Values cost more memory than bytes: each comma may stand for one.
    most = b"[" + b"1," * (LIMITS.json_values - 1) + b"1]"
    assert len(parse_json(most, "document")) == LIMITS.json_values
    with pytest.raises(MalformedError, match="values"):
        parse_json(b"[" + b"1," * (LIMITS.json_values + 1) + b"1]", "document")
