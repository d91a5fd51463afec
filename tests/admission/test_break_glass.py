"""Past the gate in an emergency: group 10 of the cases, forged, expired, unauthorised, removed later."""

import json
import time
from typing import Any

import pytest

from tests.admission.glass import ADMIN, BROKEN, DENIED, EXPIRES, REASON, Glass, annotated, at, emergency
from tests.admission.providers import UNAVAILABLE, always
from tests.admission.requests import ALSO_UNSEEN, SEEN, UNSEEN, asking, body_of, deployment, pod, review
from tests.admission.world import said
from tests.support.statements import ABSENT, changed
from webhook.limits import LIMITS


async def test_who_may_is_let_past_the_gate_with_a_warning(glass: Glass) -> None:
    assert await glass.said(emergency(UNSEEN)) == BROKEN


async def test_the_question_is_who_makes_this_request_and_may_bypass_in_this_namespace(glass: Glass) -> None:
    await glass.decide(emergency(UNSEEN))
    assert glass.api.specs == [
        {
            "user": "root@example.com",
            "uid": "u-1",
            "groups": ["sre"],
            "extra": {"example.com/scope": ["all"]},
            "resourceAttributes": {
                "verb": "bypass",
                "group": "stella.ops",
                "resource": "executionevidencegates",
                "namespace": "shop",
            },
        }
    ]


NOT_NEEDED: list[tuple[str, bytes, str, str]] = [
    ("it passes", emergency(SEEN), "production", "Pass EvidenceSufficient"),
    ("nothing is new", emergency(UNSEEN, old=annotated(UNSEEN)), "production", "Pass ImagesUnchanged"),
    ("the environment is not required", emergency(UNSEEN), "staging", "Pass EnvironmentNotRequired"),
    ("it is only warned of", emergency(UNSEEN), "canary", "Warn EvidenceMissing"),
]


@pytest.mark.parametrize(("_name", "body", "environment", "expected"), NOT_NEEDED, ids=[row[0] for row in NOT_NEEDED])
async def test_nobody_is_asked_where_the_gate_admits_anyway(
    glass: Glass, _name: str, body: bytes, environment: str, expected: str
) -> None:
    glass.policy = {
        "RequiredEnvironments": ["production", "canary"],
        "Overrides": {"canary": {"MissingEvidenceAction": "Warn"}},
    }
    decision = await glass.decide(body, environment)
    assert (said(decision), decision.break_glass) == (expected, None)
    assert glass.api.specs == []


async def test_it_helps_where_evidence_is_unavailable(glass: Glass) -> None:
    glass.provider = always(UNAVAILABLE)
    assert await glass.said(emergency(UNSEEN)) == BROKEN


async def test_it_helps_where_evidence_never_comes(glass: Glass) -> None:
    glass.provider = always(None)
    began = time.monotonic()
    assert said(await glass.decide(emergency(UNSEEN), seconds=0.6)) == BROKEN
    assert time.monotonic() - began < 0.6


async def test_it_helps_where_the_object_cannot_be_read(glass: Glass) -> None:
    body = review(changed(annotated(UNSEEN), {"spec": {"template": None}}), userInfo=ADMIN)
    assert await glass.said(body) == BROKEN


EXPIRED = "it expired at"
BAD_REASON = "the annotation stella.ops/break-glass must give a reason, 1 to 200 printable characters"
BAD_TIME = "the annotation stella.ops/break-glass-expires must be an RFC 3339 time with a zone"
CLAIMS: list[tuple[str, dict[str, Any], str]] = [
    ("no reason", {REASON: ABSENT}, BAD_REASON),
    ("an empty reason", {REASON: ""}, BAD_REASON),
    ("a blank reason", {REASON: " \u00a0"}, BAD_REASON),
    ("a reason of two lines", {REASON: "a\nb"}, BAD_REASON),
    ("a reason that rules a terminal", {REASON: "a\x1b[2J"}, BAD_REASON),
    ("a reason that turns the line round", {REASON: "a\u202eb"}, BAD_REASON),
    ("a reason that is too long", {REASON: "a" * 201}, BAD_REASON),
    ("a reason that is no text", {REASON: True}, BAD_REASON),
    ("a reason that is null", {REASON: None}, BAD_REASON),
    ("no end", {EXPIRES: ABSENT}, BAD_TIME),
    ("an empty end", {EXPIRES: ""}, BAD_TIME),
    ("an end without a zone", {EXPIRES: at()[:-1]}, BAD_TIME),
    ("a date", {EXPIRES: "2026-11-25"}, BAD_TIME),
    ("a duration", {EXPIRES: "1h"}, BAD_TIME),
    ("never", {EXPIRES: "never"}, BAD_TIME),
    ("an end after it", {EXPIRES: f"{at()} "}, BAD_TIME),
    ("a day that does not exist", {EXPIRES: "2026-11-31T12:00:00Z"}, BAD_TIME),
    ("a number", {EXPIRES: 1795600000}, BAD_TIME),
    ("a list", {EXPIRES: [at()]}, BAD_TIME),
    ("an end beyond all years", {EXPIRES: "9999-12-31T23:59:59-23:59"}, BAD_TIME),
    ("expired", {EXPIRES: at(-1)}, EXPIRED),
    ("expiring now", {EXPIRES: at(0)}, EXPIRED),
    ("expired in another zone", {EXPIRES: "2026-11-24T13:00:00+02:00"}, EXPIRED),
    ("too far ahead", {EXPIRES: at(24, 1)}, "more than 24h ahead"),
    ("a year ahead", {EXPIRES: "2027-11-24T12:00:00Z"}, "more than 24h ahead"),
]


