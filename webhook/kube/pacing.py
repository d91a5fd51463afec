"""How often, how long, how loud: backoff, a token bucket, time slices, and a log that does not flood."""

import asyncio
import logging
import random
import time

_SLICE_SECONDS = 0.005
_QUIET_SECONDS = 60.0
_JITTER = random.SystemRandom()


def backoff(failures: int, base: float, cap: float) -> float:
    """Says how long to wait after a failure.

    Args:
        failures: How many there have been in a row; 0 gives no wait.
        base: Seconds after the first.
        cap: The most seconds.

    Returns:
        Seconds: doubled with each failure, and a random part between half and all of it, so that replicas which
        lost the same server do not come back to it together.
    """
    if failures == 0:
        return 0.0
    whole = min(cap, base * 2.0 ** min(failures - 1, 30))
    return whole * _JITTER.uniform(0.5, 1.0)


class TokenBucket:
    """Bounds a rate of calls, and how many may come at once.

    Args:
        rate: Calls a second in the long run.
        burst: Calls that may come at once after a rest.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled = time.monotonic()

    async def take(self) -> None:
        """Waits until one more call is within bounds. For one task at a time."""
        self._fill()
        while self._tokens < 1.0:
            await asyncio.sleep((1.0 - self._tokens) / self._rate)
            self._fill()
        self._tokens -= 1.0

    def _fill(self) -> None:
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now


class TimeSlice:
    """Cuts long work on the loop into slices of 5 ms, between which others run."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    async def breathe(self) -> None:
        """Gives way if the slice is used up; to be called after each small piece of work."""
        if time.monotonic() - self._began > _SLICE_SECONDS:
            await asyncio.sleep(0)
            self._began = time.monotonic()


class QuietLog:
    """Logs the first of many equal troubles, then one line a minute that says how many there were.

    Args:
        logger: Where the lines go.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._quiet_until = 0.0
        self._unlogged = 0

    def warning(self, message: str, **fields: object) -> None:
        """Logs, or counts.

        Args:
            message: One sentence.
            **fields: Structured fields of the line.
        """
        now = time.monotonic()
        if now < self._quiet_until:
            self._unlogged += 1
            return
        self._logger.warning(message, extra={**fields, "unlogged": self._unlogged})
        self._quiet_until = now + _QUIET_SECONDS
        self._unlogged = 0
