import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.harness.control_plane import ControlPlane
from tests.kube.recording import draft
from tests.kube.waiting import until
from webhook.kube.client import KubeClient
from webhook.kube.events import EventPace, EventRecorder
from webhook.kube.opening import open_client

PACE = EventPace(patch_seconds=0.3)


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    name = f"events-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    return name


@pytest.fixture
async def client(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    async with open_client(control_plane.kubeconfig) as opened:
        yield opened


@pytest.fixture
async def recorder(client: KubeClient) -> AsyncIterator[EventRecorder]:
    made = EventRecorder(client, "pod-1", PACE)
    await made.start()
    yield made
    await made.close(2.0)


async def listed(control_plane: ControlPlane, namespace: str) -> list[dict[str, Any]]:
    result = await asyncio.to_thread(control_plane.kubectl, "get", "events", "-n", namespace, "-o", "json")
    items: list[dict[str, Any]] = json.loads(result.stdout)["items"]
    return items


async def test_an_event_about_an_object_that_does_not_exist_is_shown(
    control_plane: ControlPlane, namespace: str, recorder: EventRecorder
) -> None:
    recorder.record(draft(namespace=namespace, name="cart", note="No execution evidence found"))
    await until(lambda: recorder.posted, 10, "the Event is posted")
    shown = control_plane.kubectl("get", "events", "-n", namespace).stdout
    _, row = shown.splitlines()
    assert row.split(maxsplit=4)[1:] == [
        "Warning",
        "EvidenceMissing",
        "deployment/cart",
        "No execution evidence found",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "system:role"},
        {"name": "a" * 253},
        {"uid": str(uuid.uuid4())},
        {"type": "Normal"},
        {"note": ""},
        {"note": "ü" * 5000},
        {"note": "a\ud800b\n\x1b[31m"},
        {"reason": "R" * 500},
        {"action": "A" * 500},
        {"api_version": "argoproj.io/v1alpha1", "kind": "Rollout"},
        {"api_version": "", "kind": ""},
    ],
)
async def test_the_api_server_takes_whatever_is_postable(
    control_plane: ControlPlane, namespace: str, recorder: EventRecorder, changes: dict[str, str]
) -> None:
    event = draft(namespace=namespace, **changes)
    assert event.postable
    recorder.record(event)
    await until(lambda: recorder.posted + recorder.dropped, 10, "an answer")
    assert recorder.dropped == 0
    [shown] = await listed(control_plane, namespace)
    assert (shown["reason"], shown.get("message", "")) == (
        event.reason,
        event.note.encode("utf-8", "replace").decode(),
    )


async def test_an_event_about_an_object_without_namespace_is_shown_in_default(
    control_plane: ControlPlane, recorder: EventRecorder
) -> None:
    word = uuid.uuid4().hex
    recorder.record(draft(namespace="", kind="Namespace", note=word))
    await until(lambda: recorder.posted, 10, "the Event is posted")
    assert word in [event["message"] for event in await listed(control_plane, "default")]


async def test_repeats_raise_the_count_of_one_event(
    control_plane: ControlPlane, namespace: str, recorder: EventRecorder
) -> None:
    recorder.record(draft(namespace=namespace))
    await until(lambda: recorder.posted, 10, "the Event is posted")
    for _ in range(41):
        recorder.record(draft(namespace=namespace))
    await until(lambda: recorder.patched, 10, "the count is patched")
    [event] = await listed(control_plane, namespace)
    assert event["series"]["count"] == 42
    assert (recorder.posted, recorder.patched, recorder.dropped) == (1, 1, 0)
    assert "(x42 over" in control_plane.kubectl("events", "-n", namespace).stdout


async def test_an_event_names_the_latest_decision(
    control_plane: ControlPlane, namespace: str, recorder: EventRecorder
) -> None:
    def _named(event: dict[str, Any]) -> str:
        name: str = event["metadata"]["annotations"]["stella.ops/decision"]
        return name

    digests = [f"sha256:{digit * 64}" for digit in "abc"]
    recorder.record(draft(namespace=namespace, decision=digests[0]))
    await until(lambda: recorder.posted, 10, "the Event is posted")
    [event] = await listed(control_plane, namespace)
    assert _named(event) == digests[0]
    for digest in digests[1:]:
        recorder.record(draft(namespace=namespace, decision=digest))
    await until(lambda: recorder.patched, 10, "the repeats are told")
    [event] = await listed(control_plane, namespace)
    assert (_named(event), event["series"]["count"]) == (digests[2], 3)


