"""What is left of values that are no longer held whole: a few bytes each, which no garbage collector need walk."""

import hashlib
import struct
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from webhook.model.bounded import forget_oldest

_V = TypeVar("_V")

_TIMES = struct.Struct("<dd")
"""When the fetch of the value began, and when it has had its time."""
_KEY_BYTES = 24


class Shrinker(Protocol[_V]):
    """Makes values small."""

    def shrink(self, value: _V, /) -> bytes | None:
        """Gives what is to be held of a value; None if nothing is."""

    def restore(self, outline: bytes, /) -> _V:
        """Gives what is left of a value, from what `shrink` gave."""


class Outlines(Generic[_V]):
    """Outlines by key; those that were made first make room."""

    def __init__(self, shrinker: Shrinker[_V] | None) -> None:
        """Holds nothing yet.

        Args:
            shrinker: Makes values small; None to hold nothing ever.
        """
        self._shrinker = shrinker
        self._outlines: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        """Outlines that are held."""
        return len(self._outlines)

    def put(self, key: Hashable, value: _V, begun: float, until: float) -> None:
        """Holds the outline of a value, if it has one.

        Args:
            key: Its key; `repr` tells keys apart.
            value: The value.
            begun: When its fetch began.
            until: When it has had its time.
        """
        outline = None if self._shrinker is None else self._shrinker.shrink(value)
        if outline is not None:
            self._outlines[_short(key)] = _TIMES.pack(begun, until) + outline

    def get(self, key: Hashable, now: float, max_age: float | None) -> _V | None:
        """Gives what is left of a value.

        Args:
            key: Its key.
            now: The time.
            max_age: How long ago its fetch may have begun; any time by default, and with 0 nothing is given.

        Returns:
            The rest, or None.
        """
        outline = self._outlines.get(_short(key))
        if outline is None or self._shrinker is None:
            return None
        begun, until = _TIMES.unpack_from(outline)
        if now >= until or (max_age is not None and (max_age == 0 or now - begun > max_age)):
            return None
        return self._shrinker.restore(outline[_TIMES.size :])

    def drop(self, key: Hashable) -> None:
        """Drops the outline of a value, if there is one.

        Args:
            key: Its key.
        """
        self._outlines.pop(_short(key), None)

    def cut(self, most: int) -> None:
        """Makes room.

        Args:
            most: How many may stay.
        """
        forget_oldest(self._outlines, most)


def _short(key: Hashable) -> bytes:
    return hashlib.blake2b(repr(key).encode("utf-8"), digest_size=_KEY_BYTES).digest()
