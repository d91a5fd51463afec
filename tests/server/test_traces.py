"""What a decision leaves behind: one log line with the record in it, an Event, a metric."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import rfc8785

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
from tests.admission.world import NOW, World
from tests.harness.gate import Gate
from tests.server.serving import Server
from tests.simulators.api_server import ApiServerSimulator
from webhook.admission.record import record_decision
from webhook.admission.review import decode_review
from webhook.kube.events import EventRecorder
from webhook.kube.opening import open_client
from webhook.records.chain import Chain, Place
from webhook.records.entry import decision_entry
from webhook.server.traces import decided

HOSTILE = "evil\x1b[2J\r\n\u2028\u202e\u20ac"

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
    entry_line, _ = Chain("a").link(decision_entry(decided(decision, subject, record, 0.0012344)), Place(), 0)
    assert b"\n" not in entry_line
    entry = json.loads(entry_line)
    assert (entry["uid"], entry["verdict"]) == (subject.uid, decision.verdict.value)
    assert entry["reasons"].split(",") == [reason.value for reason in decision.reasons]
    assert (entry["level"], entry["message"], entry["seconds"]) == ("INFO", "decision", 0.001234)
    assert entry["record"] == json.loads(record.content)
    content = entry_line[entry_line.index(b',"record":') + len(b',"record":') : -1]
    assert entry["decision"] == "sha256:" + hashlib.sha256(content).hexdigest()


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


async def test_audit_annotation_line_and_event_name_the_same_record(gate: Gate, recorder: EventRecorder) -> None:
    gate.configure(gate.configuration | {"events": {"enabled": True}})
    async with Server(gate, recorder=recorder) as server:
        answer = await server.answer(review(deployment(UNSEEN)))
        [line] = server.lines()
    [series] = recorder._queue
    named = {answer["auditAnnotations"]["decision"], line["decision"], series.draft.decision}
    assert named == {"sha256:" + hashlib.sha256(rfc8785.dumps(line["record"])).hexdigest()}


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
