"""What the webhook says about its own pod, where `kubectl describe pod` shows it."""

import copy
import socket
from pathlib import Path

import pytest

from tests.harness.gate import Gate
from webhook.kube.event_series import EventDraft, Regarding
from webhook.kube.events import EventRecorder
from webhook.server.metrics import Metrics
from webhook.server.own_pod import configuration_alarm, own_pod
from webhook.server.ruleset import RulesetHolder
from webhook.settings.loading import load_settings

POD = Regarding("v1", "Pod", "gate-system", "gate-webhook-1")


class Heard(EventRecorder):
    """Keeps what it is told to record."""

    def __init__(self) -> None:
        self.events: list[EventDraft] = []

    def record(self, event: EventDraft) -> None:
        self.events.append(event)


async def broken_twice(gate: Gate, heard: Heard, *, events: bool = True) -> None:
    """Serves a good configuration, and reads a broken one twice."""
    gate.configuration = copy.deepcopy(gate.configuration) | {"events": {"enabled": events}}
    gate.configure(gate.configuration)
    holder = RulesetHolder(
        load_settings(gate.folder / "config.yaml"), None, Metrics(), configuration_alarm(heard, POD)
    )
    broken = copy.deepcopy(gate.configuration)
    broken["PolicyGates"]["ExecutionEvidence"]["MinHotSymbolCuont"] = 1
    gate.configure(broken)
    for _ in range(2):
        await holder.reload()


async def test_a_broken_configuration_leaves_one_event_about_the_pod(gate: Gate) -> None:
    heard = Heard()
    await broken_twice(gate, heard)
    [event] = heard.events
    assert (event.regarding, event.type, event.reason) == (POD, "Warning", "ConfigurationBroken")
    assert "MinHotSymbolCuont" in event.note


async def test_where_events_are_off_it_leaves_none(gate: Gate) -> None:
    heard = Heard()
    await broken_twice(gate, heard, events=False)
    assert heard.events == []


def test_the_pod_is_the_host_in_the_account_s_namespace(tmp_path: Path) -> None:
    (tmp_path / "namespace").write_text("gate-system\n")
    assert own_pod(tmp_path / "namespace") == Regarding("v1", "Pod", "gate-system", socket.gethostname())


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_outside_a_pod_there_is_nothing_to_speak_about(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "namespace").write_bytes(content)
    assert own_pod(tmp_path / "namespace") is None


def test_without_a_pod_nothing_is_recorded() -> None:
    heard = Heard()
    configuration_alarm(heard, None)("a problem")
    assert heard.events == []