async def test_an_event_that_expired_is_made_anew(
    control_plane: ControlPlane, namespace: str, recorder: EventRecorder
) -> None:
    recorder.record(draft(namespace=namespace))
    await until(lambda: recorder.posted, 10, "the Event is posted")
    control_plane.kubectl("delete", "events", "--all", "-n", namespace)
    recorder.record(draft(namespace=namespace))
    await until(lambda: recorder.posted == 2, 10, "a new Event is posted")
    [event] = await listed(control_plane, namespace)
    assert event["series"]["count"] == 2


async def test_a_namespace_that_is_gone_costs_its_event_and_nothing_else(
    namespace: str, recorder: EventRecorder
) -> None:
    recorder.record(draft(namespace="never-there"))
    recorder.record(draft(namespace=namespace))
    await until(lambda: recorder.posted, 10, "the other Event")
    assert (recorder.posted, recorder.dropped) == (1, 1)


async def test_without_rights_events_are_dropped(control_plane: ControlPlane, namespace: str) -> None:
    async with open_client(control_plane.kubeconfig_for("nobody")) as client:
        recorder = EventRecorder(client, "pod-1", PACE)
        await recorder.start()
        recorder.record(draft(namespace=namespace))
        await until(lambda: recorder.dropped, 10, "it is dropped")
        await recorder.close(1.0)


async def test_while_the_api_server_is_away_nothing_blocks_and_what_is_queued_waits(
    control_plane: ControlPlane, namespace: str, client: KubeClient
) -> None:
    recorder = EventRecorder(client, "pod-1", EventPace(queue=20, tries=2, rate=100.0, pause_seconds=0.05))
    await recorder.start()
    await asyncio.to_thread(control_plane.stop_api_server)
    began = time.perf_counter()
    for number in range(1000):
        recorder.record(draft(namespace=namespace, name=f"lost-{number}"))
    assert time.perf_counter() - began < 0.5
    assert recorder.queued == 20
    control_plane.start_api_server()  # On the main thread: the server dies with the thread that started it.
    await until(lambda: not recorder.queued, 20, "what fitted into the queue is posted")
    recorder.record(draft(namespace=namespace, name="later"))
    await until(lambda: recorder.posted + recorder.dropped == 1001, 10, "each Event is posted or counted")
    await recorder.close(1.0)
    names = {event["involvedObject"]["name"] for event in await listed(control_plane, namespace)}
    assert len(names) == recorder.posted >= 21
    assert "later" in names


async def test_a_storm_is_a_bounded_number_of_calls(
    control_plane: ControlPlane, namespace: str, client: KubeClient
) -> None:
    pace = EventPace(queue=1000, rate=20.0, burst=50)
    recorder = EventRecorder(client, "pod-1", pace)
    await recorder.start()
    began = time.monotonic()
    for number in range(10_000):
        recorder.record(draft(namespace=namespace, name=f"e{number}"))
    recorded = time.monotonic() - began
    await until(lambda: recorder.posted >= 60, 10, "sixty Events")
    await recorder.close(0.1)
    calls = len(control_plane.audit_events(verb="create", resource="events", namespace=namespace))
    assert calls <= pace.burst + pace.rate * (time.monotonic() - began) + 1
    assert recorder.posted + recorder.dropped == 10_000
    assert recorded < 1.0


async def test_the_reporter_is_named(control_plane: ControlPlane, namespace: str, recorder: EventRecorder) -> None:
    recorder.record(draft(namespace=namespace))
    await until(lambda: recorder.posted, 10, "the Event is posted")
    [event] = await listed(control_plane, namespace)
    assert (event["reportingComponent"], event["reportingInstance"]) == ("execution-evidence-gate", "pod-1")
