"""Canonical JSON: the same value gives the same bytes, so that a digest of it means something.

RFC 8785 for the values that our records hold: strings, integers, booleans, null, lists, and objects with ASCII
names. Floats are refused instead of formatted: no record needs one, and a digest that depends on how a float is
printed is no digest. Within that, the standard library's encoder gives RFC 8785's bytes at C speed, which
tests/model/test_canonical.py holds against the rfc8785 package.
"""

import hashlib
import json
from json.encoder import encode_basestring
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Encodes a value canonically.

    Args:
        value: None, bool, int, str, and lists, tuples and dicts of these; names are ASCII.

    Returns:
        UTF-8 bytes without insignificant white space, members sorted by name.

    Raises:
        TypeError: The value holds a float, or a type that JSON does not have.
        ValueError: The value holds a non-ASCII name or a lone surrogate.
    """
    _check(value)
    return _ENCODER.encode(value).encode("utf-8")


def canonical_text(text: str) -> str:
    """Encodes a string canonically, for whoever writes a canonical object by hand.

    Args:
        text: Any string; a lone surrogate fails when the result is encoded.

    Returns:
        The string in quotes, with RFC 8785's escapes.
    """
    return encode_basestring(text)


def sha256_digest(data: bytes) -> str:
    """Names bytes by their SHA-256, as OCI does.

    Args:
        data: Any bytes.

    Returns:
        `sha256:` and 64 lower-case hexadecimal digits.
    """
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _check(value: Any) -> None:
    """Refuses what is not canonical. Exact types first: they are nearly all that a record holds."""
    kind = type(value)
    if kind is dict:
        for name, member in value.items():
            if not isinstance(name, str) or not name.isascii():
                raise ValueError("a canonical object has ASCII names")
            if type(member) not in _LEAVES:
                _check(member)
    elif kind is list or kind is tuple:
        for member in value:
            if type(member) not in _LEAVES:
                _check(member)
    elif not isinstance(value, (str, int)) and value is not None:
        # Also floats: their canonical form is a rule of its own (RFC 8785 §3.2.2.3), and nothing here needs one.
        raise TypeError("a canonical value holds no floats and no foreign types")


_LEAVES = frozenset({str, int, bool, type(None)})
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
