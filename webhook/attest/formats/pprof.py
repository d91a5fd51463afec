"""pprof: a protocol buffers message, as a rule compressed.

Source: https://github.com/google/pprof/blob/main/proto/profile.proto. The message is read twice: once for the
tables, which stand after the samples, and once for the samples.
"""

from array import array
from dataclasses import dataclass, field

from webhook.attest.formats import wire
from webhook.attest.formats.measures import choose
from webhook.attest.formats.pprof_tables import Locations, Tables
from webhook.attest.profile import FRAME, ProfileError
from webhook.attest.tally import WATCH_EVERY, Tally, Watch, check_depth
from webhook.limits import LIMITS

MEDIA_TYPE = "application/vnd.google.protobuf+pprof"
"""Nobody has registered a media type for this format."""

_SAMPLE_TYPE, _SAMPLE, _MAPPING, _LOCATION, _FUNCTION, _STRING = 1, 2, 3, 4, 5, 6
_SAMPLE_LOCATIONS, _SAMPLE_VALUES = 1, 2
_PACKED_LOCATIONS, _PACKED_VALUES = 0x0A, 0x12
"""The tags of these fields where they are packed."""


@dataclass(frozen=True, slots=True)
class _Counting:
    """Which value of each sample counts, how much one of it is, and who is told."""

    tally: Tally
    position: int
    factor: int
    watch: Watch


@dataclass(slots=True)
class _Outline:
    """Where the parts of a profile stand."""

    samples: "array[int]" = field(default_factory=lambda: array("I"))
    """Begin and end of each."""
    sample_types: list[tuple[int, int]] = field(default_factory=list)
    tables: dict[int, list[tuple[int, int]]] = field(
        default_factory=lambda: {_MAPPING: [], _LOCATION: [], _FUNCTION: [], _STRING: []}
    )


def parse_pprof(content: bytes, tally: Tally, watch: Watch) -> str:
    """Reads a profile. Labels are not looked at: stacks that differ in nothing else are one.

    Args:
        content: The message, not compressed.
        tally: Gets the stacks; inlined functions are frames like all others.
        watch: Is told of the progress, in samples.

    Returns:
        What was measured.

    Raises:
        ProfileError: It is no such message, points to what it does not hold, or a limit is exceeded.
    """
    outline = _outline(content)
    tables = Tables(content, outline.tables[_STRING])
    kinds = [tables.value_type(*span) for span in outline.sample_types]
    position, measure, factor = choose(kinds)
    tables.read_mappings(outline.tables[_MAPPING])
    tables.read_functions(outline.tables[_FUNCTION])
    locations = Locations(tables.read_locations(outline.tables[_LOCATION], tally))
    _add_samples(content, outline.samples, locations, _Counting(tally, position, factor, watch))
    return measure


def _outline(content: bytes) -> _Outline:
    outline = _Outline()
    samples, tables = outline.samples, outline.tables
    for number, kind, start, end in wire.fields(content, 0, len(content)):
        if kind != wire.LENGTH:
            continue
        if number == _SAMPLE:
            samples.append(start)
            samples.append(end)
            if len(samples) > 2 * LIMITS.profile_samples:
                raise ProfileError(f"it has more than {LIMITS.profile_samples} samples")
        elif number in tables:
            tables[number].append((start, end))
            if len(tables[number]) > LIMITS.profile_entries:
                raise ProfileError(f"one of its tables has more than {LIMITS.profile_entries} entries")
        elif number == _SAMPLE_TYPE:
            outline.sample_types.append((start, end))
            if len(outline.sample_types) > LIMITS.profile_sources:
                raise ProfileError(f"it measures more than {LIMITS.profile_sources} things")
    return outline


def _no_sample(_content: bytes, _start: int, _end: int) -> None:
    return None


def _quick_sample(content: bytes, start: int, end: int) -> tuple[list[bytes], int] | None:
    """Reads a sample as most are: packed locations, packed values of which the first has one byte, nothing else."""
    stop = start + 2 + content[start + 1] if start + 1 < end else end
    if stop + 2 >= end or content[start] != _PACKED_LOCATIONS or content[stop] != _PACKED_VALUES:
        return None
    # One byte each: both lengths and the value; and a byte that ends a number.
    if (content[start + 1] | content[stop - 1] | content[stop + 1] | content[stop + 2]) & 0x80:
        return None
    if stop + 2 + content[stop + 1] != end:
        return None
    return wire.split_varints(content, start + 2, stop), content[stop + 2]


def _sample(content: bytes, start: int, end: int, position: int) -> tuple[list[bytes], int]:
    """Reads a sample: its locations as they are encoded, the leaf first, and the value that counts."""
    tokens: list[bytes] = []
    values: list[int] = []
    while start < end:
        number, kind, first, last, start = wire.read_field(content, start, end)
        # Numbers may stand packed or one by one.
        if number == _SAMPLE_LOCATIONS:
            found = wire.split_varints(content, first, last) if kind == wire.LENGTH else [wire.encoded(first)]
            tokens.extend(found)
        elif number == _SAMPLE_VALUES and kind == wire.VARINT:
            values.append(first)
        elif number == _SAMPLE_VALUES:
            while first < last and len(values) <= position:
                value, first = wire.varint(content, first, last)
                values.append(value)
    if position >= len(values):
        raise ProfileError("a sample has fewer values than there are sample types")
    return tokens, wire.signed(values[position])


def _add_samples(content: bytes, spans: "array[int]", locations: Locations, counting: _Counting) -> None:
    # A million samples pass here: names are looked up once, and functions are called as seldom as may be.
    frames, join, add = locations.__getitem__, b"".join, counting.tally.add
    most = LIMITS.profile_depth * FRAME // max(locations.largest, 1)
    quick = _quick_sample if counting.position == 0 else _no_sample
    ends = iter(spans)
    for done, (start, end) in enumerate(zip(ends, ends, strict=True)):
        found = quick(content, start, end)
        tokens, count = found or _sample(content, start, end, counting.position)
        if count:
            # Before the frames are joined: one location may stand for thousands of inlined ones.
            if len(tokens) > most:
                check_depth(sum(map(len, map(frames, tokens))) // FRAME)
            tokens.reverse()
            add(join(map(frames, tokens)), count * counting.factor)
        if done % WATCH_EVERY == 0:
            counting.watch(done, len(spans) // 2)
