"""What it may cost to open an encrypted PKCS#8 key: the file says it, and `cryptography` believes any number.

Sources: RFC 5958 (EncryptedPrivateKeyInfo), RFC 8018 (PBES2, PBKDF2), RFC 7914, section 7 (scrypt), X.690 (DER).
"""

import base64
import binascii
import re
from collections.abc import Iterator

from webhook.trust.keys import KeyNotSupportedError

ITERATIONS = 10_000_000
"""Rounds of PBKDF2 or an older scheme; fifteen times what is recommended, and some two seconds."""
SCRYPT_BLOCKS = 2**20
"""scrypt's N times r; 128 bytes each."""
SCRYPT_PASSES = 16
"""scrypt's p: how often those are gone through."""

_BEGIN = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
_BLOCK = re.compile(_BEGIN + rb"\s*(?P<body>[A-Za-z0-9+/=\s]*)-----END ENCRYPTED PRIVATE KEY-----")
_SCRYPT = bytes.fromhex("2b06010401da47040b")  # 1.3.6.1.4.1.11591.4.11
_SEQUENCE, _INTEGER, _IDENTIFIER, _CONSTRUCTED = 0x30, 0x02, 0x06, 0x20
_DEPTH = 8
_LONG = 0x80


def require_bearable(pem: bytes) -> None:
    """Refuses a key file whose encrypted keys would take too long, or too much memory, to open.

    Args:
        pem: The file, capped.

    Raises:
        KeyNotSupportedError: It asks for more than `ITERATIONS`, or 128 MiB; or it cannot be told.
    """
    blocks = [match["body"] for match in _BLOCK.finditer(pem)]
    if len(blocks) != pem.count(_BEGIN):
        raise KeyNotSupportedError("it holds no PEM private key")
    for body in blocks:
        try:
            algorithm = _algorithm(base64.b64decode(b"".join(body.split()), validate=True))
            parts = list(_parts(algorithm, _DEPTH))
        except (binascii.Error, _DerError):
            raise KeyNotSupportedError("it holds no PEM private key") from None
        numbers = [int.from_bytes(content, "big", signed=True) for tag, content in parts if tag == _INTEGER]
        if not _is_bearable(numbers, scrypt=(_IDENTIFIER, _SCRYPT) in parts):
            raise KeyNotSupportedError(
                "its encryption would take too long or too much memory to undo; encrypt it anew"
            )


class _DerError(Exception):
    pass


def _is_bearable(numbers: list[int], *, scrypt: bool) -> bool:
    if not scrypt:
        return all(number <= ITERATIONS for number in numbers)
    cost, block_size, passes = (*numbers, 0, 0, 0)[:3]
    return max(cost, 1) * max(block_size, 1) <= SCRYPT_BLOCKS and passes <= SCRYPT_PASSES


def _algorithm(der: bytes) -> bytes:
    """Gives the first member of the outer sequence, which says how the second was encrypted."""
    for _ in range(2):
        members = _members(der)
        if not members or members[0][0] != _SEQUENCE:
            raise _DerError
        der = members[0][1]
    return der


def _parts(content: bytes, depth: int) -> Iterator[tuple[int, bytes]]:
    """Gives all values that hold no others, with their tags."""
    if depth == 0:
        raise _DerError
    for tag, value in _members(content):
        if tag & _CONSTRUCTED:
            yield from _parts(value, depth - 1)
        else:
            yield tag, value


def _members(content: bytes) -> list[tuple[int, bytes]]:
    members = []
    while content:
        if len(content) < 2:  # noqa: PLR2004 - tag and length
            raise _DerError
        tag, length, start = content[0], content[1], 2
        if length == _LONG:
            # Of a length that is not said; DER has none such.
            raise _DerError
        if length & _LONG:
            start += length - _LONG
            length = int.from_bytes(content[2:start], "big")
        if len(content) < start + length:
            raise _DerError
        members.append((tag, content[start : start + length]))
        content = content[start + length :]
    return members
