"""The tables of a pprof profile: strings, mappings, functions, locations."""

from collections.abc import Sequence
from typing import TypeVar

from webhook.attest.formats import wire
from webhook.attest.profile import FRAME, ProfileError
from webhook.attest.tally import Tally, check_depth, module_symbol, symbol_of
from webhook.limits import LIMITS

_T = TypeVar("_T", str, bytes)

Spans = Sequence[tuple[int, int]]
"""Where messages begin and end."""

_VALUE_TYPE, _VALUE_UNIT = 1, 2
_MAPPING_ID, _MAPPING_FILE = 1, 5
_FUNCTION_ID, _FUNCTION_NAME, _FUNCTION_SYSTEM_NAME, _FUNCTION_FILE = 1, 2, 3, 4
_LOCATION_ID, _LOCATION_MAPPING, _LOCATION_LINE = 1, 2, 4
_LINE_FUNCTION = 1


_NO_ID = b"\x00"
"""No location has the id 0, so it can stand between the ids of two stacks."""
_NO_FRAME = b"\xff" * FRAME
"""No symbol has this index; nor can its bytes come together from two frames, as no index needs its highest byte."""


class Locations(dict[bytes, bytes]):
    """The packed frames of a location, by its id as it is encoded in a sample.

    An id can be encoded in ten ways, so this holds no more than ten entries a location.

    Attributes:
        largest: Bytes of the longest value.
    """

    def __init__(self, frames: dict[int, bytes]) -> None:
        super().__init__()
        self._frames = frames
        self._by_groups = _ByGroups(frames)
        self.largest = max(map(len, frames.values()), default=0)

    def __missing__(self, token: bytes) -> bytes:
        """Reads an id that is new."""
        number, _ = wire.varint(token, 0, len(token))
        self[token] = frames = _frames_of(number, self._frames)
        return frames

    def stack(self, tokens: Sequence[bytes]) -> bytes:
        """Packs one stack.

        Args:
            tokens: The ids of its locations as they are encoded, the leaf first.

        Returns:
            Packed frames, the outermost caller first.

        Raises:
            ProfileError: A location is not there, or the stack is too deep.
        """
        parts = [self[token] for token in reversed(tokens)]
        # Before they are joined: one location may stand for thousands of inlined frames.
        check_depth(sum(map(len, parts)) // FRAME)
        return b"".join(parts)

    def stacks(self, ids: Sequence[bytes]) -> list[bytes]:
        """Packs many stacks at once, which costs a fraction of what `stack` does for each.

        Args:
            ids: The locations of each stack, packed numbers, the leaf first; at least one, none with a byte of 0, and
                not so many that the stack could be too deep.

        Returns:
            Packed frames of each, the outermost caller first.

        Raises:
            ProfileError: A location is not there.
        """
        groups = wire.groups(_NO_ID.join(ids))
        if groups is None:
            return [self.stack(wire.split_varints(packed, 0, len(packed))) for packed in ids]
        groups.reverse()
        found = b"".join(map(self._by_groups.__getitem__, groups)).split(_NO_FRAME)
        found.reverse()
        return found


class _ByGroups(dict[int, bytes]):
    """The same, by what `wire.groups` gives for an id; and `_NO_FRAME` for `_NO_ID`."""

    def __init__(self, frames: dict[int, bytes]) -> None:
        super().__init__({0: _NO_FRAME})
        self._frames = frames

    def __missing__(self, entry: int) -> bytes:
        self[entry] = frames = _frames_of(wire.ungrouped(entry), self._frames)
        return frames


def _frames_of(number: int, frames: dict[int, bytes]) -> bytes:
    if number not in frames:
        raise ProfileError("a sample points to a location that is not there")
    return frames[number]


class Tables:
    """Reads the tables. Ids are looked up in what has been read before, so that no cycle can be followed."""

    def __init__(self, content: bytes, strings: Spans) -> None:
        self._content = content
        self._strings = strings
        self._mappings: dict[int, str] = {}
        self._functions: dict[int, str] = {}

    def value_type(self, start: int, end: int) -> tuple[str, str]:
        """Reads a type of values.

        Args:
            start: Where it begins.
            end: Where it ends.

        Returns:
            Type and unit.
        """
        numbers = self._numbers(start, end)
        return self._text(numbers.get(_VALUE_TYPE, 0)), self._text(numbers.get(_VALUE_UNIT, 0))

    def read_mappings(self, spans: Spans) -> None:
        """Reads the files that were mapped.

        Args:
            spans: The messages.
        """
        for span in spans:
            numbers = self._numbers(*span)
            symbol = module_symbol(self._text(numbers.get(_MAPPING_FILE, 0)))
            _enter(self._mappings, numbers.get(_MAPPING_ID, 0), symbol, "mappings")

    def read_functions(self, spans: Spans) -> None:
        """Reads the functions.

        Args:
            spans: The messages.
        """
        for span in spans:
            numbers = self._numbers(*span)
            name = numbers.get(_FUNCTION_NAME) or numbers.get(_FUNCTION_SYSTEM_NAME, 0)
            symbol = symbol_of(self._text(name), self._text(numbers.get(_FUNCTION_FILE, 0)))
            _enter(self._functions, numbers.get(_FUNCTION_ID, 0), symbol, "functions")

    def read_locations(self, spans: Spans, tally: Tally) -> dict[int, bytes]:
        """Reads the locations, after mappings and functions.

        Args:
            spans: The messages.
            tally: Packs their frames.

        Returns:
            Id to packed frames, the outermost caller first.
        """
        locations: dict[int, bytes] = {}
        for start, end in spans:
            number, symbols = self._location(start, end)
            _enter(locations, number, b"".join(map(tally.frame, reversed(symbols))), "locations")
        return locations

    def _location(self, start: int, end: int) -> tuple[int, list[str]]:
        numbers = {_LOCATION_ID: 0, _LOCATION_MAPPING: 0}
        symbols: list[str] = []
        for number, kind, first, last in wire.fields(self._content, start, end):
            if kind == wire.VARINT and number in numbers:
                numbers[number] = first
            elif kind == wire.LENGTH and number == _LOCATION_LINE:
                symbols.append(self._function(self._numbers(first, last).get(_LINE_FUNCTION, 0)))
                if len(symbols) > LIMITS.profile_depth:
                    raise ProfileError(f"a location has more than {LIMITS.profile_depth} lines")
        mapping = self._mappings.get(numbers[_LOCATION_MAPPING], "")
        # Empty: a location without lines is an address that nobody has found a symbol for.
        return numbers[_LOCATION_ID], symbols or [mapping]

    def _function(self, number: int) -> str:
        if number and number not in self._functions:
            raise ProfileError("a line points to a function that is not there")
        return self._functions.get(number, "")

    def _numbers(self, start: int, end: int) -> dict[int, int]:
        parts = wire.fields(self._content, start, end)
        return {number: value for number, kind, value, _ in parts if kind == wire.VARINT}

    def _text(self, index: int) -> str:
        if index >= len(self._strings):
            if index == 0:
                return ""
            raise ProfileError("it points to a string that is not there")
        start, end = self._strings[index]
        if end - start > LIMITS.profile_line_bytes:
            raise ProfileError(f"a string is longer than {LIMITS.profile_line_bytes} bytes")
        return self._content[start:end].decode("utf-8", "replace")


def _enter(table: dict[int, _T], number: int, value: _T, what: str) -> None:
    if number == 0 or number in table:
        raise ProfileError(f"two of its {what} have the same id, or one has none")
    table[number] = value
