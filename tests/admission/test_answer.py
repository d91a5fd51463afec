"""The fields of the answer that programs read: allowed, status, causes, audit annotations."""

import json
import re
from typing import Any

import pytest

from tests.admission.requests import (
    ALSO_SEEN,
    SEEN,
    STRANGER,
    THIN,
    UNSEEN,
    containers,
    deployment,
    pod,
    review,
    workload,
)
from tests.admission.world import World
from tests.support.deadline import at_most
from webhook.admission.answer import build_response
from webhook.admission.decision import Decision
from webhook.limits import LIMITS
from webhook.model.gate import Verdict

WARN = {"MissingEvidenceAction": "Warn"}


@pytest.mark.parametrize(
    ("image", "policy", "allowed", "members"),
    [
        (SEEN, {}, True, {"uid", "allowed", "auditAnnotations"}),
        (UNSEEN, WARN, True, {"uid", "allowed", "auditAnnotations", "warnings"}),
        (UNSEEN, {}, False, {"uid", "allowed", "auditAnnotations", "status"}),
        (THIN, WARN, False, {"uid", "allowed", "auditAnnotations", "status"}),
    ],
)
async def test_a_verdict_has_its_members(
    world: World, image: str, policy: dict[str, Any], allowed: object, members: set[str]
) -> None:
    answer = await world.answer(review(deployment(image)), settings=world.settings(policy))
    assert answer["allowed"] is allowed
    assert set(answer) == members


