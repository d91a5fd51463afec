"""How often: a rate that is refused instead of waited for."""

import math
import time
from collections.abc import Callable, Hashable
from typing import NamedTuple


class _Level(NamedTuple):
    tokens: float
    filled: float


class RateLimit:
    """A token bucket for each of those who ask; those who have not asked for longest make room.

    Whoever is forgotten begins with a full bucket, so `callers` should exceed the number of those who may ask.
    """

    def __init__(
        self, rate: float, burst: int, callers: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Makes full buckets.

        Args:
            rate: Requests a second in the long run.
            burst: Requests at once after a rest.
            callers: How many are remembered.
            clock: Gives seconds that never go back.
        """
        self._rate = rate
        self._burst = float(burst)
        self._callers = callers
        self._clock = clock
        self._levels: dict[Hashable, _Level] = {}

    def take(self, caller: Hashable = None) -> int | None:
        """Takes a token.

        Args:
            caller: Whose.

        Returns:
            None if there was one, else the whole milliseconds until there is.
        """
        now = self._clock()
        level = self._levels.pop(caller, _Level(self._burst, now))
        tokens = min(self._burst, level.tokens + (now - level.filled) * self._rate)
        wait = None if tokens >= 1.0 else math.ceil((1.0 - tokens) / self._rate * 1000)
        self._levels[caller] = _Level(tokens if wait is not None else tokens - 1.0, now)
        if len(self._levels) > self._callers:
            del self._levels[next(iter(self._levels))]
        return wait
