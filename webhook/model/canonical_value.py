"""The canonical form of any JSON value, as Decision Gate writes it: what hashes of evidence are taken of.

RFC 8785's form, with two turns of its own: integers from -2^63 to 2^64-1 print exactly, and members sort by the
bytes of their escaped, quoted names. For what our own records and gate metadata hold, `canonical.canonical_json`
gives the same bytes faster.
"""

import json
import math
from decimal import Decimal
from typing import Any

_INTEGERS = range(-(2**63), 2**64)
_LARGEST_PLAIN = 21
_SMALLEST_PLAIN = -6
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
"""Made once: `json.dumps` makes an encoder for each value, which for a list of thousands holds up the loop."""


def canonical_value(value: Any) -> bytes:
    """Encodes a value canonically.

    Args:
        value: JSON as `strict_json.parse_json` gives it; tuples count as lists.

    Returns:
        UTF-8 bytes.

    Raises:
        ValueError: It has no such form: NaN, infinity, an integer beyond 64 bits, a lone surrogate.
    """
    return _written(value).encode("utf-8")


def _written(value: Any) -> str:
    if isinstance(value, dict):
        members = sorted((_quoted(name), member) for name, member in value.items())
        return "{" + ",".join(f"{name}:{_written(member)}" for name, member in members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int) and value not in _INTEGERS:
        raise ValueError("an integer beyond 64 bits has no canonical form")
    return _quoted(value)


def _quoted(value: str | int | None) -> str:
    return _ENCODE(value)


def _number(value: float) -> str:
    """Writes a number as ECMAScript does (ECMA-262, Number::toString), which RFC 8785 §3.2.2.3 asks for."""
    if not math.isfinite(value):
        raise ValueError("NaN and infinity have no canonical form")
    if value == 0:
        return "0"
    # Python's shortest digits are ECMAScript's; only where the point stands differs.
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    if len(text) <= point <= _LARGEST_PLAIN:
        plain = text + "0" * (point - len(text))
    elif 0 < point <= _LARGEST_PLAIN:
        plain = f"{text[:point]}.{text[point:]}"
    elif _SMALLEST_PLAIN < point <= 0:
        plain = "0." + "0" * -point + text
    else:
        plain = f"{text[0]}{'.' * (len(text) > 1)}{text[1:]}e{point - 1:+d}"
    return "-" * sign + plain