@pytest.mark.parametrize(("_name", "changes", "expected"), CLAIMS, ids=[row[0] for row in CLAIMS])
async def test_what_cannot_count_is_refused_without_asking_and_says_why(
    glass: Glass, _name: str, changes: dict[str, Any], expected: str
) -> None:
    assert expected in await glass.refusal(review(annotated(UNSEEN, notes=changes), userInfo=ADMIN))
    assert glass.api.specs == []


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("the longest reason", {REASON: "a" * 200}),
    ("a reason in any script", {REASON: "Stör\u00fcng \u2013 \u7d27\u6025"}),
    ("exactly as long as allowed", {EXPIRES: at(24)}),
    ("in a second", {EXPIRES: at(0, 1)}),
    ("in another zone", {EXPIRES: "2026-11-24T15:00:00+02:00"}),
]


@pytest.mark.parametrize(("_name", "changes"), GOOD, ids=[row[0] for row in GOOD])
async def test_what_keeps_to_the_rules_counts(glass: Glass, _name: str, changes: dict[str, Any]) -> None:
    assert await glass.said(review(annotated(UNSEEN, notes=changes), userInfo=ADMIN)) == BROKEN


async def test_the_longest_time_is_the_configuration_s(glass: Glass) -> None:
    glass.section = {"enabled": True, "maxDuration": "30m"}
    body = review(annotated(UNSEEN), userInfo=ADMIN)
    assert "more than 30m ahead" in await glass.refusal(body)


NO_CLAIM: list[tuple[str, Any, Any]] = [
    ("the old object alone has them", deployment(ALSO_UNSEEN), annotated(UNSEEN)),
    ("they were removed", annotated(ALSO_UNSEEN, notes={REASON: ABSENT, EXPIRES: ABSENT}), annotated(UNSEEN)),
    (
        "the pod template has them",
        changed(
            deployment(UNSEEN),
            {
                "spec": {
                    "template": {
                        "metadata": {"annotations": {REASON: "a", EXPIRES: at()}},
                        "spec": pod(UNSEEN),
                    }
                }
            },
        ),
        None,
    ),
    (
        "they are labels",
        deployment(UNSEEN, metadata={"name": "cart", "labels": {REASON: "a", EXPIRES: at()}}),
        None,
    ),
    (
        "another prefix",
        deployment(UNSEEN, metadata={"name": "cart", "annotations": {"stella.ops/break-glas": "a"}}),
        None,
    ),
    (
        "another case",
        deployment(UNSEEN, metadata={"annotations": {"stella.ops/Break-Glass": "a", EXPIRES: "x"}}),
        None,
    ),
    ("a container's variable", deployment(UNSEEN, metadata={"name": '"stella.ops/break-glass": "a"'}), None),
]


@pytest.mark.parametrize(("name", "new", "old"), NO_CLAIM, ids=[row[0] for row in NO_CLAIM])
async def test_only_annotations_of_the_new_object_itself_are_a_claim(
    glass: Glass, name: str, new: Any, old: Any
) -> None:
    decision = await glass.decide(review(new, old, userInfo=ADMIN))
    assert said(decision) == DENIED
    assert glass.api.specs == []
    assert (decision.break_glass is None) is (name != "another case")


