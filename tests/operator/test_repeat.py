import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.harness.polling import poll_async
from webhook.errors import ConfigurationError
from webhook.kube.api_errors import ApiStatusError
from webhook.operator import repeat
from webhook.operator.metrics import OperatorMetrics
from webhook.operator.repeat import Repeated


class Work:
    """Counts rounds, the first of which fail."""

    def __init__(self, *failures: Exception) -> None:
        self.rounds = 0
        self._failures = list(failures)

    async def __call__(self) -> None:
        self.rounds += 1
        if self._failures:
            raise self._failures.pop(0)

    def reached(self, count: int) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return self.rounds >= count

        return look


@asynccontextmanager
async def running(work: Work, seconds: float, metrics: OperatorMetrics) -> AsyncIterator[Repeated]:
    repeated = Repeated("certificates", work, seconds, metrics)
    task = asyncio.create_task(repeated.run())
    yield repeated
    task.cancel()
    await asyncio.wait({task})


async def test_work_is_repeated_after_its_time() -> None:
    work = Work()
    async with running(work, 0.01, OperatorMetrics()):
        await poll_async(work.reached(3), 5, "three rounds")


async def test_whoever_asks_is_served_at_once() -> None:
    work = Work()
    async with running(work, 3600, OperatorMetrics()) as repeated:
        await poll_async(work.reached(1), 5, "the first round")
        repeated.wake()
        await poll_async(work.reached(2), 5, "the round that was asked for")


async def test_whoever_asks_all_the_time_gets_five_rounds_and_then_one_a_second() -> None:
    work, began = Work(), time.monotonic()
    async with running(work, 3600, OperatorMetrics()) as repeated:

        async def asked() -> bool:
            repeated.wake()
            return work.rounds >= 7

        await poll_async(asked, 10, "seven rounds")
    assert time.monotonic() - began > 1.9


@pytest.mark.parametrize("failure", [ApiStatusError(500), RuntimeError("a bug")])
async def test_a_failure_is_counted_and_the_work_goes_on(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeat, "_PAUSE_SECONDS", 0.01)
    work, metrics = Work(failure, failure), OperatorMetrics()
    async with running(work, 0.02, metrics):
        await poll_async(work.reached(3), 5, "the round that succeeds")
    shown = metrics.render().decode().splitlines()
    assert 'execution_evidence_gate_operator_failures_total{work="certificates"} 2.0' in shown
    assert 'execution_evidence_gate_operator_healthy{work="certificates"} 1.0' in shown


async def test_a_failure_shows_as_unhealthy() -> None:
    work, metrics = Work(ApiStatusError(403)), OperatorMetrics()
    async with running(work, 3600, metrics):
        await poll_async(work.reached(1), 5, "the round that fails")
    assert 'execution_evidence_gate_operator_healthy{work="certificates"} 0.0' in metrics.render().decode()


class Gathering:
    """A rhythm that gathers wishes until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def settle(self) -> float:
        return self.seconds

    def rest(self) -> float:
        return 3600.0


async def test_wishes_that_come_while_others_are_gathered_are_one_round() -> None:
    work, rhythm = Work(), Gathering()
    task = asyncio.create_task((repeated := Repeated("scan", work, rhythm, OperatorMetrics())).run())
    await poll_async(work.reached(1), 5, "the first round")
    rhythm.seconds = 0.2
    repeated.wake()
    for _ in range(5):
        await asyncio.sleep(0.01)
        repeated.wake()
    await poll_async(work.reached(2), 5, "the round that was asked for")
    assert not repeated._asked.is_set()
    task.cancel()
    await asyncio.wait({task})


async def test_a_configuration_that_cannot_be_used_is_a_failure_and_no_surprise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work = Work(ConfigurationError("a file is missing"))
    async with running(work, 3600, OperatorMetrics()):
        await poll_async(work.reached(1), 5, "the round that fails")
        await poll_async(_logged(caplog, "work failed, it is tried again"), 5, "the failure is told")
    assert not [record for record in caplog.records if record.exc_info]


def _logged(caplog: pytest.LogCaptureFixture, message: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return any(record.message == message for record in caplog.records)

    return look
