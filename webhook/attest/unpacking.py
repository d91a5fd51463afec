"""Gzip, which may hold a thousand times as much as it is large, or nothing at all a million times."""

import zlib
from collections.abc import Iterator

from webhook.attest.profile import ProfileError

_FORMAT = 16 + zlib.MAX_WBITS
_PIECE = 4096
_MEMBERS = 10_000
"""bgzip makes one of every 64 KiB, so 4096 of the largest profile."""


def unpacked(content: bytes, limit: int) -> bytes:
    """Unpacks all members of a gzip file (RFC 1952), in time that is linear in what comes in and out.

    Args:
        content: The file.
        limit: The most bytes that may come out.

    Returns:
        What was packed.

    Raises:
        ProfileError: It is damaged, cut off, too large, or of too many members.
    """
    return b"".join(_members(content, limit))


def _members(content: bytes, limit: int) -> Iterator[bytes]:
    left, rest = limit, memoryview(content)
    for _ in range(_MEMBERS):
        if not rest:
            return
        unpacker = zlib.decompressobj(_FORMAT)
        while rest and not unpacker.eof:
            part = _unpack(unpacker, rest[:_PIECE], left + 1)
            rest, left = rest[_PIECE:], left - len(part)
            if left < 0:
                raise too_large(limit)
            yield part
        if not unpacker.eof:
            raise ProfileError("it is cut off")
        # What was fed and belongs to the next member; of a whole file each member would copy all others.
        rest = memoryview(content)[len(content) - len(rest) - len(unpacker.unused_data) :]
    if rest:
        raise ProfileError(f"it is of more than {_MEMBERS} gzip members")


def _unpack(unpacker: "zlib._Decompress", piece: memoryview, most: int) -> bytes:
    try:
        return unpacker.decompress(piece, most)
    except zlib.error:
        raise ProfileError("it is not gzip, or damaged") from None


def too_large(limit: int) -> ProfileError:
    """Makes the error of a file that is too large.

    Args:
        limit: The most bytes that it may have.

    Returns:
        The error.
    """
    return ProfileError(f"it is larger than {limit} bytes")
