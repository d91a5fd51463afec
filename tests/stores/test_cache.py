import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from tests.harness.polling import poll_async
from webhook.stores.cache import FetchCache, Fetched, Kind


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Fetches that wait until they are let, and count themselves."""

    def __init__(self, *, open_gate: bool = True) -> None:
        self.gate = asyncio.Event()
        self.fetches = 0
        self.problem: Exception | None = None
        if open_gate:
            self.gate.set()

    def fetch(
        self, value: str = "value", *, kind: Kind = "found", weight: int = 1, seconds: float = 60.0
    ) -> Callable[[], Awaitable[Fetched[str]]]:
        """A fetch of a value."""

        async def run() -> Fetched[str]:
            self.fetches += 1
            await self.gate.wait()
            if self.problem is not None:
                raise self.problem
            return Fetched(value, kind, weight, seconds)

        return run


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> FetchCache[str, str]:
    return FetchCache(100, 1000, clock)


async def test_a_hundred_equal_requests_at_once_are_one_fetch(cache: FetchCache[str, str]) -> None:
    source = Source(open_gate=False)
    callers = [asyncio.create_task(cache.get("key", source.fetch())) for _ in range(100)]
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*callers) == ["value"] * 100
    assert source.fetches == 1
    assert (cache.fetches, cache.hits) == ({"found": 1}, {"found": 99})


async def test_requests_for_different_keys_do_not_wait_for_each_other(cache: FetchCache[str, str]) -> None:
    slow, fast = Source(open_gate=False), Source()
    waiting = asyncio.create_task(cache.get("slow", slow.fetch()))
    assert await cache.get("fast", fast.fetch("other")) == "other"
    slow.gate.set()
    assert await waiting == "value"


@pytest.mark.parametrize("quitter", [0, 1])
async def test_a_caller_that_is_cancelled_stops_nobody_else(quitter: int, cache: FetchCache[str, str]) -> None:
    source = Source(open_gate=False)
    callers = [asyncio.create_task(cache.get("key", source.fetch())) for _ in range(2)]
    await asyncio.sleep(0)
    callers[quitter].cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert await callers[1 - quitter] == "value"
    assert callers[quitter].cancelled()
    assert source.fetches == 1


async def test_what_was_fetched_for_callers_that_gave_up_serves_the_next(cache: FetchCache[str, str]) -> None:
    source = Source(open_gate=False)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await cache.get("key", source.fetch())
    source.gate.set()
    assert await cache.get("key", source.fetch()) == "value"
    assert source.fetches == 1


async def test_a_fetch_that_raises_fails_for_all_who_wait_and_is_not_kept(cache: FetchCache[str, str]) -> None:
    source = Source(open_gate=False)
    source.problem = OSError("the line is cut")
    callers = [asyncio.create_task(cache.get("key", source.fetch())) for _ in range(3)]
    await asyncio.sleep(0)
    source.gate.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert outcomes == [source.problem] * 3
    assert (len(cache), cache.fetches) == (0, {"error": 1})
    source.problem = None
    assert await cache.get("key", source.fetch()) == "value"


async def test_a_fetch_under_way_is_joined_whatever_its_age(cache: FetchCache[str, str], clock: Clock) -> None:
    source = Source(open_gate=False)
    first = asyncio.create_task(cache.get("key", source.fetch()))
    await asyncio.sleep(0)
    clock.now += 50
    second = asyncio.create_task(cache.get("key", source.fetch(), 0.0))
    await asyncio.sleep(0)
    source.gate.set()
    assert [await first, await second] == ["value"] * 2
    assert source.fetches == 1


@pytest.mark.parametrize(("age", "max_age", "fetches"), [(30, 30, 1), (30.5, 30, 2), (0, 0, 1), (0.5, 0, 2)])
async def test_a_caller_may_refuse_what_is_old(
    age: float, max_age: float, fetches: int, cache: FetchCache[str, str], clock: Clock
) -> None:
    source = Source()
    await cache.get("key", source.fetch())
    clock.now += age
    await cache.get("key", source.fetch(), max_age)
    assert source.fetches == fetches


async def test_age_counts_from_the_beginning_of_a_fetch_and_lifetime_from_its_end(
    cache: FetchCache[str, str], clock: Clock
) -> None:
    source = Source(open_gate=False)
    waiting = asyncio.create_task(cache.get("key", source.fetch(seconds=5.0)))
    await asyncio.sleep(0)
    clock.now += 10
    source.gate.set()
    await waiting
    clock.now += 4
    await cache.get("key", source.fetch())
    assert source.fetches == 1
    await cache.get("key", source.fetch(), 13.0)
    assert source.fetches == 2


async def test_found_absent_and_error_are_counted_apart(cache: FetchCache[str, str]) -> None:
    kinds: tuple[Kind, ...] = ("found", "absent", "error")
    for turns, kind in enumerate(kinds, 2):
        for _ in range(turns):
            await cache.get(kind, Source().fetch(kind=kind))
    assert cache.fetches == Counter(kinds)
    assert cache.hits == {"found": 1, "absent": 2, "error": 3}


async def test_a_value_heavier_than_the_cache_is_given_and_not_kept(cache: FetchCache[str, str]) -> None:
    await cache.get("light", Source().fetch())
    assert await cache.get("heavy", Source().fetch("much", weight=1001)) == "much"
    assert (len(cache), cache.weight) == (1, 1)


class Initial:
    """Of a text, the first letter is left."""

    def shrink(self, value: str) -> bytes | None:
        return value[:1].encode()

    def restore(self, outline: bytes) -> str:
        return outline.decode()


async def test_what_there_is_no_room_for_is_given_as_an_outline_unless_the_whole_is_asked_for(clock: Clock) -> None:
    cache: FetchCache[str, str] = FetchCache(100, 5, clock, Initial())
    source = Source()
    assert await cache.get("key", source.fetch("whole", weight=6)) == "whole"
    for max_age in (None, 30.0):
        assert await cache.get("key", source.fetch("new"), max_age) == "w"
    assert (source.fetches, cache.hits) == (1, {"found": 2})
    # The clock stands still: nothing is too old, and yet an outline does not do.
    assert await cache.get("key", source.fetch("new"), 0.0) == "new"


async def test_a_close_ends_what_is_under_way_and_frees_what_is_held(cache: FetchCache[str, str]) -> None:
    source = Source(open_gate=False)
    await cache.get("held", Source().fetch())
    waiting = asyncio.create_task(cache.get("key", source.fetch()))
    await asyncio.sleep(0)
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (len(cache), cache.weight) == (0, 0)
    assert [task.get_name() for task in asyncio.all_tasks()].count("fetch") == 0


async def test_what_serves_nobody_else_takes_no_place(clock: Clock) -> None:
    cache: FetchCache[str, str] = FetchCache(2, 10, clock)
    await cache.get("kept", Source().fetch())
    for number in range(5):
        await cache.get(f"refused {number}", Source().fetch(kind="error", seconds=0.0))
    again = Source()
    assert await cache.get("kept", again.fetch("other")) == "value"
    assert (again.fetches, len(cache)) == (0, 1)


async def test_a_failure_that_nobody_waits_for_is_no_oversight(cache: FetchCache[str, str]) -> None:
    oversights: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: oversights.append(context))
    source = Source(open_gate=False)
    source.problem = OSError()
    caller = asyncio.create_task(cache.get("key", source.fetch()))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    source.gate.set()

    async def failed() -> bool:
        return cache.fetches["error"] == 1

    await poll_async(failed, 5, "the fetch has failed")
    del caller  # Its trace holds the fetch's task, which complains when it is let go.
    gc.collect()
    assert oversights == []
