"""How providers are asked for conditions: how often, how long, and what becomes of their failures and values."""

import asyncio
import json
import operator
import time
from typing import Any

import pytest

from tests.admission.conditions import (
    BY_DIGEST,
    READY,
    Teller,
    always,
    decided,
    decider,
    of_conditions,
    settings,
    telling,
)
from tests.admission.requests import ALSO_SEEN, SEEN, THIN, deployment, review
from tests.admission.world import NOW, World, question, respond, said
from tests.harness.evidence import REPOSITORY, digest_of
from tests.providers.asking import context
from webhook.admission.answer import Advice, denial_text, warning_texts
from webhook.admission.condition_ruler import ConditionRuler
from webhook.admission.decide import Decider
from webhook.admission.record import record_decision
from webhook.admission.review import decode_review
from webhook.admission.ruler import Asking, Subject
from webhook.gates.comparators import Comparator
from webhook.gates.conditions import Condition
from webhook.limits import LIMITS
from webhook.model.disclosure import Disclosure
from webhook.model.evidence import EvidenceQuery, EvidenceResult, EvidenceValue
from webhook.model.evidence_hash import hash_value
from webhook.model.gate import Verdict
from webhook.reasons import ReasonCode
from webhook.server.providers import build_providers


async def test_equal_queries_of_a_review_are_asked_once_also_at_the_same_time(world: World) -> None:
    teller = always(telling("yes"))
    teller.open.clear()
    # Two conditions on one query, over three images; the gates' answers let all of them begin before one ends.
    ruled = decider(world, teller, {}, {"comparator": "not_equals", "expected": "no"})
    work = asyncio.create_task(ruled.decide(question(review(deployment(SEEN, ALSO_SEEN, THIN)))))
    for _ in range(100):
        await asyncio.sleep(0)
    teller.open.set()
    assert len(of_conditions(await work)) == 6
    assert len(teller.asked) == 1
    await ruled.decide(question(review(deployment(SEEN))))
    assert len(teller.asked) == 2


async def test_queries_that_differ_are_asked_apart(world: World) -> None:
    names = {digest_of("seen"): "yes", digest_of("also seen"): "no"}
    teller = Teller(lambda query: telling(names[query.params["image_digest"]]))
    decision = await decided(world, teller, SEEN, ALSO_SEEN, condition=BY_DIGEST)
    assert of_conditions(decision) == ["conditions/ready Pass ConditionMet", "conditions/ready Fail ConditionNotMet"]


async def test_an_answer_that_images_share_is_weighed_once_for_each_condition(world: World) -> None:
    # Hundreds of images may share it, and what a condition makes of it may take milliseconds.
    conditions = [{}, {"expected": "no"}]
    decision = await decider(world, always(telling("yes")), *conditions).decide(
        question(review(deployment(SEEN, ALSO_SEEN)))
    )
    one, other = (entry.rulings[1:] for entry in decision.images)
    assert [ruling.result.result for ruling in one] == [Verdict.PASS, Verdict.FAIL]
    assert all(map(operator.is_, one, other))


@pytest.mark.parametrize(
    "other", [EvidenceQuery("one", "set"), EvidenceQuery("two", "get")], ids=["check", "provider"]
)
async def test_nobody_takes_the_answer_of_another_provider_or_check(other: EvidenceQuery) -> None:
    # The params are the same: else a provider's word would pass for another's.
    first = EvidenceQuery("one", "get")
    asking = Asking("production", context(), "Deployment", "cart", time.monotonic() + 10, {})
    said = []
    for query in (first, other):
        teller = Teller(lambda asked: telling("yes" if asked == first else "no"))
        condition = Condition("ready", ("production",), query, Comparator.EQUALS, "yes")
        said.append((await ConditionRuler(condition, Disclosure(), teller).rule(Subject(None, None), asking)).result)
    assert [result.result for result in said] == [Verdict.PASS, Verdict.FAIL]


@pytest.mark.parametrize("bind", [{}, BY_DIGEST], ids=["shared", "apart"])
async def test_a_review_shows_values_up_to_a_bound_and_hashes_beyond(world: World, bind: dict[str, Any]) -> None:
    # 512 images, eight conditions and values of 60 kB were a record of 248 MB.
    value, images = "x" * 60_000, [f"{REPOSITORY}@sha256:{index:064x}" for index in range(100)]
    ruled = decider(world, always(telling(value)), bind)
    decision = await ruled.decide(question(review(deployment(*images))))
    shown = [entry.rulings[1].evidence for entry in decision.images]
    whole = sum(evidence is not None and evidence.value is not None for evidence in shown)
    assert 65 <= whole <= LIMITS.shown_bytes // len(value) == 69
    assert {evidence and evidence.evidence_hash for evidence in shown} == {hash_value(EvidenceValue("json", value))}
    assert {entry.rulings[1].result.reason for entry in decision.images} == {ReasonCode.CONDITION_NOT_MET}


