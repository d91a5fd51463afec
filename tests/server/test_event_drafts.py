"""The Event of a decision: type, reason, note, and the object that it is about."""

from typing import Any

import pytest

from tests.admission.providers import UNAVAILABLE, always
from tests.admission.requests import (
    SEEN,
    TAGGED,
    UNSEEN,
    deployment,
    pod,
    review,
    workload,
)
from tests.admission.world import World, question
from tests.support.statements import ABSENT
from webhook.admission.review import decode_review
from webhook.kube.events import EventDraft
from webhook.server.traces import event_draft

HOSTILE = "evil\x1b[2J\r\n\u2028\u202e\u20ac"
WARN = {"MissingEvidenceAction": "Warn"}
DIGEST = "sha256:" + "d" * 64


async def draft(world: World, body: bytes, policy: dict[str, Any] | None = None, **sections: Any) -> EventDraft:
    decision = await world.decide(body, settings=world.settings(policy, **sections))
    return event_draft(decision, decode_review(body), DIGEST)


EVENTS: list[tuple[str, bytes, dict[str, Any], tuple[str, str, str]]] = [
    ("admitted", review(deployment(SEEN)), {}, ("Normal", "EvidenceSufficient", "Admitted")),
    ("warned", review(deployment(UNSEEN)), WARN, ("Warning", "EvidenceMissing", "AdmittedWithWarning")),
    ("denied", review(deployment(UNSEEN)), {}, ("Warning", "EvidenceMissing", "Denied")),
    ("denied for two reasons", review(deployment(TAGGED, UNSEEN)), {}, ("Warning", "EvidenceMissing", "Denied")),
    ("unreadable", review(deployment(7)), {}, ("Warning", "WorkloadNotSupported", "Denied")),
    ("unreadable, warned", review(deployment(7)), WARN, ("Warning", "WorkloadNotSupported", "AdmittedWithWarning")),
]


