"""A provider that fails, hangs, raises or talks nonsense: unknown is never a pass."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.admission.providers import GOOD, UNAVAILABLE, ScriptedProvider, always, metadata
from tests.admission.requests import ALSO_SEEN, ALSO_UNSEEN, SEEN, TAGGED, THIN, UNSEEN, deployment, review
from tests.admission.world import NOW, World, question, respond, said
from webhook.admission import gate_ruler
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceProblem, EvidenceResult, EvidenceValue
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.providers.protocol import EvidenceProvider
from webhook.stores.directory import DirectoryStore

ACTIONS = [
    ({"MissingEvidenceAction": "Block"}, "Fail"),
    ({"MissingEvidenceAction": "Warn"}, "Warn"),
    ({"MissingEvidenceAction": "Block", "UnavailableEvidenceAction": "Warn"}, "Warn"),
    ({"MissingEvidenceAction": "Warn", "UnavailableEvidenceAction": "Block"}, "Fail"),
    (
        {"MissingEvidenceAction": "Block", "Overrides": {"PRODUCTION": {"UnavailableEvidenceAction": "Warn"}}},
        "Warn",
    ),
]
FAILURES: dict[str, EvidenceResult] = {
    "unavailable": UNAVAILABLE,
    "an empty answer": EvidenceResult(),
    "a refusal": EvidenceResult(error=EvidenceProblem("params_invalid", "params are …")),
    "an error beside a value": EvidenceResult(
        value=EvidenceValue("json", GOOD), error=EvidenceProblem("evidence_unavailable", "half an answer")
    ),
}


async def outcome(world: World, provider: EvidenceProvider, body: bytes, **policy: Any) -> str:
    return said(await world.decider(world.settings(policy), provider).decide(question(body)))


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("policy", "verdict"), ACTIONS)
async def test_a_failing_provider_is_unavailable_by_policy(
    world: World, failure: str, policy: dict[str, Any], verdict: str
) -> None:
    provider = always(FAILURES[failure])
    assert await outcome(world, provider, review(deployment(SEEN)), **policy) == f"{verdict} EvidenceUnavailable"


async def test_a_store_that_cannot_be_read_is_not_an_empty_one(world: World) -> None:
    settings = world.settings(stores={"directory": {"path": "nowhere"}})
    store = DirectoryStore(world.folder / "nowhere")
    await store.refresh()
    broken = ExecutionEvidenceProvider(settings, [store])
    assert await outcome(world, broken, review(deployment(UNSEEN))) == "Fail EvidenceUnavailable"
    beside = ExecutionEvidenceProvider(settings, [store, *world.stores])
    assert await outcome(world, beside, review(deployment(SEEN))) == "Pass EvidenceSufficient"
    assert await outcome(world, beside, review(deployment(THIN))) == "Fail EvidenceUnavailable"
    assert await outcome(world, beside, review(deployment(UNSEEN))) == "Fail EvidenceUnavailable"


@pytest.mark.parametrize(("policy", "verdict"), ACTIONS)
async def test_a_provider_that_hangs_is_unavailable_within_the_deadline(
    world: World, policy: dict[str, Any], verdict: str
) -> None:
    body = review(deployment(SEEN))
    begun = time.monotonic()
    decider = world.decider(world.settings(policy), always(None))
    decision = await decider.decide(question(body, seconds=0.05))
    assert time.monotonic() - begun < 1
    assert said(decision) == f"{verdict} EvidenceUnavailable"
    assert decision.images[0].found == "no answer from the evidence stores within the deadline"


async def test_what_is_known_by_the_deadline_stays_known(world: World) -> None:
    provider = ScriptedProvider({"seen": metadata(GOOD), "unseen": None, "also seen": metadata(GOOD)})
    body = review(deployment(SEEN, TAGGED, UNSEEN, ALSO_SEEN))
    decision = await world.decider(world.settings(), provider).decide(question(body, seconds=0.05))
    assert [(entry.image.text, entry.result.reason.value) for entry in decision.images] == [
        (SEEN, "EvidenceSufficient"),
        (TAGGED, "ImageNotPinned"),
        (UNSEEN, "EvidenceUnavailable"),
        (ALSO_SEEN, "EvidenceSufficient"),
    ]


async def test_a_deadline_that_has_passed_already_leaves_no_pass(world: World) -> None:
    decider = world.decider(world.settings(), always(None))
    decision = await asyncio.wait_for(decider.decide(question(review(deployment(SEEN)), seconds=-1)), 1)
    assert said(decision) == "Fail EvidenceUnavailable"


async def test_all_images_share_one_deadline(world: World) -> None:
    images = [f"registry.example.com/shop/cart@sha256:{index:064x}" for index in range(64)]
    begun = time.monotonic()
    decision = await world.decider(world.settings(), always(None)).decide(
        question(review(deployment(*images)), seconds=0.05)
    )
    assert time.monotonic() - begun < 1
    assert len(decision.images) == 64
    assert said(decision) == "Fail EvidenceUnavailable"


async def test_a_time_out_inside_a_provider_is_no_passed_deadline(world: World) -> None:
    # TimeoutError is also what a socket raises: an unexpected exception like any other, and the deadline is far away.
    provider = ScriptedProvider({"unseen": TimeoutError("connect timed out"), "seen": metadata(GOOD)})
    with pytest.raises(TimeoutError, match="connect timed out"):
        await outcome(world, provider, review(deployment(UNSEEN, SEEN)))


CODES: list[tuple[tuple[str, ...], int, str]] = [
    ((UNSEEN,), 503, "ServiceUnavailable"),
    ((UNSEEN, SEEN), 503, "ServiceUnavailable"),
    ((UNSEEN, ALSO_UNSEEN), 503, "ServiceUnavailable"),
    ((UNSEEN, TAGGED), 403, "Forbidden"),
    ((TAGGED, SEEN), 403, "Forbidden"),
    ((UNSEEN, THIN), 403, "Forbidden"),
]


@pytest.mark.parametrize(("images", "code", "reason"), CODES)
async def test_a_denial_can_be_retried_only_if_nothing_else_speaks_against_it(
    world: World, images: tuple[str, ...], code: int, reason: str
) -> None:
    thin = GOOD | {"execution_evidence_hot_symbol_count": "1", "execution_evidence_reason": "EvidenceInsufficient"}
    provider = ScriptedProvider({"seen": metadata(GOOD), "thin": metadata(thin)}, otherwise=UNAVAILABLE)
    settings, body = world.settings(), review(deployment(*images))
    decision = await world.decider(settings, provider).decide(question(body))
    status = respond(decision, body, settings)["status"]
    assert (status["code"], status["reason"]) == (code, reason)


async def test_what_is_asked_is_the_image_on_behalf_of_the_request(world: World) -> None:
    provider = always(metadata(GOOD))
    await world.decider(world.settings(), provider).decide(
        question(review(deployment(SEEN), uid="a-uid"), "Production")
    )
    repository, digest = SEEN.split("@")
    assert provider.asked == [{"image_digest": digest, "repository": repository, "environment": "Production"}]
    context = provider.contexts[0]
    assert (context.run_id, context.trigger_id, context.correlation_id) == ("a-uid", "a-uid", "a-uid")
    assert (context.stage_id, context.trigger_time) == ("Production", NOW)
    assert context.tenant_id >= 1
    assert context.namespace_id >= 1


async def test_an_image_in_two_containers_is_asked_for_once(world: World) -> None:
    provider = always(metadata(GOOD))
    await world.decider(world.settings(), provider).decide(question(review(deployment(SEEN, SEEN, SEEN))))
    assert len(provider.asked) == 1


@pytest.mark.parametrize("image", ["redis", "A B", "redis:7"])
async def test_nobody_is_asked_about_an_image_that_cannot_be_looked_up(world: World, image: str) -> None:
    provider = always(metadata(GOOD))
    await outcome(world, provider, review(deployment(image)))
    await outcome(world, provider, review(deployment(image)), Enabled=False)
    assert provider.asked == []


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


NOT_A_PASS: dict[str, dict[str, Any]] = {
    "no word about evidence": without("has_execution_evidence"),
    "another word for true": GOOD | {"has_execution_evidence": "True"},
    "false, whatever the counts": GOOD | {"has_execution_evidence": "false"},
    "no count": without("execution_evidence_hot_symbol_count"),
    "a negative count": GOOD | {"execution_evidence_hot_symbol_count": "-42"},
    "a count beyond 2^63": GOOD | {"execution_evidence_hot_symbol_count": str(2**63)},
    "a count in words": GOOD | {"execution_evidence_unique_call_paths": "many"},
    "a float": GOOD | {"execution_evidence_unique_call_paths": "17.0"},
    "NaN": GOOD | {"execution_evidence_unique_call_paths": "NaN"},
}


@pytest.mark.parametrize("case", NOT_A_PASS)
@pytest.mark.parametrize("action", ["Block", "Warn"])
async def test_metadata_that_do_not_say_enough_never_pass(world: World, case: str, action: str) -> None:
    provider = always(metadata(NOT_A_PASS[case]))
    result = await outcome(world, provider, review(deployment(SEEN)), MissingEvidenceAction=action)
    assert not result.startswith("Pass")


async def test_equal_answers_are_ruled_on_by_their_content_not_by_their_place_in_memory(world: World) -> None:
    settings = world.settings()
    script = ScriptedProvider({"seen": metadata(GOOD)})
    decider = world.decider(settings, script)
    assert said(await decider.decide(question(review(deployment(SEEN))))) == "Pass EvidenceSufficient"
    script._script[SEEN.split("@")[1]] = metadata(GOOD | {"execution_evidence_hot_symbol_count": "1"})
    assert said(await decider.decide(question(review(deployment(SEEN))))) == "Fail EvidenceInsufficient"


async def test_one_answer_is_ruled_on_for_each_environment_apart(world: World) -> None:
    overrides = {"canary": {"MinHotSymbolCount": 43}}
    settings = world.settings({"RequiredEnvironments": ["production", "canary"], "Overrides": overrides})
    decider = world.decider(settings, always(metadata(GOOD)))
    body = review(deployment(SEEN))
    for _ in range(2):
        assert said(await decider.decide(question(body, "production"))) == "Pass EvidenceSufficient"
        assert said(await decider.decide(question(body, "canary"))) == "Fail EvidenceInsufficient"


async def test_the_memory_of_rulings_has_a_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_ruler, "LIMITS", replace(LIMITS, answers_at_hand=3))
    decider = world.decider(world.settings(), always(metadata(dict(GOOD))))
    for number in range(10):
        image = f"registry.example.com/shop/{number}@{SEEN.partition('@')[2]}"
        assert said(await decider.decide(question(review(deployment(image))))) == "Pass EvidenceSufficient"
    assert len(decider._panel.gates[0]._rulings) == 3


async def test_rulings_on_troubles_are_not_kept(world: World) -> None:
    # During an outage each answer is a new one that can never serve again.
    decider = world.decider(world.settings(), always(UNAVAILABLE))
    for _ in range(10):
        assert said(await decider.decide(question(review(deployment(SEEN))))) == "Fail EvidenceUnavailable"
    assert decider._panel.gates[0]._rulings == {}