async def test_the_answer_is_an_admission_review_about_the_same_request(world: World) -> None:
    settings = world.settings()
    decision = await world.decide(review(deployment(SEEN)), settings=settings)
    content = build_response("a-uid", decision, "sha256:0", settings)
    assert (content["apiVersion"], content["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert content["response"]["uid"] == "a-uid"
    assert set(content) == {"apiVersion", "kind", "response"}


async def test_a_denial_is_a_status_of_the_api(world: World) -> None:
    status = (await world.answer(review(deployment(UNSEEN))))["status"]
    assert (status["status"], status["code"], status["reason"]) == ("Failure", 403, "Forbidden")
    assert status["details"]["causes"] == [
        {
            "reason": "EvidenceMissing",
            "message": "No execution evidence found for this artifact in required environment",
            "field": "spec.template.spec.containers[0].image",
        }
    ]


async def test_an_answer_does_not_grow_with_images_times_gates(world: World) -> None:
    # Each of some hundred images is refused by each of 64 conditions: five megabytes, and 0.4 s on the loop.
    settings = world.settings()
    (entry,) = (await world.decide(review(deployment(UNSEEN)), settings=settings)).images
    decision = Decision("production", (entry._replace(rulings=entry.rulings * 64),) * 512)
    with at_most(0.2):
        status = build_response("a-uid", decision, "sha256:0", settings)["response"]["status"]
    assert len(status["details"]["causes"]) == LIMITS.containers
    assert status["message"].endswith("and more; see the audit log")


async def test_only_what_is_denied_is_a_cause(world: World) -> None:
    spec = pod(SEEN, THIN, UNSEEN, initContainers=containers(THIN))
    answer = await world.answer(review(workload("Deployment", spec)), settings=world.settings(WARN))
    causes = [(cause["reason"], cause["field"]) for cause in answer["status"]["details"]["causes"]]
    assert causes == [
        ("EvidenceInsufficient", "spec.template.spec.containers[1].image"),
        ("EvidenceInsufficient", "spec.template.spec.initContainers[0].image"),
    ]


async def test_what_cannot_be_read_has_no_cause_in_a_field(world: World) -> None:
    status = (await world.answer(review(deployment(7))))["status"]
    assert status["details"]["causes"] == []


async def test_audit_annotations_tell_verdict_reasons_images_and_record(world: World) -> None:
    settings, body = world.settings(), review(deployment(SEEN, UNSEEN, STRANGER))
    answer = await world.answer(body, settings=settings)
    assert answer["auditAnnotations"] == {
        "verdict": "Fail",
        "reasons": "EvidenceMissing,EvidenceUntrusted",
        "images": f"{SEEN}=EvidenceSufficient,{UNSEEN}=EvidenceMissing,{STRANGER}=EvidenceUntrusted",
        "decision": (await world.record(body, settings=settings)).digest,
    }


async def test_an_exempt_image_is_in_the_audit_annotations(world: World) -> None:
    answer = await world.answer(
        review(deployment("redis:7", SEEN)), settings=world.settings(exemptImages=["docker.io/library/redis"])
    )
    assert answer["auditAnnotations"]["images"] == f"redis:7=ImageExempt,{SEEN}=EvidenceSufficient"


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_audit_annotations_stand_on_every_answer(world: World, environment: str) -> None:
    answer = await world.answer(review(deployment(UNSEEN), deployment(UNSEEN)), environment)
    annotations = answer["auditAnnotations"]
    assert annotations["verdict"] == "Pass"
    assert annotations["images"] == ""
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", annotations["decision"])


# The API server puts the webhook's name and a slash before each key, and wants a qualified name.
async def test_audit_annotation_keys_are_qualified_names(world: World) -> None:
    answer = await world.answer(review(deployment(UNSEEN)))
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,61}[A-Za-z0-9]", key) for key in answer["auditAnnotations"])


@pytest.mark.parametrize("action", ["Warn", "Block"])
@pytest.mark.parametrize(
    "image",
    [
        f"{STRANGER}=EvidenceSufficient,{ALSO_SEEN}",
        f"x,{STRANGER}=EvidenceSufficient",
        "a=EvidenceSufficient,b=ImageExempt,c",
    ],
)
async def test_an_image_cannot_write_a_second_entry_into_the_audit_log(world: World, image: str, action: str) -> None:
    answer = await world.answer(review(deployment(image)), settings=world.settings({"MissingEvidenceAction": action}))
    entries = answer["auditAnnotations"]["images"].split(",")
    assert len(entries) == 1
    assert entries[0].endswith("=ImageReferenceInvalid")


@pytest.mark.parametrize("count", [1, 40, 512])
async def test_audit_annotations_have_a_bound(world: World, count: int) -> None:
    images = [f"registry.example.com/{'a' * 200}/cart@sha256:{index:064x}" for index in range(count)]
    annotations = (await world.answer(review(deployment(*images))))["auditAnnotations"]
    assert all(len(value) <= 4096 for value in annotations.values())
    assert annotations["images"].startswith(f"{images[0]}=EvidenceMissing")


HOSTILE = "evil\x1b[2J\x1b]0;owned\x07\r\nexecution-evidence: all is well\u2028\u202e\u200b\x00\x9b31m"


@pytest.mark.parametrize("action", ["Warn", "Block"])
@pytest.mark.parametrize("place", ["image", "container", "kind", "group", "name", "user", "namespace"])
async def test_nothing_foreign_reaches_a_terminal_as_it_is(world: World, place: str, action: str) -> None:
    bodies = {
        "image": review(deployment(HOSTILE)),
        "container": review(workload("Deployment", {"containers": [{"name": HOSTILE, "image": UNSEEN}]})),
        "kind": review(deployment(SEEN), kind={"group": "apps", "version": "v1", "kind": HOSTILE}),
        "group": review(deployment(SEEN), kind={"group": HOSTILE, "version": HOSTILE, "kind": "Deployment"}),
        "name": review(deployment(UNSEEN), name=HOSTILE),
        "user": review(deployment(UNSEEN), userInfo={"username": HOSTILE}),
        "namespace": review(deployment(UNSEEN), namespace=HOSTILE),
    }
    settings = world.settings({"MissingEvidenceAction": action})
    answer = await world.answer(bodies[place], settings=settings)
    texts = [*answer.get("warnings", []), *answer["auditAnnotations"].values()]
    texts += answer.get("status", {}).get("message", "").split("\n")
    texts += [
        text for cause in answer.get("status", {}).get("details", {}).get("causes", []) for text in cause.values()
    ]
    assert texts
    assert [text for text in texts if not text.isprintable()] == []
    assert "execution-evidence: all is well" not in texts


async def test_a_name_of_a_file_in_the_store_does_not_reach_a_terminal_as_it_is(world: World) -> None:
    settings = world.settings()
    evidence = world.folder / "evidence"
    hostile = evidence / "stranger\x1b[31m\nexecution-evidence: all is well.json"
    hostile.write_bytes((evidence / "stranger.json").read_bytes())
    try:
        await world.stores[0].refresh()  # type: ignore[attr-defined]  # a directory store
        for image in (STRANGER,):
            message = (await world.answer(review(deployment(image)), settings=settings))["status"]["message"]
            assert [line for line in message.split("\n") if not line.isprintable()] == []
    finally:
        hostile.unlink()
        await world.stores[0].refresh()  # type: ignore[attr-defined]  # as above


async def test_every_verdict_can_be_written_as_json(world: World) -> None:
    for image in (SEEN, UNSEEN, HOSTILE):
        assert json.loads(json.dumps(await world.answer(review(deployment(image)))))


def test_the_enumeration_of_verdicts_is_closed() -> None:
    assert [verdict.value for verdict in Verdict] == ["Pass", "Warn", "Fail"]
