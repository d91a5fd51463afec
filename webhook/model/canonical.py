"""Canonical JSON: the same value gives the same bytes, so that a digest of it means something.

RFC 8785 for the values that our records hold: strings, integers, booleans, null, lists, and objects with ASCII
names. Floats are refused instead of formatted: no record needs one, and a digest that depends on how a float is
printed is no digest. Within that, the standard library's encoder gives RFC 8785's bytes at C speed, which
tests/model/test_canonical.py holds against the rfc8785 package.
"""

import hashlib
import json
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
    text = _ENCODER.encode(value)
    return text.encode("utf-8")


def sha256_digest(data: bytes) -> str:
    """Names bytes by their SHA-256, as OCI does.

    Args:
        data: Any bytes.

    Returns:
        `sha256:` and 64 lower-case hexadecimal digits.
    """
    return "sha256:" + hashlib.sha256(data).hexdigest()


class _Encoder(json.JSONEncoder):
    def encode(self, o: Any) -> str:
        _refuse_what_is_not_canonical(o)
        return super().encode(o)


def _refuse_what_is_not_canonical(root: Any) -> None:
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            for name in value:
                if not isinstance(name, str) or not name.isascii():
                    raise ValueError("a canonical object has ASCII names")
            stack.extend(value.values())
        elif isinstance(value, (list, tuple)):
            stack.extend(value)
        elif isinstance(value, float):
            # A float's canonical form is a rule of its own (RFC 8785 §3.2.2.3); nothing here needs one.
            raise TypeError("a canonical record holds no floats")


_ENCODER = _Encoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
