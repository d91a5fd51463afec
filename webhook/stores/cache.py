"""What was fetched lately, so that a registry is asked once for what many ask at the same time and again.

The cache knows nothing of what it keeps. It never decides whether evidence counts: freshness and trust are judged at
every hit, by whoever asks.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from webhook.stores.outlines import Outlines, Shrinker

Kind = Literal["found", "absent", "error"]

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Fetched(Generic[_V]):
    """What one fetch brought.

    Attributes:
        value: What is given to everybody who asks.
        kind: What it is, for the counters: a failure that is told in the value is an `error`.
        weight: Bytes that it holds.
        seconds: For how long it may be given once it is there; 0 for not at all.
    """

    value: _V
    kind: Kind
    weight: int
    seconds: float


class _Entry(NamedTuple, Generic[_V]):
    """A value that is held.

    Attributes:
        value: The value.
        kind: Its kind.
        weight: Its bytes.
        begun: When its fetch began.
        until: When it has had its time.
    """

    value: _V
    kind: Kind
    weight: int
    begun: float
    until: float

    def serves(self, now: float, max_age: float | None) -> bool:
        return now < self.until and (max_age is None or now - self.begun <= max_age)


class FetchCache(Generic[_K, _V]):
    """Values by key, each fetched at most once at a time.

    Whoever asks while a fetch is under way gets what that one brings. A caller that is cancelled stops nobody else:
    the fetch goes on, and its value is kept for the next. The least recently used entries make room: they are
    reduced to outlines, or dropped where there is no outline of them.

    Attributes:
        weight: Bytes of the values that are held whole.
        hits: Answers that took no fetch of their own, by kind; those that joined a fetch are among them.
        fetches: Fetches that ended, by kind; one that raised is an `error`.
    """

    def __init__(
        self,
        entries: int,
        weight: int,
        clock: Callable[[], float] = time.monotonic,
        shrinker: Shrinker[_V] | None = None,
    ) -> None:
        """Makes an empty cache.

        Args:
            entries: How many it may hold, outlines among them.
            weight: How many bytes may be held whole.
            clock: Gives seconds that never go back.
            shrinker: Makes values small that were found; None to drop them instead.
        """
        self._most_entries = entries
        self._most_weight = weight
        self._clock = clock
        self._outlines = Outlines(shrinker)
        self._entries: dict[_K, _Entry[_V]] = {}
        self._under_way: dict[_K, asyncio.Task[Fetched[_V]]] = {}
        self.weight = 0
        self.hits: Counter[Kind] = Counter()
        self.fetches: Counter[Kind] = Counter()

    def __len__(self) -> int:
        """Entries that are held, those that have had their time among them."""
        return len(self._entries) + len(self._outlines)

    async def get(self, key: _K, fetch: Callable[[], Awaitable[Fetched[_V]]], max_age: float | None = None) -> _V:
        """Gives the value of a key.

        Args:
            key: What the value depends on, all of it; `repr` tells keys apart.
            fetch: Brings the value; called only if it is needed.
            max_age: Seconds; the fetch of what is held must not have begun longer ago. A fetch under way is joined
                whatever its age, so that nobody who asks makes another beside it. With 0 the value is whole.

        Returns:
            The value, or what is left of it.

        Raises:
            Exception: Whatever the fetch raised; nothing is kept of it.
        """
        held = self._held(key, max_age)
        if held is not None:
            value, kind = held
            self.hits[kind] += 1
            return value
        task = self._under_way.get(key)
        if task is not None:
            fetched = await asyncio.shield(task)
            self.hits[fetched.kind] += 1
            return fetched.value
        task = asyncio.create_task(self._fetch(key, fetch, self._clock()), name="fetch")
        task.add_done_callback(_look_at_failure)
        self._under_way[key] = task
        return (await asyncio.shield(task)).value

    async def close(self) -> None:
        """Ends the fetches that are under way, and frees what is held."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._entries.clear()
        self._outlines.cut(0)
        self.weight = 0

    async def _fetch(self, key: _K, fetch: Callable[[], Awaitable[Fetched[_V]]], begun: float) -> Fetched[_V]:
        kind: Kind = "error"
        try:
            fetched = await fetch()
            kind = fetched.kind
        finally:
            self.fetches[kind] += 1
            del self._under_way[key]
        if fetched.seconds > 0:
            until = self._clock() + fetched.seconds
            self._keep(key, _Entry(fetched.value, kind, fetched.weight, begun, until))
        else:
            # What serves nobody else must not take the place of what does.
            self._drop(key)
            self._outlines.drop(key)
        return fetched

    def _held(self, key: _K, max_age: float | None) -> tuple[_V, Kind] | None:
        now = self._clock()
        entry = self._entries.get(key)
        if entry is not None and entry.serves(now, max_age):
            # The end of the dictionary is where the recently used are.
            self._entries[key] = self._entries.pop(key)
            return entry.value, entry.kind
        rest = self._outlines.get(key, now, max_age)
        return None if rest is None else (rest, "found")

    def _keep(self, key: _K, entry: _Entry[_V]) -> None:
        self._drop(key)
        self._outlines.drop(key)
        self._entries[key] = entry
        self.weight += entry.weight
        if entry.weight > self._most_weight:
            # Not even alone is there room for it, so it takes none from others.
            self._reduce(key)
        while len(self._entries) > self._most_entries or self.weight > self._most_weight:
            self._reduce(next(iter(self._entries)))
        self._outlines.cut(self._most_entries - len(self._entries))

    def _reduce(self, key: _K) -> None:
        entry = self._drop(key)
        if entry is not None:
            self._outlines.put(key, entry.value, entry.begun, entry.until)

    def _drop(self, key: _K) -> _Entry[_V] | None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.weight -= entry.weight
        return entry


def _look_at_failure(task: asyncio.Task[Any]) -> None:
    """Takes note of a failure that nobody waits for any more, which asyncio would otherwise log as an oversight."""
    if not task.cancelled():
        task.exception()
