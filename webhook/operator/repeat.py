"""Work that is done again and again, earlier when somebody asks for it, and never given up."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from webhook.errors import ConfigurationError
from webhook.kube.api_errors import ApiError
from webhook.kube.pacing import TokenBucket, backoff
from webhook.operator.metrics import OperatorMetrics

_LOG = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
_ROUNDS_A_SECOND = 1.0
_ROUNDS_AT_ONCE = 5


class Rhythm(Protocol):
    """When a piece of work is done."""

    def settle(self) -> float:
        """Seconds from a wish for a round until it begins, in which other wishes are gathered."""

    def rest(self) -> float:
        """Seconds until the next round where nobody asks for one."""


class Every:
    """A round every so many seconds, and at once when somebody asks.

    Args:
        seconds: The time between two rounds.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def settle(self) -> float:
        """As `Rhythm.settle`."""
        return 0.0

    def rest(self) -> float:
        """As `Rhythm.rest`."""
        return self._seconds


class Repeated:
    """Repeats one piece of work.

    Args:
        name: The work's name in log and metrics.
        work: What is done; what it raises is logged and counted, and it is tried again after a growing pause.
        rhythm: When; a number of seconds is `Every`. Its rest is also the longest pause after failures.
        metrics: Told of failures.
    """

    def __init__(
        self, name: str, work: Callable[[], Awaitable[None]], rhythm: Rhythm | float, metrics: OperatorMetrics
    ) -> None:
        self._name = name
        self._work = work
        self._rhythm = Every(rhythm) if isinstance(rhythm, float | int) else rhythm
        self._metrics = metrics
        self._asked = asyncio.Event()
        self._failures = 0
        # Somebody else who writes the same object, and is answered by us each time, must not make a storm of it.
        self._bucket = TokenBucket(_ROUNDS_A_SECOND, _ROUNDS_AT_ONCE)

    def wake(self) -> None:
        """Asks for a round now."""
        self._asked.set()

    async def run(self) -> None:
        """Repeats until it is cancelled."""
        while True:
            await self._bucket.take()
            await asyncio.sleep(self._rhythm.settle())
            self._asked.clear()
            await self._round()
            # After a failure nobody's wish shortens the pause, or an object that changes often would undo it.
            if self._failures:
                await asyncio.sleep(backoff(self._failures, _PAUSE_SECONDS, self._rhythm.rest()))
            else:
                # Not `wait_for`, which makes a task in Python 3.11: kopf would wait for it at the end.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._rhythm.rest()):
                        await self._asked.wait()

    async def _round(self) -> None:
        try:
            await self._work()
        except ApiError as error:
            self._failed(error.detail)
        except ConfigurationError as error:
            self._failed(str(error))
        except Exception:  # noqa: BLE001 - whoever ended here would leave certificates to expire without a word
            _LOG.exception("work failed", extra={"work": self._name})
            self._failed("an unexpected error, see the log")
        else:
            if self._failures:
                _LOG.info("work succeeds again", extra={"work": self._name, "failures": self._failures})
            self._failures = 0
            self._metrics.healthy.labels(self._name).set(1)

    def _failed(self, detail: str) -> None:
        self._failures += 1
        self._metrics.failures.labels(self._name).inc()
        self._metrics.healthy.labels(self._name).set(0)
        # The first of a row and then every tenth: an API server that is away for an hour need not fill the log.
        if self._failures % 10 == 1:
            extra = {"work": self._name, "detail": detail, "failures": self._failures}
            _LOG.warning("work failed, it is tried again", extra=extra)
