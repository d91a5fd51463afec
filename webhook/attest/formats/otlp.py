"""OpenTelemetry profiles: `ProfilesData`, as a protocol buffers message or as its JSON.

Source: opentelemetry/proto/profiles/v1development/profiles.proto as of opentelemetry-proto 1.10 (the layout with
`ProfilesDictionary.stack_table` and one sample type a profile). The signal is in development: an older or newer
layout is refused or counted as empty, never guessed at.
"""

from typing import Any

from webhook.attest.formats.documents import (
    FIXED,
    NUMBER,
    TEXT,
    MessageReader,
    Schema,
    integer_of,
    list_of,
    object_of,
    parse_document,
    text_of,
)
from webhook.attest.formats.measures import choose
from webhook.attest.profile import FRAME, ProfileError
from webhook.attest.tally import WATCH_EVERY, Tally, Watch, check_depth, module_symbol, symbol_of

JSON_MEDIA_TYPE = "application/vnd.opentelemetry.profiles.v1development+json"
MEDIA_TYPE = "application/vnd.opentelemetry.profiles.v1development+protobuf"
"""Nobody has registered media types for these formats."""

_VALUE_TYPE: Schema = {1: ("typeStrindex", NUMBER), 2: ("unitStrindex", NUMBER)}
_SAMPLE: Schema = {1: ("stackIndex", NUMBER), 4: ("values", [NUMBER]), 5: ("timestampsUnixNano", [FIXED])}
_PROFILE: Schema = {1: ("sampleType", _VALUE_TYPE), 2: ("samples", [_SAMPLE])}
_FUNCTION: Schema = {1: ("nameStrindex", NUMBER), 2: ("systemNameStrindex", NUMBER), 3: ("filenameStrindex", NUMBER)}
_LOCATION: Schema = {1: ("mappingIndex", NUMBER), 3: ("lines", [{1: ("functionIndex", NUMBER)}])}
_DICTIONARY: Schema = {
    1: ("mappingTable", [{4: ("filenameStrindex", NUMBER)}]),
    2: ("locationTable", [_LOCATION]),
    3: ("functionTable", [_FUNCTION]),
    5: ("stringTable", [TEXT]),
    7: ("stackTable", [{1: ("locationIndices", [NUMBER])}]),
}
_SCOPE: Schema = {2: ("profiles", [_PROFILE])}
_DATA: Schema = {1: ("resourceProfiles", [{2: ("scopeProfiles", [_SCOPE])}]), 2: ("dictionary", _DICTIONARY)}


def parse_otlp(content: bytes, tally: Tally, watch: Watch) -> str:
    """Reads the message. Attributes and links are not looked at: stacks that differ in nothing else are one.

    Args:
        content: The message, not compressed.
        tally: Gets the stacks.
        watch: Is told of the progress, in stacks.

    Returns:
        What was measured.

    Raises:
        ProfileError: It is no such message, points to what it does not hold, or a limit is exceeded.
    """
    return _read(MessageReader(content).read(_DATA, 0, len(content)), tally, watch)


def parse_otlp_json(content: bytes, tally: Tally, watch: Watch) -> str:
    """Reads the JSON of the message, as `parse_otlp`.

    Args:
        content: UTF-8 text.
        tally: Gets the stacks.
        watch: Is told of the progress, in stacks.

    Returns:
        What was measured.

    Raises:
        ProfileError: As `parse_otlp`.
    """
    return _read(parse_document(content), tally, watch)


def _read(data: dict[str, Any], tally: Tally, watch: Watch) -> str:
    tables = _Tables(object_of(data.get("dictionary")), tally)
    profiles = [
        object_of(profile)
        for resource in list_of(data.get("resourceProfiles"))
        for scope in list_of(object_of(resource).get("scopeProfiles"))
        for profile in list_of(object_of(scope).get("profiles"))
        if object_of(profile).get("samples")
    ]
    if not profiles:
        raise ProfileError("it holds no samples")
    kinds = [tables.value_type(object_of(profile.get("sampleType"))) for profile in profiles]
    position, measure, factor = choose(kinds)
    counted = [profile for profile, kind in zip(profiles, kinds, strict=True) if kind == kinds[position]]
    # By the index first: so each stack is laid out once, and only the tally holds it.
    counts: dict[int, int] = {}
    for entry in (entry for profile in counted for entry in list_of(profile.get("samples"))):
        sample = object_of(entry)
        if count := _count(sample, factor, tally):
            index = integer_of(sample.get("stackIndex"))
            counts[index] = counts.get(index, 0) + count
    for done, (index, count) in enumerate(counts.items()):
        tally.add(tables.stack(index), count)
        if done % WATCH_EVERY == 0:
            watch(done, len(counts))
    return measure


def _count(sample: dict[str, Any], factor: int, tally: Tally) -> int:
    values = [integer_of(value) for value in list_of(sample.get("values"))]
    if not values:
        # Times alone: the program was seen there once at each of them.
        return len(list_of(sample.get("timestampsUnixNano")))
    if min(values) < 0:
        # Refused there, before another value makes up for it.
        tally.add(b"", min(values))
    return sum(values) * factor


class _Tables:
    """The dictionary. Each table points to others only, so that no cycle can be followed."""

    def __init__(self, dictionary: dict[str, Any], tally: Tally) -> None:
        self._tables = {name: list_of(value) for name, value in dictionary.items() if name.endswith("Table")}
        self._tally = tally
        self._locations: dict[int, bytes] = {}

    def value_type(self, kind: dict[str, Any]) -> tuple[str, str]:
        """Reads type and unit."""
        return self._text(kind.get("typeStrindex")), self._text(kind.get("unitStrindex"))

    def stack(self, index: int) -> bytes:
        """Gives a packed stack, outermost caller first."""
        places = list_of(object_of(self._entry("stackTable", index)).get("locationIndices"))
        check_depth(len(places))
        parts = [self._location(integer_of(place)) for place in reversed(places)]
        check_depth(sum(map(len, parts)) // FRAME)
        return b"".join(parts)

    def _location(self, index: int) -> bytes:
        if index not in self._locations:
            location = object_of(self._entry("locationTable", index))
            lines = list_of(location.get("lines"))
            check_depth(len(lines))
            symbols = [self._function(integer_of(object_of(line).get("functionIndex"))) for line in reversed(lines)]
            if not symbols:
                mapping = object_of(self._entry("mappingTable", integer_of(location.get("mappingIndex"))))
                symbols = [module_symbol(self._text(mapping.get("filenameStrindex")))]
            self._locations[index] = b"".join(map(self._tally.frame, symbols))
        return self._locations[index]

    def _function(self, index: int) -> str:
        function = object_of(self._entry("functionTable", index))
        name = self._text(function.get("nameStrindex")) or self._text(function.get("systemNameStrindex"))
        return symbol_of(name, self._text(function.get("filenameStrindex")))

    def _text(self, index: Any) -> str:
        return text_of(self._entry("stringTable", integer_of(index)))

    def _entry(self, table: str, index: int) -> Any:
        entries = self._tables.get(table, [])
        if not 0 <= index < len(entries):
            # Index 0 is "nothing" everywhere, and a table that is empty may leave it out.
            if index == 0:
                return None
            raise ProfileError("it points to an entry of a table that is not there")
        return entries[index]
