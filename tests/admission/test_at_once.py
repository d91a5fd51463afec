"""Many images in one review: asked about together, answered in their order, inside one deadline."""

import asyncio
import time

import pytest

from tests.admission.providers import GOOD, metadata
from tests.admission.requests import deployment, review
from tests.admission.world import World, question, said
from tests.harness.evidence import image_of
from webhook.admission.decide import Decider
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult
from webhook.providers.execution_evidence_contract import CONTRACT

IMAGES = [image_of(f"image {number}") for number in range(40)]
POOR = metadata(
    GOOD | {"execution_evidence_hot_symbol_count": "1", "execution_evidence_reason": "EvidenceInsufficient"}
)


class Crowd:
    """A provider that holds every query until it is let, and counts who waits."""

    provider_id = "execution-evidence"
    contract = CONTRACT

    def __init__(self, answer: EvidenceResult | None = None) -> None:
        self.answer = answer or metadata(GOOD)
        self.waiting: list[str] = []
        self.answered: list[str] = []
        self.most = 0
        self.changed = asyncio.Event()
        self.gates: dict[str, asyncio.Event] = {}

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        assert context.trigger_id
        digest = query.params["image_digest"]
        self.waiting.append(digest)
        self.most = max(self.most, len(self.waiting))
        self.changed.set()
        try:
            await self.gates.setdefault(digest, asyncio.Event()).wait()
            self.answered.append(digest)
        finally:
            self.waiting.remove(digest)
        return self.answer

    async def waits_for(self, count: int) -> None:
        """Returns once so many wait."""
        async with asyncio.timeout(5):
            while len(self.waiting) < count:
                self.changed.clear()
                await self.changed.wait()

    def let(self, *digests: str) -> None:
        """Answers some of those who wait."""
        for digest in digests:
            self.gates.setdefault(digest, asyncio.Event()).set()


def digest(image: str) -> str:
    return image.partition("@")[2]


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


@pytest.fixture
def decider(world: World, crowd: Crowd) -> Decider:
    return world.decider(world.settings(), crowd)


async def test_the_images_of_a_review_are_asked_about_at_the_same_time(decider: Decider, crowd: Crowd) -> None:
    images = IMAGES[:10]
    deciding = asyncio.create_task(decider.decide(question(review(deployment(*images)))))
    await crowd.waits_for(10)
    crowd.let(*map(digest, images))
    assert said(await deciding) == "Pass EvidenceSufficient"


@pytest.mark.parametrize("turn", [1, -1])
async def test_decisions_stand_in_the_order_of_the_images_whichever_came_first(
    turn: int, decider: Decider, crowd: Crowd
) -> None:
    images = IMAGES[:5]
    deciding = asyncio.create_task(decider.decide(question(review(deployment(*images)))))
    await crowd.waits_for(5)
    order = [digest(image) for image in images][::turn]
    for number, each in enumerate(order, 1):
        crowd.let(each)
        await crowd.waits_for(5 - number)
        await asyncio.sleep(0)
    decision = await deciding
    assert crowd.answered == order
    assert [entry.image.text for entry in decision.images] == images


async def test_no_more_than_so_many_are_asked_about_at_the_same_time(decider: Decider, crowd: Crowd) -> None:
    deciding = asyncio.create_task(decider.decide(question(review(deployment(*IMAGES)))))
    await crowd.waits_for(LIMITS.images_at_once)
    crowd.let(*map(digest, IMAGES))
    decision = await deciding
    assert said(decision) == "Pass EvidenceSufficient"
    assert len(decision.images) == len(crowd.answered) == 40
    assert crowd.most == LIMITS.images_at_once


async def test_one_deadline_holds_for_all_and_those_that_have_an_answer_keep_it(
    decider: Decider, crowd: Crowd
) -> None:
    images = IMAGES[:10]
    crowd.let(*map(digest, images[1::2]))
    begun = time.monotonic()
    decision = await decider.decide(question(review(deployment(*images)), seconds=0.2))
    assert time.monotonic() - begun < 5
    found = [entry.result.reason.value for entry in decision.images]
    assert found == ["EvidenceUnavailable", "EvidenceSufficient"] * 5
    assert crowd.waiting == []


async def test_images_that_hang_leave_no_pass_to_those_behind_them(decider: Decider, crowd: Crowd) -> None:
    crowd.let(*map(digest, IMAGES[20:]))
    decision = await decider.decide(question(review(deployment(*IMAGES)), seconds=0.2))
    assert [entry.result.reason.value for entry in decision.images] == ["EvidenceUnavailable"] * 40


async def test_an_image_that_passed_before_is_asked_about_again(decider: Decider, crowd: Crowd) -> None:
    crowd.let(*map(digest, IMAGES[:3]))
    body = review(deployment(*IMAGES[:3]))
    assert said(await decider.decide(question(body))) == "Pass EvidenceSufficient"
    crowd.answer = POOR
    assert said(await decider.decide(question(body))) == "Fail EvidenceInsufficient"


async def test_images_that_passed_before_do_not_hold_up_the_others(decider: Decider, crowd: Crowd) -> None:
    crowd.let(*map(digest, IMAGES[:2]))
    await decider.decide(question(review(deployment(*IMAGES[:2]))))
    for image in IMAGES[:2]:
        crowd.gates[digest(image)].clear()
    deciding = asyncio.create_task(decider.decide(question(review(deployment(*IMAGES[:4])))))
    await crowd.waits_for(2)
    assert digest(IMAGES[0]) in crowd.waiting
    assert {digest(IMAGES[2]), digest(IMAGES[3])} & set(crowd.waiting)
    crowd.let(*map(digest, IMAGES[:4]))
    assert said(await deciding) == "Pass EvidenceSufficient"


async def test_images_that_failed_before_are_asked_about_at_the_same_time_again(
    decider: Decider, crowd: Crowd
) -> None:
    crowd.answer = POOR
    body = review(deployment(*IMAGES[:3]))
    crowd.let(*map(digest, IMAGES[:3]))
    await decider.decide(question(body))
    crowd.gates.clear()
    deciding = asyncio.create_task(decider.decide(question(body)))
    await crowd.waits_for(3)
    crowd.let(*map(digest, IMAGES[:3]))
    assert said(await deciding) == "Fail EvidenceInsufficient"


class TaskCounter(Crowd):
    """Answers at once, and notes how many tasks there are."""

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        self.most = max(self.most, len(asyncio.all_tasks()))
        self.let(query.params["image_digest"])
        return await super().query(query, context)


async def test_images_that_passed_before_take_no_task_of_their_own(world: World) -> None:
    counter = TaskCounter()
    decider = world.decider(world.settings(), counter)
    body = review(deployment(*IMAGES[:5]))
    await decider.decide(question(body))
    assert counter.most > 1
    counter.most = 0
    await decider.decide(question(body))
    assert counter.most == 1


class Broken(Crowd):
    """Raises for one image."""

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        if query.params["image_digest"] == digest(IMAGES[2]):
            raise RuntimeError("a bug")
        return await super().query(query, context)


async def test_a_bug_in_one_query_ends_the_others_and_is_told_as_it_is(world: World) -> None:
    crowd = Broken()
    decider = world.decider(world.settings(), crowd)
    with pytest.raises(RuntimeError, match="a bug"):
        await decider.decide(question(review(deployment(*IMAGES[:5]))))
    assert crowd.waiting == []