@pytest.mark.parametrize(("_name", "body", "policy", "expected"), EVENTS, ids=[row[0] for row in EVENTS])
async def test_an_event_tells_type_reason_and_action(
    world: World, _name: str, body: bytes, policy: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    event = await draft(world, body, policy)
    assert (event.type, event.reason, event.action) == expected


async def test_an_exempt_image_leaves_a_normal_event(world: World) -> None:
    event = await draft(world, review(deployment("redis:7")), exemptImages=["docker.io/library/redis"])
    assert (event.type, event.reason) == ("Normal", "ImageExempt")
    assert event.note.startswith("redis:7: ")


async def test_what_could_not_be_looked_up_leaves_a_warning(world: World) -> None:
    body = review(deployment(UNSEEN))
    decision = await world.decider(world.settings(), always(UNAVAILABLE)).decide(question(body))
    event = event_draft(decision, decode_review(body), DIGEST)
    assert (event.type, event.reason, event.action) == ("Warning", "EvidenceUnavailable", "Denied")
    assert "store registry: it answers 429" in event.note


async def test_a_note_names_image_message_finding_and_user(world: World) -> None:
    event = await draft(world, review(deployment(SEEN, UNSEEN)))
    message = "No execution evidence found for this artifact in required environment"
    assert event.note == f"{UNSEEN}: {message}; no statement about this digest; by ada@example.com"


async def test_a_long_image_and_a_long_user_leave_room_for_the_message(world: World) -> None:
    event = await draft(world, review(deployment("A" * 5000), userInfo={"username": "u" * 5000}))
    message = "No execution evidence found for this artifact in required environment"
    assert event.note.startswith("A" * 299 + f"…: {message}; ")
    assert event.note.endswith("; by " + "u" * 127 + "…")


async def test_a_note_counts_the_images_that_it_does_not_name(world: World) -> None:
    event = await draft(world, review(deployment(UNSEEN, TAGGED, SEEN, "A B")))
    assert event.note.startswith(f"{UNSEEN} (and 2 more images): ")


async def test_a_note_without_image_says_why(world: World) -> None:
    event = await draft(world, review(deployment(7), userInfo={}))
    assert event.note == (
        "No execution evidence found for this artifact in required environment; "
        "the Deployment has no readable pod template; by an unknown user"
    )


NOTES: dict[str, bytes] = {
    "long ASCII": review(deployment("A" * 5000), userInfo={"username": "u" * 5000}),
    "long multi-byte": review(deployment("\u20ac" * 5000), userInfo={"username": "\U0001f600" * 5000}),
    "another alignment": review(deployment("a" + "\u20ac" * 5000), userInfo={"username": "\U0001f600" * 5000}),
    "a third alignment": review(deployment("aa" + "\U0001f600" * 5000), userInfo={"username": "\u00e4" * 5000}),
    "escape codes": review(deployment(HOSTILE), userInfo={"username": HOSTILE}),
    "a hostile kind": review(deployment(SEEN), kind={"group": "g", "version": "v", "kind": HOSTILE}),
    "a long kind": review(deployment(SEEN), kind={"group": "g", "version": "v", "kind": "\u20ac" * 5000}),
}


@pytest.mark.parametrize("case", NOTES)
async def test_a_note_keeps_within_the_api_servers_1024_bytes(world: World, case: str) -> None:
    event = await draft(world, NOTES[case])
    assert 0 < len(event.note.encode()) <= 1024
    assert event.note.isprintable()
    assert "\ufffd" not in event.note


OBJECTS: list[tuple[str, bytes, dict[str, Any], str | None]] = [
    ("a denied CREATE", review(deployment(UNSEEN)), {}, None),
    ("an admitted CREATE", review(deployment(SEEN)), {}, "object-uid"),
    ("a warned CREATE", review(deployment(UNSEEN)), WARN, "object-uid"),
    ("a denied UPDATE", review(deployment(UNSEEN), deployment(SEEN)), {}, "object-uid"),
    ("an unreadable UPDATE", review(deployment(7), deployment(SEEN)), {}, None),
    ("without a uid", review(deployment(SEEN, metadata={"name": "cart"})), {}, None),
]


@pytest.mark.parametrize(("_name", "body", "policy", "expected"), OBJECTS, ids=[row[0] for row in OBJECTS])
async def test_an_object_that_never_comes_to_exist_has_no_uid(
    world: World, _name: str, body: bytes, policy: dict[str, Any], expected: str | None
) -> None:
    assert (await draft(world, body, policy)).regarding.uid == expected


REGARDING: list[tuple[str, bytes, tuple[str, str, str, str]]] = [
    ("Deployment", review(deployment(SEEN)), ("apps/v1", "Deployment", "shop", "cart")),
    ("Pod", review(workload("Pod", pod(SEEN))), ("v1", "Pod", "shop", "cart")),
    ("Rollout", review(workload("Rollout", pod(SEEN))), ("argoproj.io/v1alpha1", "Rollout", "shop", "cart")),
    (
        "a generated name",
        review(deployment(SEEN, metadata={"generateName": "cart-"}), name=ABSENT),
        ("apps/v1", "Deployment", "shop", "cart-"),
    ),
    (
        "a name that was generated",
        review(deployment(SEEN, metadata={"name": "another", "generateName": "cart-"}), name="cart-x7k2p"),
        ("apps/v1", "Deployment", "shop", "cart-x7k2p"),
    ),
    (
        "the object's own namespace",
        review(deployment(SEEN, metadata={"name": "cart", "namespace": "another"})),
        ("apps/v1", "Deployment", "shop", "cart"),
    ),
]


@pytest.mark.parametrize(("_name", "body", "expected"), REGARDING, ids=[row[0] for row in REGARDING])
async def test_an_event_is_about_the_requests_object(
    world: World, _name: str, body: bytes, expected: tuple[str, str, str, str]
) -> None:
    about = (await draft(world, body, workloads=["Deployment", "Pod", "Rollout"])).regarding
    assert (about.api_version, about.kind, about.namespace, about.name) == expected


async def test_equal_denials_are_one_event(world: World) -> None:
    events = {await draft(world, review(deployment(UNSEEN), uid=f"uid-{index}")) for index in range(3)}
    assert len(events) == 1


async def test_an_event_names_the_decisions_record(world: World) -> None:
    assert (await draft(world, review(deployment(UNSEEN)))).decision == DIGEST
