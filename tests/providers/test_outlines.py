"""A remote store that has reduced what it found to an outline: answered from memory, and never taken for absence."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.providers.asking import (
    NOW,
    STAGING,
    STRANGER,
    Shelf,
    Trusted,
    ask,
    configured,
    provider,
    reason,
    signed,
    told,
)
from webhook.stores.cache import FetchCache, Fetched
from webhook.stores.fingerprint import FoundShrinker
from webhook.stores.protocol import Candidate, Found, ImageSubject

GOOD, POOR = signed(STAGING, uri="far:good"), signed(STAGING, uri="far:poor", hotSymbolCount=1)
SUFFICIENT = "EvidenceSufficient"


class Reduced(Shelf):
    """A remote store in front of a cache that holds nothing whole."""

    def __init__(self, *candidates: Candidate) -> None:
        super().__init__(*candidates, remote=True)
        self.cache: FetchCache[str, Found] = FetchCache(10, 0, shrinker=FoundShrinker())
        self.fetches = 0

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:
        return await self.cache.get(subject.digest, self._fetch, max_age)

    async def _fetch(self) -> Fetched[Found]:
        self.fetches += 1
        return Fetched(Found(tuple(self.candidates)), "found" if self.candidates else "absent", 1, 3600.0)


@pytest.mark.parametrize("found", [GOOD, POOR, signed(STRANGER)], ids=["good", "poor", "a stranger's"])
async def test_a_warm_answer_takes_no_fetch(found: Candidate, tmp_path: Path) -> None:
    store = Reduced(found)
    asked = provider(configured(tmp_path, stores={"registry": {"allow": ["registry.example.com/*"]}}), store)
    first = await ask(asked)
    assert [await ask(asked) for _ in range(3)] == [first] * 3
    asked._answers._at_hand.clear()
    assert await ask(asked) == first
    assert store.fetches == 1


class Holding(Reduced):
    """The same, in front of a cache that has room."""

    def __init__(self, *candidates: Candidate) -> None:
        super().__init__(*candidates)
        self.cache = FetchCache(10, 10, shrinker=FoundShrinker())


@pytest.mark.parametrize("found", [[], [GOOD], [POOR], [signed(STRANGER)]], ids=["nothing", "good", "poor", "bad"])
async def test_a_hundred_equal_queries_at_once_are_one_fetch(found: list[Candidate], tmp_path: Path) -> None:
    store = Holding(*found)
    asked = provider(configured(tmp_path, stores={"registry": {"allow": ["registry.example.com/*"]}}), store)
    results = await asyncio.gather(*(ask(asked) for _ in range(100)))
    assert len({str(result) for result in results}) == 1
    assert store.fetches == 1


async def test_whoever_has_no_answer_yet_asks_for_the_whole(tmp_path: Path) -> None:
    store, settings = Reduced(GOOD), configured(tmp_path)
    for fetches in (1, 2, 3):
        assert reason(await ask(provider(settings, store))) == SUFFICIENT
        assert store.fetches == fetches


async def test_a_key_that_was_removed_after_a_pass_counts_no_more(tmp_path: Path) -> None:
    store = Reduced(GOOD)
    assert reason(await ask(provider(configured(tmp_path), store))) == SUFFICIENT
    other = provider(configured(tmp_path, Trusted(STRANGER)), store)
    assert [reason(await ask(other)) for _ in range(2)] == ["EvidenceUntrusted"] * 2


async def test_evidence_that_expires_after_a_pass_counts_no_more(tmp_path: Path) -> None:
    asked = provider(configured(tmp_path, MaxEvidenceAge="2h"), Reduced(GOOD))
    # The observation ended an hour before `NOW`.
    for hours, expected in ((0, SUFFICIENT), (1, SUFFICIENT), (2, "EvidenceStale"), (0, SUFFICIENT)):
        assert reason(await ask(asked, NOW + timedelta(hours=hours))) == expected


async def test_what_is_at_hand_and_does_not_suffice_is_judged_with_the_whole(tmp_path: Path) -> None:
    store = Reduced(POOR)
    near = Shelf(signed(STAGING, uri="near:poorer", hotSymbolCount=0))
    asked = provider(configured(tmp_path), near, store)
    for _ in range(2):
        assert told(await ask(asked))["execution_evidence_hot_symbol_count"] == "1"


async def test_a_gap_of_what_is_at_hand_does_not_hide_what_was_found_far_away(tmp_path: Path) -> None:
    near, registry = Shelf(), {"registry": {"allow": ["registry.example.com/*"]}}
    asked = provider(configured(tmp_path, stores=registry), near, Reduced(GOOD))
    for problem in (None, "store shelf: a part cannot be read", None):
        near.problem = problem
        assert reason(await ask(asked)) == SUFFICIENT


async def test_of_several_remote_stores_none_is_judged_by_its_outline(tmp_path: Path) -> None:
    stores = [Reduced(GOOD), Reduced(POOR)]
    # The second look takes an outline that is no older than half a minute.
    settings = configured(tmp_path, stores={"registry": {"allow": ["registry.example.com/*"]}})
    for _ in range(2):
        assert reason(await ask(provider(settings, *stores))) == SUFFICIENT
    stores[0].candidates = []
    await stores[0].cache.close()
    assert reason(await ask(provider(settings, *stores))) == "EvidenceInsufficient"
