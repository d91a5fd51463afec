"""The protocol buffers wire format, read only.

Source: https://protobuf.dev/programming-guides/encoding/. Google's runtime builds the whole message before anybody
can count anything in it: 20 MB of empty samples become 470 MiB there, and a million real samples take 950 MiB until
they have been looked at. Here nothing is built but what the caller keeps (docs/adr/0022).
"""

import re
import sys
from array import array
from collections.abc import Iterator

from webhook.attest.profile import ProfileError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Wire types; groups (3 and 4) are of no format that is read here."""

FIXED64_BYTES = 8

_FIXED = {FIXED64: FIXED64_BYTES, FIXED32: 4}
_VARINT_BYTES = 10
_LAST_BIT = 63
_MAXIMUM = 2**64 - 1
_VARINTS = re.compile(rb"[\x80-\xff]*+[\x00-\x7f]")

_GROUPS = array("Q").itemsize
_VALUES = bytes(byte & 0x7F for byte in range(256))
"""For each byte of a number: the bits of it that count,"""
_MASKS = bytes(0x7F if byte > 0x7F else 0 for byte in range(256))  # noqa: PLR2004 - the number goes on
"""which of the next byte's bits count,"""
_CONTINUES = bytes(byte & 0x80 for byte in range(256))
"""and whether the next byte is no beginning."""
_NO_BEGIN = bytes(range(0x80, 0x100))

Field = tuple[int, int, int, int]
"""Number, wire type, and: the value and 0 of a number; where the content of anything longer begins and ends."""


def fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """Reads the fields of a message one by one.

    Args:
        data: What the message is a part of.
        start: Where it begins.
        end: Where it ends.

    Yields:
        The fields in the order in which they stand there.

    Raises:
        ProfileError: It is no message.
    """
    while start < end:
        number, kind, first, last, start = read_field(data, start, end)
        yield number, kind, first, last


def read_field(data: bytes, start: int, end: int) -> tuple[int, int, int, int, int]:
    """Reads one field.

    Args:
        data: What its message is a part of.
        start: Where it begins, before the end.
        end: Where its message ends.

    Returns:
        The four parts of a `Field`, and where it ends.

    Raises:
        ProfileError: It is no field.
    """
    tag = data[start]
    start += 1
    if tag > 0x7F:  # noqa: PLR2004 - more bytes follow
        tag, start = varint(data, start - 1, end)
    kind = tag & 7
    if kind == VARINT:
        if start < end and data[start] < 0x80:  # noqa: PLR2004 - as below
            return tag >> 3, kind, data[start], 0, start + 1
        value, start = varint(data, start, end)
        return tag >> 3, kind, value, 0, start
    if kind == LENGTH:
        # One byte, as a rule, and then not worth a call: millions of fields pass here.
        if start < end and data[start] < 0x80:  # noqa: PLR2004 - no byte follows
            size, start = data[start], start + 1
        else:
            size, start = varint(data, start, end)
    elif kind in _FIXED:
        size = _FIXED[kind]
    else:
        raise ProfileError("it is no protocol buffers message")
    if size > end - start:
        raise truncated()
    return tag >> 3, kind, start, start + size, start + size


def numbers(data: bytes, start: int, end: int) -> dict[int, int]:
    """Reads a message of which only the numbers are of interest.

    Args:
        data: What it is a part of.
        start: Where it begins.
        end: Where it ends.

    Returns:
        Number of the field to its value, the last one if there are more.

    Raises:
        ProfileError: It is no message.
    """
    found: dict[int, int] = {}
    while start < end:
        number, kind, value, _, start = read_field(data, start, end)
        if kind == VARINT:
            found[number] = value
    return found


def varint(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Reads one number.

    Args:
        data: What it is a part of.
        start: Where it begins.
        end: Where its message ends.

    Returns:
        The number, 0 to 2^64 - 1, and where it ends.

    Raises:
        ProfileError: It has no end, or more than 64 bits.
    """
    value = shift = 0
    for byte in data[start : min(end, start + _VARINT_BYTES)]:
        start += 1
        if byte < 0x80:  # noqa: PLR2004 - the last byte
            value |= byte << shift
            if value > _MAXIMUM:
                raise _too_long()
            return value, start
        value |= (byte & 0x7F) << shift
        shift += 7
    raise truncated() if shift <= _LAST_BIT else _too_long()


def split_varints(data: bytes, start: int, end: int) -> list[bytes]:
    """Cuts packed numbers apart without reading them, at the speed of a regular expression.

    Args:
        data: What they are a part of.
        start: Where they begin.
        end: Where they end.

    Returns:
        One number an entry, as it is encoded; `varint` reads it.

    Raises:
        ProfileError: The last one has no end.
    """
    if end > start and data[end - 1] > 0x7F:  # noqa: PLR2004 - more bytes ought to follow
        raise truncated()
    found: list[bytes] = _VARINTS.findall(data, start, end)
    return found


def groups(data: bytes) -> "array[int] | None":
    """Reads packed numbers all at once, with a few operations on all of them instead of some on each.

    The bytes are taken for one long integer: to shift it by eight bits brings to each byte the one behind it, and a
    mask leaves it there only if the number goes on.

    Args:
        data: One number after the other; the last one has its end.

    Returns:
        An entry a number: its groups of seven bits, a byte each, which `ungrouped` puts together. None if a number
        has more than eight groups.
    """
    begins = int.from_bytes(data.translate(_CONTINUES), "little") << 8
    goes_on = int.from_bytes(data.translate(_MASKS), "little")
    group = int.from_bytes(data.translate(_VALUES), "little")
    columns: list[bytes] = []
    while group or not columns:
        if len(columns) == _GROUPS:
            return None
        # What stands where no number begins has its highest bit set, and is dropped.
        columns.append((group | begins).to_bytes(len(data), "little").translate(None, _NO_BEGIN))
        group = group >> 8 & goes_on
    entries = array("I" if len(columns) <= array("I").itemsize else "Q")
    rows = bytearray(len(columns[0]) * entries.itemsize)
    for place, column in enumerate(columns):
        rows[place :: entries.itemsize] = column
    entries.frombytes(rows)
    if sys.byteorder == "big":
        entries.byteswap()
    return entries


def ungrouped(entry: int) -> int:
    """Puts a number together.

    Args:
        entry: What `groups` gave.

    Returns:
        The number, 0 to 2^56 - 1.
    """
    parts = entry.to_bytes(_GROUPS, "little")
    return sum(part << 7 * place for place, part in enumerate(parts))


def encoded(value: int) -> bytes:
    """Writes a number as it would stand among packed ones.

    Args:
        value: 0 to 2^64 - 1.

    Returns:
        Its bytes.
    """
    written = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def signed(value: int) -> int:
    """Reads an `int64`, which the wire has in two's complement.

    Args:
        value: What `varint` gave.

    Returns:
        -2^63 to 2^63 - 1.
    """
    return value - (1 << (_LAST_BIT + 1)) if value >> _LAST_BIT else value


def truncated() -> ProfileError:
    """Says that something has no end.

    Returns:
        What to raise.
    """
    return ProfileError("it is cut off, or no protocol buffers message")


def _too_long() -> ProfileError:
    return ProfileError("a number in it has more than 64 bits")
