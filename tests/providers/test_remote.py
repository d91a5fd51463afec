"""Stores at hand and remote ones: who is asked when, and who speaks."""

import asyncio
from pathlib import Path

import pytest

from tests.providers.asking import STAGING, STRANGER, Shelf, ask, configured, context, provider, reason, signed, told
from tests.support.statements import IMAGE, REPOSITORY
from webhook.model.evidence import EvidenceQuery, PullIdentity
from webhook.settings.loading import Settings
from webhook.stores.protocol import Candidate, Found, ImageSubject

ABSENT_SECONDS = 7.0
GOOD, BETTER = signed(STAGING, uri="near:good"), signed(STAGING, uri="far:better", hotSymbolCount=99)
POOR, ALSO_POOR = (
    signed(STAGING, uri="near:poor", hotSymbolCount=1),
    signed(STAGING, uri="far:poor", hotSymbolCount=2),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return configured(
        tmp_path, stores={"registry": {"allow": ["registry.example.com/*"], "absentSeconds": ABSENT_SECONDS}}
    )


class Late(Shelf):
    """A remote store that answers when it is let."""

    def __init__(self, *candidates: Candidate) -> None:
        super().__init__(*candidates, remote=True)
        self.called = asyncio.Event()
        self.let = asyncio.Event()

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:
        self.called.set()
        await self.let.wait()
        return await super().find(subject, max_age)


async def test_a_remote_store_is_not_asked_for_what_is_at_hand(settings: Settings) -> None:
    far = Shelf(BETTER, remote=True)
    for order in ([Shelf(GOOD), far], [far, Shelf(GOOD)]):
        result = await ask(provider(settings, *order))
        assert result.evidence_ref is not None
        assert (result.evidence_ref.uri, told(result)["execution_evidence_reason"]) == (
            "near:good",
            "EvidenceSufficient",
        )
    assert far.asked == []


@pytest.mark.parametrize("near", [[], [POOR], [signed(STRANGER)]], ids=["nothing", "too little", "a stranger"])
async def test_a_remote_store_is_asked_when_what_is_at_hand_does_not_suffice(
    near: list[Candidate], settings: Settings
) -> None:
    asked = provider(settings, Shelf(*near), Shelf(BETTER, remote=True))
    assert reason(await ask(asked)) == "EvidenceSufficient"
    assert reason(await ask(asked)) == "EvidenceSufficient"


@pytest.mark.parametrize("far", [BETTER, ALSO_POOR])
async def test_an_answer_from_near_and_far_is_the_very_same_while_it_holds(
    far: Candidate, settings: Settings
) -> None:
    asked = provider(settings, Shelf(POOR), Shelf(far, remote=True))
    first = await ask(asked)
    assert await ask(asked) is first


async def test_where_nothing_suffices_the_best_of_all_stores_speaks(settings: Settings) -> None:
    result = await ask(provider(settings, Shelf(POOR), Shelf(ALSO_POOR, remote=True)))
    assert told(result)["execution_evidence_hot_symbol_count"] == "2"


async def test_remote_stores_are_asked_at_once_and_the_order_of_their_answers_decides_nothing(
    settings: Settings,
) -> None:
    results = []
    for first in (0, 1):
        stores = [Late(signed(STAGING, uri=f"far:{number}", hotSymbolCount=40 + number)) for number in range(2)]
        asking = asyncio.create_task(ask(provider(settings, *stores)))
        for store in stores:
            await asyncio.wait_for(store.called.wait(), 5)
        for number in (first, 1 - first):
            stores[number].let.set()
            await asyncio.sleep(0)
        results.append(await asking)
    assert results[0] == results[1]
    assert told(results[0])["execution_evidence_hot_symbol_count"] == "41"


@pytest.mark.parametrize("found", [[], [POOR], [signed(STRANGER)]], ids=["nothing", "too little", "a stranger"])
async def test_what_does_not_suffice_is_asked_for_once_more_without_what_is_old(
    found: list[Candidate], settings: Settings
) -> None:
    far = Shelf(*found, remote=True)
    asked = provider(settings, Shelf(), far)
    for _ in range(2):
        far.asked.clear()
        await ask(asked)
        [(_, first), (_, second)] = far.asked
        assert first is None
        assert second is not None
        assert second >= ABSENT_SECONDS


class Renewed(Shelf):
    """A remote store whose cache still says what was, unless that is refused."""

    def __init__(self, old: list[Candidate], new: list[Candidate], problem: str | None = None) -> None:
        super().__init__(remote=True)
        self._old, self._new, self._problem = old, new, problem

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:
        self.candidates, self.problem = (self._old, None) if max_age is None else (self._new, self._problem)
        return await super().find(subject, max_age)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([], [BETTER], "EvidenceSufficient"),
        ([ALSO_POOR], [ALSO_POOR, BETTER], "EvidenceSufficient"),
        ([ALSO_POOR], [], "EvidenceMissing"),
        ([], [ALSO_POOR], "EvidenceInsufficient"),
        ([BETTER], [], "EvidenceSufficient"),
    ],
)
async def test_evidence_that_was_attached_meanwhile_is_seen(
    old: list[Candidate], new: list[Candidate], expected: str, settings: Settings
) -> None:
    asked = provider(settings, Shelf(), Renewed(old, new))
    assert [reason(await ask(asked)) for _ in range(2)] == [expected] * 2


