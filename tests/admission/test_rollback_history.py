"""A workload's history, read from the API server: bounded, and what cannot be read admits nothing."""

import asyncio
import time
from typing import Any

import pytest

from tests.admission.history import (
    ALLOW,
    BACK,
    NEVER_FRESH,
    NEVER_RAN,
    RETURNED,
    STALE,
    UID,
    Shop,
    owned,
    replica_set,
    rolled_back,
)
from tests.admission.providers import ScriptedProvider, metadata
from tests.admission.requests import (
    OLD,
    SEEN,
    deployment,
)
from tests.admission.world import INSTANT, NOW, question, said
from tests.simulators.caller_reviews import answers, hangs
from tests.support.statements import ABSENT, changed
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult

SELECTORS: list[tuple[str, Any, str | None]] = [
    ("labels", {"matchLabels": {"app": "cart", "tier": "x.y/z_1"}}, "app=cart"),
    ("one label", {"matchLabels": {"app": "cart"}}, "app=cart"),
    ("an empty value", {"matchLabels": {"app": ""}}, "app="),
    ("a value that writes a query of its own", {"matchLabels": {"app": "cart,x in (a)"}}, None),
    ("a name that does", {"matchLabels": {"app=cart,x": "y"}}, None),
    ("a number", {"matchLabels": {"app": 7}}, None),
    ("expressions", {"matchExpressions": [{"key": "app", "operator": "Exists"}]}, None),
    ("a list", ["app"], None),
    ("none", ABSENT, None),
]


@pytest.mark.parametrize(("_name", "selector", "expected"), SELECTORS, ids=[row[0] for row in SELECTORS])
async def test_the_list_is_narrowed_by_the_labels_of_the_pods(
    shop: Shop, _name: str, selector: Any, expected: str | None
) -> None:
    old = changed(deployment(SEEN), {"spec": changed(deployment(SEEN)["spec"], {"selector": selector})})
    await shop.decide(rolled_back(OLD, old))
    assert shop.api.queries[0].get("labelSelector") == expected
    assert shop.api.queries[0]["limit"] == str(LIMITS.revision_page)


def crowd(number: int) -> list[dict[str, Any]]:
    return [replica_set(SEEN, name=f"other-{index}", owners=owned("another")) for index in range(number)]


async def test_the_history_is_read_page_by_page(shop: Shop) -> None:
    shop.api.items = [*crowd(2 * LIMITS.revision_page), replica_set(OLD)]
    assert await shop.said(BACK) == RETURNED
    assert [query.get("continue") for query in shop.api.queries] == [None, "50", "100"]


async def test_what_lies_behind_the_last_page_admits_nothing(shop: Shop) -> None:
    shop.api.items = [*crowd(LIMITS.revision_pages * LIMITS.revision_page), replica_set(OLD)]
    assert await shop.refusal(BACK) == NEVER_RAN
    assert len(shop.api.queries) == LIMITS.revision_pages


async def test_a_few_revisions_are_judged_the_newest_first(shop: Shop) -> None:
    young = [replica_set(OLD, name=f"young-{index}", created=INSTANT) for index in range(LIMITS.revisions - 1)]
    shop.api.items = [replica_set(OLD), *young]
    assert await shop.said(BACK) == RETURNED
    shop.api.items.append(replica_set(OLD, name="young", created=INSTANT))
    assert await shop.refusal(BACK) == NEVER_FRESH


UNREADABLE_LISTS: list[tuple[str, Any, str]] = [
    ("forbidden", answers(403), "the gate's account may not ask"),
    ("gone", answers(404), "the API server answered 404"),
    ("a page that has expired", answers(410), "the API server answered 410"),
    ("broken", answers(500), "the API server answered 500"),
    ("no JSON", answers(200, b"<html>"), "the API server sent no list of ReplicaSets"),
    ("a text", answers(200, b'"items"'), "the API server sent no list of ReplicaSets"),
    ("too many values", answers(200, b"[" + b"0," * LIMITS.review_values + b"0]"), "the list holds too many values"),
    ("too large", answers(200, b" " * (LIMITS.object_bytes + 1)), "the API server's answer exceeds 4194304 bytes"),
]


