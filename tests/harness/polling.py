"""Waiting for something that another process does: look until it is there, or say what never came."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")
_INTERVAL = 0.05


class NeverHappenedError(AssertionError):
    """The deadline passed."""


def poll(condition: Callable[[], _T | None], deadline_seconds: float, what: str) -> _T:
    """Looks until a condition holds.

    Args:
        condition: Gives a true value once it holds; what it raises is raised.
        deadline_seconds: How long to look.
        what: What is awaited, for the failure's text.

    Returns:
        The condition's first true value.

    Raises:
        NeverHappenedError: The deadline passed; the text names `what` and the last value.
    """
    end = time.monotonic() + deadline_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise NeverHappenedError(f"{what}: not within {deadline_seconds} s (last value: {value!r})")
        time.sleep(_INTERVAL)


async def poll_async(condition: Callable[[], Awaitable[_T | None]], deadline_seconds: float, what: str) -> _T:
    """Looks until a condition holds, and lets the loop run meanwhile.

    Args:
        condition: As for `poll`, awaited.
        deadline_seconds: As for `poll`.
        what: As for `poll`.

    Returns:
        As `poll`.

    Raises:
        NeverHappenedError: As `poll`.
    """
    end = time.monotonic() + deadline_seconds
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise NeverHappenedError(f"{what}: not within {deadline_seconds} s (last value: {value!r})")
        await asyncio.sleep(_INTERVAL)
