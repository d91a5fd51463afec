"""Dictionaries that forget: the bound of every memory of what was worked out before."""

from itertools import islice
from typing import TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")

_PART = 16
"""A sixteenth is forgotten at once: a dictionary finds its first entry the slower, the more were taken before it."""


def remember(entries: dict[_K, _V], key: _K, value: _V, most: int) -> None:
    """Adds an entry; the oldest make room.

    Args:
        entries: In the order in which they came.
        key: The key; one that is there keeps its age.
        value: The value.
        most: How many there may be.
    """
    if key not in entries:
        forget_oldest(entries, most - 1)
    entries[key] = value


def forget_oldest(entries: dict[_K, _V], most: int) -> None:
    """Makes room, and if that is needed, for some more to come.

    Args:
        entries: The oldest first.
        most: How many may stay.
    """
    if len(entries) > most:
        for key in list(islice(entries, len(entries) - most + most // _PART)):
            del entries[key]