@pytest.mark.parametrize(("_name", "fault", "expected"), UNREADABLE_LISTS, ids=[row[0] for row in UNREADABLE_LISTS])
async def test_a_history_that_cannot_be_read_admits_nothing(
    shop: Shop, _name: str, fault: Any, expected: str
) -> None:
    shop.api.items = [replica_set(OLD)]
    shop.api.fault = fault
    refusal = await shop.refusal(BACK)
    assert refusal.startswith(f"the workload's ReplicaSets cannot be read: {expected}")


ODD: list[tuple[str, dict[str, Any]]] = [
    ("no metadata", {"metadata": ABSENT}),
    ("no time", {"metadata": {**replica_set(OLD)["metadata"], "creationTimestamp": None}}),
    (
        "a time without a zone",
        {"metadata": {**replica_set(OLD)["metadata"], "creationTimestamp": "2026-01-04T00:00:00"}},
    ),
    ("a time in numbers", {"metadata": {**replica_set(OLD)["metadata"], "creationTimestamp": 1767484800}}),
    ("owners in words", {"metadata": {**replica_set(OLD)["metadata"], "ownerReferences": UID}}),
    ("a controller in words", {"metadata": replica_set(OLD, owners=owned(controller="true"))["metadata"]}),
]


@pytest.mark.parametrize(("_name", "changes"), ODD, ids=[row[0] for row in ODD])
async def test_a_replica_set_that_cannot_be_read_admits_nothing(
    shop: Shop, _name: str, changes: dict[str, Any]
) -> None:
    shop.api.items = [replica_set(OLD)]
    shop.api.change = lambda page: page | {"items": [changed(page["items"][0], changes)]}
    assert "ReplicaSet" in await shop.refusal(BACK)


async def test_a_page_that_is_longer_than_was_asked_for_is_not_read(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD)]
    shop.api.change = lambda page: page | {"items": page["items"] * (LIMITS.revision_page + 1)}
    assert "no list of ReplicaSets" in await shop.refusal(BACK)


async def test_no_answer_takes_no_longer_than_there_is(shop: Shop) -> None:
    shop.api.fault = hangs
    began = time.monotonic()
    decision = await shop.decide(BACK, seconds=0.3)
    assert said(decision) == STALE
    assert decision.images[0].rollback is not None
    assert decision.images[0].rollback.found == "what the workload ran before could not be found out in time"
    assert time.monotonic() - began < 1.0


class WatchedProvider(ScriptedProvider):
    """Always stale, at once; remembers in which turn of the loop it was asked about earlier times."""

    def __init__(self) -> None:
        answer = {"execution_evidence_reason": "EvidenceStale", "execution_evidence_detail": "too old"}
        super().__init__({}, metadata(answer))
        self.turn = 0
        self.turns: set[int] = set()

    async def others(self) -> None:
        """Another review, which wants a turn whenever it can have one."""
        while True:
            self.turn += 1
            await asyncio.sleep(0)

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """As `ScriptedProvider.query`."""
        if context.trigger_time != NOW:
            self.turns.add(self.turn)
        return await super().query(query, context)


async def test_others_have_their_turn_between_many_revisions(shop: Shop) -> None:
    shop.provider = provider = WatchedProvider()
    shop.api.items = [replica_set(OLD, name=f"cart-{index}") for index in range(LIMITS.revisions)]
    others = asyncio.create_task(provider.others())
    assert await shop.refusal(BACK) == NEVER_FRESH
    others.cancel()
    assert len(provider.turns) == LIMITS.revisions


async def test_without_a_cluster_there_is_no_history(shop: Shop) -> None:
    shop.objects = None
    assert await shop.refusal(BACK) == "there is no API server to ask what the workload ran before"


async def test_a_flood_is_cut_off(shop: Shop) -> None:
    decider = shop.world.decider(shop.world.settings(ALLOW), reader=shop.objects)
    shop.api.items = [replica_set(OLD)]
    decisions = [await decider.decide(question(BACK)) for _ in range(2 * LIMITS.namespace_burst)]
    assert said(decisions[-1]) == STALE
    assert len(shop.api.queries) < 2 * LIMITS.namespace_burst
