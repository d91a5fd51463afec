"""JSON as evidence must be written: one meaning, or an error.

Two readers that understand the same bytes differently are how a signature is made to cover something else,
so whatever RFC 8259 leaves open (duplicate names, NaN, a byte order mark, unbounded numbers) is refused here.
"""

import json
import math
from typing import Any, NoReturn

from webhook.errors import MalformedError
from webhook.limits import LIMITS

_SEPARATORS = (b",", b"[", b"{")
"""Each value but the first costs one of these; those inside strings are counted too, which errs on the safe side."""
_INTEGER_RANGE = range(-(2**63), 2**64)


def parse_json(data: bytes, what: str, *, depth: int = LIMITS.json_depth, values: int = LIMITS.json_values) -> Any:
    """Reads one JSON document strictly.

    Args:
        data: UTF-8 bytes, without a byte order mark; the caller has capped their number.
        what: What the document is, for the error ("envelope", "statement").
        depth: How many levels it may have.
        values: How many values it may hold.

    Returns:
        The value; integers lie in -2^63 … 2^64-1, floats are finite, nesting is at most
        `depth`, names are unique and no string holds a lone surrogate.

    Raises:
        MalformedError: For anything else.
    """
    if count_values(data) > values:
        raise MalformedError(f"the {what} holds more than {values} values")
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_unique_names,
            parse_constant=_no_constant,
            parse_int=_bounded_integer,
            parse_float=_finite_float,
        )
        _check_depth_and_strings(value, depth)
    except (ValueError, RecursionError) as error:
        # UnicodeDecodeError and JSONDecodeError are ValueErrors; their texts quote the input, so they stop here.
        detail = str(error) if isinstance(error, _StrictnessError) else "is not JSON"
        raise MalformedError(f"the {what} {detail}") from None
    return value


def count_values(data: bytes) -> int:
    """Counts what a document holds, without parsing it.

    Args:
        data: JSON, or what claims to be.

    Returns:
        At least the number of its values, less one.
    """
    return sum(map(data.count, _SEPARATORS))


class _StrictnessError(ValueError):
    """JSON that we refuse; the text is ours and safe to show."""


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _StrictnessError("has a duplicate member name")
    return members


def _no_constant(_: str) -> NoReturn:
    raise _StrictnessError("holds NaN or Infinity")


def _bounded_integer(literal: str) -> int:
    # Python refuses to convert more than 4,300 digits; 20 are enough for 2^64.
    value = int(literal) if len(literal) <= len("-9223372036854775808") else None
    if value is None or value not in _INTEGER_RANGE:
        raise _StrictnessError("holds an integer outside -2^63 … 2^64-1")
    return value


def _finite_float(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise _StrictnessError("holds a number beyond double precision")
    return value


def _check_depth_and_strings(root: Any, deepest: int) -> None:
    level = [root]
    depth = 0
    while level:
        below: list[Any] = []
        containers = 0
        for value in level:
            if isinstance(value, dict):
                containers += 1
                below.extend(value)
                below.extend(value.values())
            elif isinstance(value, list):
                containers += 1
                below.extend(value)
            elif isinstance(value, str) and not _encodable(value):
                raise _StrictnessError("holds a lone surrogate")
        depth += containers > 0
        if depth > deepest:
            raise _StrictnessError(f"is nested deeper than {deepest} levels")
        level = below


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
