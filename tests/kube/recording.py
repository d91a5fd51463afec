"""What the tests of Events share."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.simulators.api_server import ApiServerSimulator
from webhook.kube.event_series import EventDraft, Regarding
from webhook.kube.events import EventPace, EventRecorder

PACE = EventPace(rate=1000.0, burst=1000, patch_seconds=0.2, pause_seconds=0.02, pause_cap_seconds=0.1)


Start = Callable[[EventPace], Awaitable[EventRecorder]]


def counts(recorder: EventRecorder) -> tuple[int, int, int]:
    return recorder.posted, recorder.patched, recorder.dropped


def series_counts(simulator: ApiServerSimulator) -> list[int]:
    return [event.get("series", {}).get("count", 1) for event in simulator.events.values()]


def draft(**changes: Any) -> EventDraft:
    about: dict[str, Any] = {
        "api_version": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "cart",
        "uid": None,
    }
    words: dict[str, Any] = {
        "type": "Warning",
        "reason": "EvidenceMissing",
        "action": "Deny",
        "note": "no evidence",
        "decision": None,
    }
    regarding = Regarding(**{key: changes.get(key, value) for key, value in about.items()})
    return EventDraft(regarding, **{key: changes.get(key, value) for key, value in words.items()})
