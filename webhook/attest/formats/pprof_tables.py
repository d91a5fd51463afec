"""The tables of a pprof profile: strings, mappings, functions, locations."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from webhook.attest.formats import wire
from webhook.attest.profile import FRAME, ProfileError
from webhook.attest.tally import Tally, check_depth, module_symbol, symbol_of
from webhook.limits import LIMITS

_T = TypeVar("_T", str, bytes)

Spans = Sequence[int]
"""Begin and end of messages, one after the other."""

_VALUE_TYPE, _VALUE_UNIT = 1, 2
_MAPPING_ID, _MAPPING_FILE = 1, 5
_FUNCTION_ID, _FUNCTION_NAME, _FUNCTION_SYSTEM_NAME, _FUNCTION_FILE = 1, 2, 3, 4
_LOCATION_ID, _LOCATION_MAPPING, _LOCATION_LINE = 1, 2, 4
_LINE_FUNCTION = 1


_NO_ID = b"\x00"
"""No location has the id 0, so it can stand between the ids of two stacks."""
_NO_FRAME = b"\xff" * FRAME
"""No symbol has this index; nor can its bytes come together from two frames, as no index needs its highest byte."""

_SPARSE = 2**17
"""From this id on, a list of all ids would be too long: three groups of seven bits, of which the last is below 8."""


class Locations(dict[bytes, bytes]):
    """The packed frames of a location, by its id as it is encoded in a sample.

    An id can be encoded in ten ways, so this holds no more than ten entries a location.

    Attributes:
        largest: Bytes of the longest value.
    """

    def __init__(self, frames: dict[int, bytes]) -> None:
        super().__init__()
        self._frames = frames
        self._by_groups = _by_groups(frames)
        self.largest = max(map(len, frames.values()), default=0)

    def __missing__(self, token: bytes) -> bytes:
        """Reads an id that is new."""
        number, _ = wire.varint(token, 0, len(token))
        if number not in self._frames:
            raise ProfileError("a sample points to a location that is not there")
        self[token] = frames = self._frames[number]
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
            ids: The locations of each stack, packed numbers, the leaf first: at least one, the last one with its end,
                and not so many that the stack could be too deep.

        Returns:
            Packed frames of each, the outermost caller first.

        Raises:
            ProfileError: A location is not there.
        """
        groups = wire.groups(_NO_ID.join(ids))
        found: list[bytes] = []
        with suppress(LookupError):
            if groups is not None:
                groups.reverse()
                found = b"".join(map(self._by_groups.__getitem__, groups)).split(_NO_FRAME)
                found.reverse()
        if len(found) == len(ids):
            return found
        # One by one: an id is very long, or a location is not there, and then the right error comes of it.
        return [self.stack(wire.split_varints(packed, 0, len(packed))) for packed in ids]


def _by_groups(frames: dict[int, bytes]) -> "list[bytes] | _Sparse":
    """Gives packed frames by what `wire.groups` gives for an id; what is not there is `_NO_FRAME` or an error."""
    if max(frames, default=0) >= _SPARSE:
        return _Sparse(frames)
    # A list is twice as fast as a dictionary, as less memory is touched.
    entries = wire.groups(b"".join(map(wire.encoded, [0, *frames]))) or ()
    dense = [_NO_FRAME] * (max(entries) + 1)
    for entry, packed in zip(entries, (_NO_FRAME, *frames.values()), strict=True):
        dense[entry] = packed
    return dense


class _Sparse(dict[int, bytes]):
    def __init__(self, frames: dict[int, bytes]) -> None:
        super().__init__({0: _NO_FRAME})
        self._frames = frames

    def __missing__(self, entry: int) -> bytes:
        self[entry] = packed = self._frames[wire.ungrouped(entry)]
        return packed


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
        numbers = wire.numbers(self._content, start, end)
        return self._text(numbers.get(_VALUE_TYPE, 0)), self._text(numbers.get(_VALUE_UNIT, 0))

    def read_mappings(self, spans: Spans) -> None:
        """Reads the files that were mapped.

        Args:
            spans: The messages.
        """
        for span in _pairs(spans):
            numbers = wire.numbers(self._content, *span)
            symbol = module_symbol(self._text(numbers.get(_MAPPING_FILE, 0)))
            _enter(self._mappings, numbers.get(_MAPPING_ID, 0), symbol, "mappings")

    def read_functions(self, spans: Spans) -> None:
        """Reads the functions.

        Args:
            spans: The messages.
        """
        for span in _pairs(spans):
            numbers = wire.numbers(self._content, *span)
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
        for start, end in _pairs(spans):
            number, symbols = self._location(start, end)
            _enter(locations, number, b"".join(map(tally.frame, reversed(symbols))), "locations")
        return locations

    def _location(self, start: int, end: int) -> tuple[int, list[str]]:
        numbers = {_LOCATION_ID: 0, _LOCATION_MAPPING: 0}
        symbols: list[str] = []
        while start < end:
            number, kind, first, last, start = wire.read_field(self._content, start, end)
            if kind == wire.VARINT and number in numbers:
                numbers[number] = first
            elif kind == wire.LENGTH and number == _LOCATION_LINE:
                symbols.append(self._function(wire.numbers(self._content, first, last).get(_LINE_FUNCTION, 0)))
                if len(symbols) > LIMITS.profile_depth:
                    raise ProfileError(f"a location has more than {LIMITS.profile_depth} lines")
        mapping = self._mappings.get(numbers[_LOCATION_MAPPING], "")
        # Empty: a location without lines is an address that nobody has found a symbol for.
        return numbers[_LOCATION_ID], symbols or [mapping]

    def _function(self, number: int) -> str:
        if number and number not in self._functions:
            raise ProfileError("a line points to a function that is not there")
        return self._functions.get(number, "")

    def _text(self, index: int) -> str:
        if 2 * index >= len(self._strings):
            if index == 0:
                return ""
            raise ProfileError("it points to a string that is not there")
        start, end = self._strings[2 * index : 2 * index + 2]
        if end - start > LIMITS.profile_line_bytes:
            raise ProfileError(f"a string is longer than {LIMITS.profile_line_bytes} bytes")
        return self._content[start:end].decode("utf-8", "replace")


def _pairs(spans: Spans) -> Iterator[tuple[int, int]]:
    ends = iter(spans)
    return zip(ends, ends, strict=True)


def _enter(table: dict[int, _T], number: int, value: _T, what: str) -> None:
    if number == 0 or number in table:
        raise ProfileError(f"two of its {what} have the same id, or one has none")
    table[number] = value
