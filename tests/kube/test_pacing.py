import asyncio
import logging
import time

import pytest

from webhook.kube.pacing import QuietLog, TimeSlice, TokenBucket, backoff


@pytest.mark.parametrize(
    ("failures", "whole"), [(0, 0.0), (1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 10.0), (10_000, 10.0)]
)
def test_the_wait_doubles_up_to_its_cap_and_half_of_it_is_chance(failures: int, whole: float) -> None:
    waits = [backoff(failures, 0.5, 10.0) for _ in range(200)]
    assert whole / 2 <= min(waits) <= max(waits) <= whole
    assert failures == 0 or len(set(waits)) > 1


async def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=100.0, burst=10)
    began = time.monotonic()
    for _ in range(10):
        await bucket.take()
    burst = time.monotonic() - began
    for _ in range(20):
        await bucket.take()
    assert burst < 0.1
    assert time.monotonic() - began >= (30 - 10) / 100.0


async def test_a_rest_saves_no_more_than_the_burst() -> None:
    bucket = TokenBucket(rate=100.0, burst=2)
    await asyncio.sleep(0.1)  # Worth ten calls.
    began = time.monotonic()
    for _ in range(7):
        await bucket.take()
    assert time.monotonic() - began >= (7 - 2 - 1) / 100.0


async def test_long_work_gives_way() -> None:
    ran = asyncio.Event()
    time_slice = TimeSlice()
    asyncio.get_running_loop().call_soon(ran.set)
    await time_slice.breathe()
    assert not ran.is_set()  # The slice was not used up.
    end = time.monotonic() + 0.01
    while time.monotonic() < end:
        pass
    await time_slice.breathe()
    assert ran.is_set()


def test_equal_troubles_make_one_line(caplog: pytest.LogCaptureFixture) -> None:
    quiet = QuietLog(logging.getLogger("test"))
    for number in range(1000):
        quiet.warning("dropped", number=number)
    assert [record.message for record in caplog.records] == ["dropped"]


def test_the_next_line_says_how_many_were_swallowed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = QuietLog(logging.getLogger("test"))
    for _ in range(5):
        quiet.warning("dropped")
    monkeypatch.setattr(quiet, "_quiet_until", 0.0)
    quiet.warning("dropped")
    assert [record.__dict__["unlogged"] for record in caplog.records] == [0, 4]
