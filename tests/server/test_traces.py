"""What a decision leaves behind: one log line with the record in it, an Event, a metric."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.admission.providers import UNAVAILABLE, always
from tests.admission.requests import (
    SEEN,
    TAGGED,
    UNSEEN,
    containers,
    deployment,
    pod,
    review,
    workload,
)
from tests.admission.world import NOW, World, question
from tests.harness.gate import Gate
from tests.server.serving import Server
from tests.simulators.api_server import ApiServerSimulator
from tests.support.statements import ABSENT
from webhook.admission.decision import record_decision
from webhook.admission.review import decode_review
from webhook.kube.client import open_client
from webhook.kube.events import EventDraft, EventRecorder
from webhook.server.traces import decision_line, event_draft

HOSTILE = "evil\x1b[2J\r\n\u2028\u202e\u20ac"
WARN = {"MissingEvidenceAction": "Warn"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.build(tmp_path_factory.mktemp("traces"))


LINES: dict[str, bytes] = {
    "admitted": review(deployment(SEEN)),
    "denied": review(deployment(UNSEEN, TAGGED, "A B")),
    "unchanged": review(deployment(UNSEEN), deployment(UNSEEN)),
    "unreadable": review(deployment(7)),
    "hostile": review(
        deployment(HOSTILE, metadata={"name": HOSTILE}),
        uid=f'{HOSTILE}", "verdict": "Pass',
        name=HOSTILE,
        namespace=HOSTILE,
        userInfo={"username": HOSTILE},
    ),
    "hostile kind": review(deployment(SEEN), kind={"group": HOSTILE, "version": HOSTILE, "kind": HOSTILE}),
}


@pytest.mark.parametrize("case", LINES)
async def test_the_decision_line_is_json_and_holds_the_record_byte_for_byte(world: World, case: str) -> None:
    settings, body = world.settings(), LINES[case]
    subject = decode_review(body)
    decision = await world.decide(body, settings=settings)
    record = record_decision(decision, subject, settings, NOW)
    line = decision_line(decision, subject, record, 0.0012344)
    assert b"\n" not in line
    entry = json.loads(line)
    assert (entry["uid"], entry["verdict"]) == (subject.uid, decision.verdict.value)
    assert entry["reasons"].split(",") == [reason.value for reason in decision.reasons]
    assert (entry["level"], entry["message"], entry["seconds"]) == ("INFO", "decision", 0.001234)
    assert entry["record"] == json.loads(record.content)
    content = line[line.index(b'"record": ') + len(b'"record": ') : -1]
    assert entry["decision"] == "sha256:" + hashlib.sha256(content).hexdigest()


async def draft(world: World, body: bytes, policy: dict[str, Any] | None = None, **sections: Any) -> EventDraft:
    decision = await world.decide(body, settings=world.settings(policy, **sections))
    return event_draft(decision, decode_review(body))


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
    event = event_draft(decision, decode_review(body))
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


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[EventRecorder]:
    """A recorder that queues and does not post."""
    folder = tmp_path / "simulator"
    folder.mkdir()
    async with ApiServerSimulator(folder) as simulator, open_client(simulator.kubeconfig) as client:
        yield EventRecorder(client, "test")


WITH_EVENT: dict[str, tuple[bytes, str, int]] = {
    "admitted": (review(deployment(SEEN)), "production", 1),
    "denied": (review(deployment(UNSEEN)), "production", 1),
    "warned": (review(deployment(UNSEEN)), "canary", 1),
    "unreadable": (review(deployment(7)), "production", 1),
    "an init container": (
        review(workload("Deployment", pod(SEEN, initContainers=containers(UNSEEN)))),
        "production",
        1,
    ),
    "dry run, admitted": (review(deployment(SEEN), dryRun=True), "production", 0),
    "dry run, denied": (review(deployment(UNSEEN), dryRun=True), "production", 0),
    "dry run, warned": (review(deployment(UNSEEN), dryRun=True), "canary", 0),
    "unchanged": (review(deployment(UNSEEN), deployment(UNSEEN)), "production", 0),
    "deleted": (review(None, deployment(UNSEEN), operation="DELETE"), "production", 0),
    "not required": (review(deployment(UNSEEN)), "staging", 0),
}


@pytest.mark.parametrize("case", WITH_EVENT)
async def test_an_event_is_left_by_what_was_evaluated_and_not_by_a_dry_run(
    gate: Gate, recorder: EventRecorder, case: str
) -> None:
    gate.configure(gate.configuration | {"events": {"enabled": True}})
    body, environment, expected = WITH_EVENT[case]
    async with Server(gate, recorder=recorder) as server:
        await server.answer(body, environment)
        assert len(server.lines()) == 1
    assert recorder.queued == expected


async def test_no_event_is_left_where_they_are_switched_off(gate: Gate, recorder: EventRecorder) -> None:
    async with Server(gate, recorder=recorder) as server:
        await server.answer(review(deployment(UNSEEN)))
    assert recorder.queued == 0


async def test_a_disabled_gate_leaves_no_event(gate: Gate, recorder: EventRecorder) -> None:
    policy = {"ExecutionEvidence": {"Enabled": False}}
    gate.configure(gate.configuration | {"events": {"enabled": True}, "PolicyGates": policy})
    async with Server(gate, recorder=recorder) as server:
        assert await server.said(review(deployment(UNSEEN))) == "Pass GateDisabled"
    assert recorder.queued == 0


async def test_the_line_of_a_review_says_what_was_answered(server: Server) -> None:
    answer = await server.answer(review(deployment(UNSEEN), uid="a-uid"))
    [line] = server.lines()
    assert (line["uid"], line["verdict"], line["reasons"]) == ("a-uid", "Fail", "EvidenceMissing")
    assert line["decision"] == answer["auditAnnotations"]["decision"]
    assert 0 < line["seconds"] < 10


async def test_a_refused_request_leaves_no_decision(server: Server) -> None:
    async with server.client.post("/admit/production", data=b"null") as response:
        assert response.status == 415
    assert server.lines() == []
