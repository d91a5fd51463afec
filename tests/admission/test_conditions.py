"""Conditions beside the gates: who is asked about what, and what follows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.admission.conditions import (
    BY_DIGEST,
    BY_REPOSITORY,
    READY,
    REFUSED,
    UNAVAILABLE,
    always,
    decided,
    decider,
    of_conditions,
    settings,
    telling,
)
from tests.admission.requests import SEEN, TAGGED, THIN, UNSEEN, deployment, pod, review, workload
from tests.admission.world import NOW, World, question, respond, said
from tests.harness.evidence import REPOSITORY, digest_of
from webhook.model.evidence import (
    EvidenceQuery,
    EvidenceResult,
    Lane,
)

BROKEN = "docker.io/library/UPPER"


@pytest.mark.parametrize(
    ("answer", "image", "action", "outcome"),
    [
        (telling("yes"), SEEN, "Block", "Pass ConditionMet,EvidenceSufficient"),
        (telling("no"), SEEN, "Block", "Fail ConditionNotMet"),
        (telling("no"), SEEN, "Warn", "Warn ConditionNotMet"),
        (telling(1), SEEN, "Block", "Fail ConditionUnknown"),
        (replace(telling("yes"), lane=Lane.ASSERTED), SEEN, "Block", "Fail ConditionUnknown"),
        (REFUSED, SEEN, "Block", "Fail ConditionUnknown"),
        (UNAVAILABLE, SEEN, "Block", "Fail EvidenceUnavailable"),
        (UNAVAILABLE, SEEN, "Warn", "Warn EvidenceUnavailable"),
        (telling("yes"), UNSEEN, "Block", "Fail EvidenceMissing"),
        (telling("no"), UNSEEN, "Warn", "Fail EvidenceMissing"),
        (telling("no"), UNSEEN, "Block", "Fail ConditionNotMet,EvidenceMissing"),
    ],
)
async def test_the_most_severe_of_gates_and_conditions_is_the_verdict(
    world: World, answer: EvidenceResult, image: str, action: str, outcome: str
) -> None:
    assert said(await decided(world, always(answer), image, condition={"action": action})) == outcome


async def test_conditions_speak_after_the_gates_in_their_order(world: World) -> None:
    second = {"name": "busy", "comparator": "not_equals", "expected": "no"}
    ruled = decider(world, always(telling("yes")), {}, second)
    decision = await ruled.decide(question(review(deployment(SEEN))))
    (entry,) = decision.images
    gates = [ruling.result.gate for ruling in entry.rulings]
    assert gates[0] == "execution-evidence"
    assert gates[-2:] == ["conditions/ready", "conditions/busy"]


async def test_a_condition_holds_in_its_environments_whether_a_gate_does_or_not(world: World) -> None:
    teller = always(telling("no"))
    ruled = decider(world, teller, {"environments": ["Canary"]})
    assert said(await ruled.decide(question(review(deployment(SEEN))))) == "Pass EvidenceSufficient"
    assert said(await ruled.decide(question(review(deployment(SEEN)), "staging"))) == "Pass EnvironmentNotRequired"
    assert teller.asked == []
    assert said(await ruled.decide(question(review(deployment(UNSEEN)), "canary"))) == "Fail ConditionNotMet"


async def test_the_facts_of_the_review_are_in_the_query(world: World) -> None:
    facts = ("imageDigest", "repository", "environment", "namespace", "kind", "name")
    bind = {"query": READY["query"] | {"params": {"fixed": 1}}, "bind": {f"x{fact}": fact for fact in facts}}
    teller = always(telling("yes"))
    await decided(world, teller, SEEN, condition=bind)
    params = {
        "fixed": 1,
        "ximageDigest": digest_of("seen"),
        "xrepository": REPOSITORY,
        "xenvironment": "production",
        "xnamespace": "shop",
        "xkind": "Deployment",
        "xname": "cart",
    }
    assert teller.asked == [EvidenceQuery("env", "get", params)]
    (context,) = teller.contexts
    assert (context.trigger_time, context.stage_id) == (NOW, "production")


async def test_a_tag_that_is_resolved_is_asked_about_by_its_digest(world: World) -> None:
    class Tags:
        async def resolve(self, repository: str, tag: str, pull: Any) -> str | None:  # noqa: ARG002 - the protocol's
            return digest_of("seen")

    ruled_by = settings(
        world,
        BY_DIGEST,
        stores={"registry": {"allow": ["registry.example.com/*"]}},
        PolicyGates={"ExecutionEvidence": {"Enabled": True, "TagPolicy": "Resolve"}},
    )
    teller = always(telling("yes"))
    decision = await world.decider(ruled_by, teller, Tags()).decide(question(review(deployment(TAGGED))))
    assert of_conditions(decision) == ["conditions/ready Pass ConditionMet"]
    assert [query.params for query in teller.asked] == [{"image_digest": digest_of("seen")}]


@pytest.mark.parametrize(
    ("image", "condition", "outcome", "asked"),
    [
        (TAGGED, {}, "Pass ConditionMet", 1),
        (TAGGED, BY_REPOSITORY, "Pass ConditionMet", 1),
        (TAGGED, BY_DIGEST, "Fail ImageNotPinned", 0),
        (BROKEN, {}, "Pass ConditionMet", 1),
        (BROKEN, BY_REPOSITORY, "Fail ImageReferenceInvalid", 0),
        (BROKEN, BY_DIGEST, "Fail ImageReferenceInvalid", 0),
    ],
)
async def test_what_is_not_known_of_an_image_is_not_asked_about(
    world: World, image: str, condition: Mapping[str, Any], outcome: str, asked: int
) -> None:
    teller = always(telling("yes"))
    decision = await decided(world, teller, image, condition=condition)
    assert of_conditions(decision) == [f"conditions/ready {outcome}"]
    assert len(teller.asked) == asked


async def test_an_object_without_a_name_has_no_name_to_ask_about(world: World) -> None:
    teller = always(telling("yes"))
    body = review(deployment(SEEN, metadata={}), name="")
    decision = await decider(world, teller, {"bind": {"name": "name"}}).decide(question(body))
    assert of_conditions(decision) == ["conditions/ready Fail ConditionUnknown"]
    assert teller.asked == []


async def test_an_object_that_cannot_be_read_meets_no_condition(world: World) -> None:
    ruled = decider(world, always(telling("yes")), {}, PolicyGates={"ExecutionEvidence": {"Enabled": False}})
    decision = await ruled.decide(question(review(workload("StatefulSet", pod(SEEN)))))
    assert said(decision) == "Fail WorkloadNotSupported"


async def test_exempt_images_and_unchanged_ones_are_not_asked_about(world: World) -> None:
    teller = always(telling("no"))
    ruled = decider(world, teller, {}, exemptImages=["docker.io/library/*"])
    exempt = review(deployment(f"docker.io/library/redis@{digest_of('redis')}"))
    assert said(await ruled.decide(question(exempt))) == "Pass ImageExempt"
    unchanged = review(deployment(SEEN), deployment(SEEN))
    assert said(await ruled.decide(question(unchanged))) == "Pass ImagesUnchanged"
    assert teller.asked == []


async def test_a_denial_for_want_of_an_answer_alone_may_be_tried_again(world: World) -> None:
    body = review(deployment(SEEN))
    decision = await decided(world, always(UNAVAILABLE), SEEN)
    assert respond(decision, body, settings(world, {}))["status"]["code"] == 503
    decision = await decided(world, always(REFUSED), SEEN)
    assert respond(decision, body, settings(world, {}))["status"]["code"] == 403


async def test_a_check_of_the_execution_evidence_can_be_a_condition(world: World) -> None:
    # 42 hot symbols were seen of one image, 1 of the other.
    condition = {
        "query": {"provider": "execution-evidence", "check": "hot_symbol_count"},
        "bind": {"image_digest": "imageDigest", "repository": "repository", "environment": "environment"},
        "comparator": "greater_than",
        "expected": 41,
    }
    decision = await decided(world, always(telling("yes")), SEEN, THIN, UNSEEN, condition=condition)
    assert of_conditions(decision) == [
        "conditions/ready Pass ConditionMet",
        "conditions/ready Fail ConditionNotMet",
        "conditions/ready Fail ConditionUnknown",
    ]


async def test_the_denial_says_which_condition_and_what_to_do(world: World) -> None:
    decision = await decided(world, always(telling("no")), SEEN)
    text = respond(decision, review(deployment(SEEN)), settings(world, {}))["status"]["message"]
    assert text.split("\n") == [
        "",
        "conditions/ready: Condition 'ready' is not met (env/get equals \"yes\")",
        f"  image: {SEEN} (container c0)",
        "  found: a value that does not meet it (ConditionNotMet)",
        "  next:  do what the condition asks for, then try again",
    ]