async def test_params_that_are_equal_in_python_alone_are_not_equal(world: World) -> None:
    teller = Teller(lambda query: telling("yes" if query.params["flag"] is True else "no"))
    conditions = [{"query": READY["query"] | {"params": {"flag": flag}}} for flag in (True, 1)]
    decision = await decider(world, teller, *conditions).decide(question(review(deployment(SEEN))))
    assert of_conditions(decision) == ["conditions/ready Pass ConditionMet", "conditions/ready1 Fail ConditionNotMet"]


@pytest.mark.parametrize(
    ("action", "outcome"), [("Block", "Fail EvidenceUnavailable"), ("Warn", "Warn EvidenceUnavailable")]
)
async def test_a_provider_that_is_too_slow_takes_no_gates_word_along(world: World, action: str, outcome: str) -> None:
    teller = always(telling("yes"))
    teller.open.clear()
    ruled = decider(world, teller, {"action": action})
    begin = time.monotonic()
    decision = await ruled.decide(question(review(deployment(SEEN)), seconds=0.4))
    assert time.monotonic() - begin < 2
    assert said(decision) == outcome
    (entry,) = decision.images
    assert entry.rulings[0].result.reason is ReasonCode.EVIDENCE_SUFFICIENT
    assert entry.rulings[-1].found == "no answer in time"
    assert entry.rulings[-1].evidence is None


async def test_an_exception_is_nobodys_answer(world: World) -> None:
    def fail(_: EvidenceQuery) -> EvidenceResult:
        raise RuntimeError("a bug")

    def be_late(_: EvidenceQuery) -> EvidenceResult:
        raise TimeoutError

    for teller in (Teller(fail), Teller(be_late)):
        with pytest.raises((RuntimeError, TimeoutError)):
            await decided(world, teller, SEEN)


async def test_a_condition_elsewhere_has_no_say_where_nothing_could_be_found_out(world: World) -> None:
    ruled = decider(world, always(telling("yes")), {}, PolicyGates={"ExecutionEvidence": {"Enabled": False}})
    assert ruled.unavailable("production", "a bug").verdict is Verdict.FAIL
    assert ruled.unavailable("staging", "a bug").verdict is Verdict.WARN


async def test_without_its_provider_a_condition_is_unknown(world: World) -> None:
    ruled_by = settings(world, {})
    providers = build_providers(ruled_by, world.stores)
    del providers["env"]
    decision = await Decider(ruled_by, providers).decide(question(review(deployment(SEEN))))
    assert of_conditions(decision) == ["conditions/ready Fail ConditionUnknown"]
    assert decision.images[0].rulings[-1].found == "no provider has this id"


MARKER = "Marker-7f3a"


@pytest.mark.parametrize(
    "disclosure",
    [
        {},
        {"allowRawValues": True},
        {"allowRawValues": False, "requireProviderOptIn": False},
    ],
)
@pytest.mark.parametrize("action", ["Block", "Warn"])
@pytest.mark.parametrize(
    "comparison",
    [
        {"expected": "other"},
        {"expected": 1},
        {"comparator": "contains", "expected": "zz"},
        {"comparator": "not_equals", "expected": "other"},
    ],
)
async def test_what_may_not_be_shown_is_nowhere(
    world: World, disclosure: dict[str, Any], action: str, comparison: dict[str, Any]
) -> None:
    body = review(deployment(SEEN))
    ruled_by = settings(world, comparison | {"action": action}, disclosure=disclosure)
    decision = await world.decider(ruled_by, always(telling(MARKER))).decide(question(body))
    record = record_decision(decision, decode_review(body), ruled_by, NOW)
    advice = Advice.of(ruled_by, "production")
    texts = [
        json.dumps(respond(decision, body, ruled_by)),
        record.content.decode(),
        denial_text(decision, advice),
        *warning_texts(decision, advice),
        *[result.message for result in decision.results],
    ]
    assert not any(MARKER in text for text in texts)
    assert hash_value(EvidenceValue("json", MARKER)).value in record.content.decode()


async def test_what_may_be_shown_is_in_the_ruling(world: World) -> None:
    open_to_all = {"allowRawValues": True, "requireProviderOptIn": False}
    ruled = decider(world, always(telling(MARKER)), {}, disclosure=open_to_all)
    decision = await ruled.decide(question(review(deployment(SEEN))))
    assert decision.images[0].rulings[-1].evidence == telling(MARKER)
