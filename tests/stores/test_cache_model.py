"""The cache against a model of it: a list in the order of use."""

import asyncio
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from webhook.stores.cache import FetchCache, Fetched, Kind

ENTRIES, WEIGHT = 4, 10

_KEYS = st.sampled_from("abcdef")
_KINDS: st.SearchStrategy[Kind] = st.sampled_from(("found", "absent", "error"))
_SECONDS = st.integers(0, 20)


@dataclass
class Held:
    """What the cache should hold about a key."""

    key: str
    value: int
    weight: int
    begun: int
    until: int


class CacheMachine(RuleBasedStateMachine):
    """Asks one thing after the other, at times that the machine sets."""

    shrinks = False

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = 0
        shrinker = EvenShrinker() if self.shrinks else None
        self.cache: FetchCache[str, int] = FetchCache(ENTRIES, WEIGHT, lambda: float(self.now), shrinker)
        self.held: list[Held] = []
        self.outlines: list[Held] = []
        self.fetched = 0
        self.asked = 0

    def teardown(self) -> None:
        self.runner.close()

    @rule(seconds=_SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(
        key=_KEYS,
        kind=_KINDS,
        weight=st.integers(0, WEIGHT + 1),
        times=st.tuples(_SECONDS, _SECONDS),
        max_age=st.none() | _SECONDS,
    )
    def somebody_asks(self, key: str, kind: Kind, weight: int, times: tuple[int, int], max_age: int | None) -> None:
        took, seconds = times
        expected = self._served(key, max_age)
        fetches = self.fetched
        begun = self.now

        async def fetch() -> Fetched[int]:
            self.fetched += 1
            self.now += took
            return Fetched(self.fetched, kind, weight, float(seconds))

        value = self.runner.run(self.cache.get(key, fetch, max_age))
        self.asked += 1
        if expected is None:
            assert value == self.fetched == fetches + 1
            self._hold(Held(key, value, weight, begun, self.now + seconds))
        else:
            assert (value, self.fetched) == (expected, fetches)

    def _served(self, key: str, max_age: int | None) -> int | None:
        for place in (self.held, self.outlines):
            for entry in place:
                young = max_age is None or self.now - entry.begun <= max_age
                whole = place is self.held or max_age != 0
                if entry.key == key and self.now < entry.until and young and whole:
                    if place is self.outlines:
                        return -entry.value
                    self.held.remove(entry)
                    self.held.append(entry)
                    return entry.value
        return None

    def _hold(self, new: Held) -> None:
        self.held = [entry for entry in self.held if entry.key != new.key]
        self.outlines = [entry for entry in self.outlines if entry.key != new.key]
        if new.until <= self.now:
            return
        if new.weight <= WEIGHT:
            self.held.append(new)
        else:
            self._outline(new)
        while len(self.held) > ENTRIES or sum(entry.weight for entry in self.held) > WEIGHT:
            self._outline(self.held.pop(0))
        while self.outlines and len(self.held) + len(self.outlines) > ENTRIES:
            self.outlines.pop(0)

    def _outline(self, entry: Held) -> None:
        if self.shrinks and entry.value % 2 == 0:
            self.outlines.append(entry)

    @invariant()
    def it_holds_what_the_model_holds(self) -> None:
        assert len(self.cache) == len(self.held) + len(self.outlines)
        assert self.cache.weight == sum(entry.weight for entry in self.held)

    @invariant()
    def every_answer_was_counted_once(self) -> None:
        assert self.cache.fetches.total() == self.fetched
        assert self.cache.hits.total() + self.cache.fetches.total() == self.asked


class EvenShrinker:
    """Even numbers have an outline, which is told from them by its sign."""

    def shrink(self, value: int) -> bytes | None:
        """The number as text."""
        return None if value % 2 else b"%d" % value

    def restore(self, outline: bytes) -> int:
        """The number, negative."""
        return -int(outline)


class ShrinkingCacheMachine(CacheMachine):
    """The same with outlines."""

    shrinks = True


for machine in (CacheMachine, ShrinkingCacheMachine):
    machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

TestCache = CacheMachine.TestCase
TestShrinkingCache = ShrinkingCacheMachine.TestCase
