"""pprof: a protocol buffers message, as a rule compressed.

Source: https://github.com/google/pprof/blob/main/proto/profile.proto. The message is read twice: once for the
tables, which stand after the samples, and once for the samples.
"""

from array import array
from dataclasses import dataclass, field

from webhook.attest.formats import wire
from webhook.attest.formats.measures import choose
from webhook.attest.formats.pprof_samples import Counting, add_samples
from webhook.attest.formats.pprof_tables import Locations, Tables
from webhook.attest.profile import EmptyProfileError, ProfileError
from webhook.attest.tally import Tally, Watch
from webhook.limits import LIMITS

MEDIA_TYPE = "application/vnd.google.protobuf+pprof"
"""Nobody has registered a media type for this format."""

_SAMPLE_TYPE, _SAMPLE, _MAPPING, _LOCATION, _FUNCTION, _STRING = 1, 2, 3, 4, 5, 6
_SAMPLE_TAG = 0x12
"""Of a sample, a message."""


@dataclass(slots=True)
class _Outline:
    """Where the parts of a profile stand."""

    samples: "array[int]" = field(default_factory=lambda: array("I"))
    """Begin and end of each."""
    sample_types: list[tuple[int, int]] = field(default_factory=list)
    tables: "dict[int, array[int]]" = field(
        default_factory=lambda: {number: array("I") for number in (_MAPPING, _LOCATION, _FUNCTION, _STRING)}
    )
    """Begin and end of each entry: an entry of nothing is two bytes of a profile, and so eight here."""

    def enter(self, number: int, start: int, end: int) -> None:
        """Notes a field, if it is of interest."""
        if number == _SAMPLE:
            # Its tag was written longer than it must be; all others are passed over.
            self.samples.extend((start, end))
            if len(self.samples) > 2 * LIMITS.profile_samples:
                raise _too_many_samples()
        elif number in self.tables:
            self.tables[number].extend((start, end))
            if len(self.tables[number]) > 2 * LIMITS.profile_entries:
                raise ProfileError(f"one of its tables has more than {LIMITS.profile_entries} entries")
        elif number == _SAMPLE_TYPE:
            self.sample_types.append((start, end))
            if len(self.sample_types) > LIMITS.profile_sources:
                raise ProfileError(f"it measures more than {LIMITS.profile_sources} things")


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
    if not outline.samples and not any(unit for _, unit in kinds):
        # So Pyroscope says that it has none.
        raise EmptyProfileError("it holds no samples")
    position, measure, factor = choose(kinds)
    tables.read_mappings(outline.tables[_MAPPING])
    tables.read_functions(outline.tables[_FUNCTION])
    locations = Locations(tables.read_locations(outline.tables[_LOCATION], tally))
    add_samples(content, outline.samples, locations, Counting(tally, position, factor, watch))
    return measure


def _outline(content: bytes) -> _Outline:
    outline = _Outline()
    position = 0
    while position < len(content):
        if content[position] == _SAMPLE_TAG:
            position = _pass_samples(content, position, outline.samples)
            continue
        number, kind, start, end, position = wire.read_field(content, position, len(content))
        if kind == wire.LENGTH:
            outline.enter(number, start, end)
    return outline


def _pass_samples(content: bytes, start: int, samples: "array[int]") -> int:
    """Notes samples as long as one follows on the other, and gives where something else begins.

    What `wire.read_field` does, without a call for each.
    """
    append, most, after = samples.append, 2 * LIMITS.profile_samples, len(content)
    while start < after and content[start] == _SAMPLE_TAG:
        if start + 1 < after and content[start + 1] < 0x80:  # noqa: PLR2004 - no byte follows
            size, first = content[start + 1], start + 2
        else:
            size, first = wire.varint(content, start + 1, after)
        if size > after - first:
            raise wire.truncated()
        start = first + size
        append(first)
        append(start)
        if len(samples) > most:
            raise _too_many_samples()
    return start


def _too_many_samples() -> ProfileError:
    return ProfileError(f"it has more than {LIMITS.profile_samples} samples")