async def test_a_scale_keeps_no_annotations_and_claims_nothing(glass: Glass) -> None:
    item = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": annotated(UNSEEN)["metadata"]}
    where = {"group": "apps", "version": "v1", "resource": "deployments"}
    new, old = (item | {"spec": {"replicas": number}} for number in (2, 0))
    body = review(new, old, subResource="scale", resource=where, userInfo=ADMIN)
    decision = await glass.decide(body)
    assert (decision.verdict.value, decision.break_glass) == ("Fail", None)
    assert glass.api.specs == []


async def test_an_annotation_that_an_administrator_left_does_not_help_a_developer(glass: Glass) -> None:
    old = annotated(UNSEEN)
    assert await glass.said(review(annotated(UNSEEN), userInfo=ADMIN)) == BROKEN
    body = review(annotated(ALSO_UNSEEN), old)
    assert (
        await glass.refusal(body)
        == "the right to bypass executionevidencegates.stella.ops in this namespace is missing"
    )
    assert glass.api.specs[-1]["user"] == "ada@example.com"


async def test_a_controller_that_copies_the_annotations_is_asked_about_itself(glass: Glass) -> None:
    who = "system:serviceaccount:kube-system:replicaset-controller"
    body = review(annotated(UNSEEN, kind="Pod"), userInfo={"username": who, "groups": ["system:serviceaccounts"]})
    assert "is missing" in await glass.refusal(body)
    assert (glass.api.specs[0]["user"], glass.api.specs[0]["groups"]) == (who, ["system:serviceaccounts"])


async def test_what_runs_goes_on_after_the_end_and_the_next_image_is_evaluated(glass: Glass) -> None:
    late = annotated(UNSEEN, notes={EXPIRES: at(-1)})
    assert await glass.said(review(changed(late, {"spec": late["spec"] | {"replicas": 5}}), late)) == (
        "Pass ImagesUnchanged"
    )
    changed_image = annotated(ALSO_UNSEEN, notes={EXPIRES: at(-1)})
    assert EXPIRED in await glass.refusal(review(changed_image, late, userInfo=ADMIN))


async def test_a_right_that_is_taken_back_ends_at_once(glass: Glass) -> None:
    assert await glass.said(emergency(UNSEEN)) == BROKEN
    glass.api.allowed.clear()
    assert await glass.said(emergency(UNSEEN)) == DENIED


@pytest.mark.parametrize("user", [{}, {"username": ""}, {"groups": ["system:masters"]}])
async def test_a_request_without_a_user_is_nobodys(glass: Glass, user: dict[str, Any]) -> None:
    assert "no user" in await glass.refusal(review(annotated(UNSEEN), userInfo=user))


async def test_a_request_without_a_namespace_is_not_asked_about_in_all(glass: Glass) -> None:
    assert "no namespace" in await glass.refusal(emergency(UNSEEN, namespace=""))
    assert glass.api.specs == []


ODD: list[tuple[str, dict[str, Any]]] = [
    ("groups of numbers", {"userInfo": ADMIN | {"groups": [1]}}),
    ("groups in one text", {"userInfo": ADMIN | {"groups": "sre"}}),
    ("too many groups", {"userInfo": ADMIN | {"groups": ["g"] * (LIMITS.requester_groups + 1)}}),
    ("an odd extra", {"userInfo": ADMIN | {"extra": {"a": "b"}}}),
]


@pytest.mark.parametrize(("_name", "changes"), ODD, ids=[row[0] for row in ODD])
async def test_a_user_who_cannot_be_read_is_not_asked_about(
    glass: Glass, _name: str, changes: dict[str, Any]
) -> None:
    assert await glass.said(review(annotated(UNSEEN), **changes)) == DENIED
    assert glass.api.specs == []


async def test_of_an_annotation_that_stands_twice_the_last_one_counts(glass: Glass) -> None:
    text = emergency(UNSEEN).decode()
    double = text.replace(f'"{EXPIRES}": ', f'"{EXPIRES}": "{at()}", "{EXPIRES}": ').replace(
        f'"{at()}"}}', f'"{at(-1)}"}}'
    )
    assert json.loads(double) != json.loads(text)
    assert EXPIRED in await glass.refusal(double.encode())


@pytest.mark.parametrize("annotations", [[], "stella.ops/break-glass", 7])
async def test_annotations_that_are_none_claim_nothing(glass: Glass, annotations: Any) -> None:
    metadata = {"name": "cart", "annotations": annotations, "other": {REASON: "a", EXPIRES: at()}}
    body = body_of(asking(deployment(UNSEEN, metadata=metadata), userInfo=ADMIN))
    assert await glass.said(body) == DENIED
    assert glass.api.specs == []
