"""The samples of a pprof profile. A million of them may pass here, so most are read many at a time.

The ids of all stacks of a batch are decoded, looked up and joined by one call each, which spares most of what Python
would spend on every id. A sample that is not as most are is read field by field.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from webhook.attest.formats import wire
from webhook.attest.formats.pprof_tables import Locations
from webhook.attest.profile import FRAME, ProfileError
from webhook.attest.tally import Tally, Watch
from webhook.limits import LIMITS

_LOCATIONS, _VALUES = 1, 2
_PACKED_LOCATIONS = 0x0A
"""The tag of the locations where they are packed."""
_ID_BYTES = 1024
"""A stack whose ids take more is not read in a batch, so that the parts of a batch stay below some ten megabytes."""
_BATCH = 512
_REST_BYTES = 128
_RESTS = 32_768


@dataclass(frozen=True, slots=True)
class Counting:
    """Which value of each sample counts, how much one of it is, and who is told."""

    tally: Tally
    position: int
    factor: int
    watch: Watch


def add_samples(content: bytes, spans: "array[int]", locations: Locations, counting: Counting) -> None:
    """Adds all samples up.

    Args:
        content: The profile.
        spans: Begin and end of each sample, one after the other.
        locations: Their frames.
        counting: What of them counts.

    Raises:
        ProfileError: One is no sample, points to what is not there, or a limit is exceeded.
    """
    reader = _Reader(content, locations, counting)
    for first in range(0, len(spans), 2 * _BATCH):
        counting.watch(first // 2, len(spans) // 2)
        reader.add(spans[first : first + 2 * _BATCH])


class Counts(dict[bytes, int | None]):
    """What counts of a sample, by all that stands behind its locations: few samples differ in that.

    None is for what is not read in a batch: locations once more, or less than nothing.
    """

    def __init__(self, counting: Counting) -> None:
        super().__init__()
        self._counting = counting

    def __missing__(self, rest: bytes) -> int | None:
        """Reads what is new."""
        tokens, value = _sample(rest, 0, len(rest), self._counting.position)
        count = None if tokens or value < 0 else value * self._counting.factor
        if len(self) >= _RESTS:
            self.clear()
        self[rest] = count
        return count


class _Reader:
    def __init__(self, content: bytes, locations: Locations, counting: Counting) -> None:
        self._content = content
        self._locations = locations
        self._counting = counting
        self._counts = Counts(counting)
        # No stack of so few ids can be too deep, even if one location stands for thousands of inlined frames.
        self._most = min(LIMITS.profile_depth * FRAME // max(locations.largest, 1), _ID_BYTES)

    def add(self, spans: Sequence[int]) -> None:
        """Adds a batch of samples."""
        content, counts, most = self._content, self._counts, self._most
        # By the ids: a stack that is sampled often is laid out once a batch.
        stacks: dict[bytes, int] = {}
        ends = iter(spans)
        for start, end in zip(ends, ends, strict=True):
            first = stop = start
            if end - start > 2 and content[start] == _PACKED_LOCATIONS:  # noqa: PLR2004 - a tag, a length, and more
                size, first = content[start + 1], start + 2
                if size > 0x7F:  # noqa: PLR2004 - more bytes follow
                    size, first = wire.varint(content, start + 1, end)
                stop = first + size
            usual = first < stop <= first + most and stop <= end <= stop + _REST_BYTES
            # The last byte of the ids must end a number: what follows in the batch is another stack's.
            if usual and content[stop - 1] < 0x80:  # noqa: PLR2004 - no byte follows
                count = counts[content[stop:end]]
                if count is not None:
                    if count:
                        ids = content[first:stop]
                        stacks[ids] = stacks.get(ids, 0) + count
                    continue
            self._add_one(start, end)
        if stacks:
            self._counting.tally.add_all(self._locations.stacks([*stacks]), [*stacks.values()])

    def _add_one(self, start: int, end: int) -> None:
        tokens, value = _sample(self._content, start, end, self._counting.position)
        if value:
            self._counting.tally.add(self._locations.stack(tokens), value * self._counting.factor)


def _sample(content: bytes, start: int, end: int, position: int) -> tuple[list[bytes], int]:
    """Reads a sample: its locations as they are encoded, the leaf first, and the value that counts."""
    tokens: list[bytes] = []
    values: list[int] = []
    while start < end:
        number, kind, first, last, start = wire.read_field(content, start, end)
        # Numbers may stand packed or one by one.
        if number == _LOCATIONS:
            found = wire.split_varints(content, first, last) if kind == wire.LENGTH else [wire.encoded(first)]
            tokens.extend(found)
        elif number == _VALUES and kind == wire.VARINT:
            values.append(first)
        elif number == _VALUES:
            while first < last and len(values) <= position:
                value, first = wire.varint(content, first, last)
                values.append(value)
    if position >= len(values):
        raise ProfileError("a sample has fewer values than there are sample types")
    return tokens, wire.signed(values[position])
