"""Profiles made by hand: as text, and as pprof messages that a real tool would never write."""

import io
from collections.abc import Iterable, Mapping, Sequence

from webhook.attest.counted import Counted, count_execution
from webhook.attest.profile import Profile, Source, Stack
from webhook.attest.reading import read_profile

SOURCE = Source("sha256:" + "0" * 64, "text/plain")


def profile(stacks: Mapping[Stack, int]) -> Profile:
    return Profile.of(stacks, (SOURCE,))


def counted(stacks: Mapping[Stack, int]) -> Counted:
    return count_execution(profile(stacks))


def read(content: bytes | str, form: str | None = None) -> Profile:
    return read_profile(io.BytesIO(content.encode("utf-8") if isinstance(content, str) else content), form)


def stacks(content: bytes | str, form: str | None = None) -> dict[Stack, int]:
    return dict(read(content, form).stacks())


def number(value: int) -> bytes:
    """Encodes a varint; negative numbers in two's complement."""
    value %= 2**64
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])


def scalar(field: int, value: int) -> bytes:
    return number(field << 3) + number(value)


def message(field: int, content: bytes) -> bytes:
    return number(field << 3 | 2) + number(len(content)) + content


STRINGS = ("", "samples", "count", "cpu", "nanoseconds", "main", "serve", "price", "/usr/lib/libc.so.6")
"""The string table of `pprof`."""
TYPES = (("samples", "count"), ("cpu", "nanoseconds"))


def packed(field: int, values: Iterable[int]) -> bytes:
    return message(field, b"".join(map(number, values)))


def tables(strings: Sequence[str] = STRINGS, types: Sequence[tuple[str, str]] = TYPES) -> bytes:
    """Location n is function n, named by string n + 4; location 4 is an address in libc, 5 has 1 inlined in 2."""
    index = {text: place for place, text in enumerate(strings)}
    parts = [message(1, scalar(1, index[kind]) + scalar(2, index[unit])) for kind, unit in types]
    parts.append(message(3, scalar(1, 1) + scalar(5, 8)))
    parts += [message(4, scalar(1, place) + message(4, scalar(1, place) + scalar(2, 7))) for place in (1, 2, 3)]
    parts.append(message(4, scalar(1, 4) + scalar(2, 1) + scalar(3, 0xBEEF)))
    parts.append(message(4, scalar(1, 5) + message(4, scalar(1, 1)) + message(4, scalar(1, 2))))
    parts += [message(5, scalar(1, place) + scalar(2, place + 4)) for place in (1, 2, 3)]
    return b"".join([*parts, *(message(6, text.encode("utf-8")) for text in strings)])


def sample(locations: Sequence[int], values: Sequence[int], rest: bytes = b"") -> bytes:
    """A sample as Go writes it: the leaf first, both lists packed."""
    return message(2, packed(1, locations) + packed(2, values) + rest)