async def test_a_second_look_that_fails_leaves_absence_unknown(settings: Settings) -> None:
    asked = provider(settings, Renewed([], [], "registry example.com: hangs"))
    assert reason(await ask(asked)) == "evidence_unavailable"


async def test_a_remote_store_that_fails_does_not_spoil_what_is_at_hand(settings: Settings) -> None:
    far = Shelf(remote=True)
    far.problem = "registry example.com: 429"
    assert reason(await ask(provider(settings, far, Shelf(GOOD)))) == "EvidenceSufficient"
    result = await ask(provider(settings, far, Shelf(POOR)))
    assert result.error is not None
    assert result.error.message == "registry example.com: 429"


async def test_a_hanging_remote_store_keeps_nobody_waiting_for_what_is_at_hand(settings: Settings) -> None:
    asked = provider(settings, Late(), Shelf(GOOD))
    async with asyncio.timeout(5):
        assert reason(await ask(asked)) == "EvidenceSufficient"


async def test_a_store_may_say_why_it_has_nothing(settings: Settings) -> None:
    far = Shelf(remote=True)
    far.remark = "example.com/x is not looked at"
    metadata = told(await ask(provider(settings, Shelf(), far)))
    assert (metadata["execution_evidence_reason"], metadata["execution_evidence_detail"]) == (
        "EvidenceMissing",
        "example.com/x is not looked at",
    )
    beside = told(await ask(provider(settings, Shelf(signed(STRANGER)), far)))
    assert beside["execution_evidence_reason"] == "EvidenceUntrusted"
    assert "is not looked at" not in beside["execution_evidence_detail"]


async def test_stores_are_told_whose_pull_secrets_may_be_used(settings: Settings) -> None:
    shelf, pull = Shelf(), PullIdentity("shop", "cart", ("registry",))
    query = EvidenceQuery(
        "execution-evidence",
        "metadata",
        {"image_digest": IMAGE, "repository": REPOSITORY} | {"environment": "production"},
    )
    await provider(settings, shelf).query(query, context()._replace(pull=pull))
    assert shelf.asked == [(ImageSubject(IMAGE, REPOSITORY, pull), None)]


async def test_one_answer_serves_only_whoever_is_given_the_same_candidates(settings: Settings) -> None:
    # Two pods may name one image and have rights to different evidence.
    far = Shelf(BETTER, remote=True)
    asked = provider(settings, far)
    assert reason(await ask(asked)) == "EvidenceSufficient"
    far.candidates = []
    assert reason(await ask(asked)) == "EvidenceMissing"
