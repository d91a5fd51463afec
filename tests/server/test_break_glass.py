"""A broken glass is loud: a Warning Event, a metric, a log line; and a dry run leaves no Event."""

import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.admission.requests import SEEN, UNSEEN, deployment, review
from tests.harness.gate import Gate
from tests.server.serving import Server
from tests.simulators.api_server import ApiServerSimulator
from webhook.admission.decide import Decider, Question
from webhook.admission.review import decode_review
from webhook.errors import UnavailableError
from webhook.kube.client import Query
from webhook.kube.events import EventRecorder
from webhook.kube.opening import open_client
from webhook.model.evidence import TriggerTime
from webhook.model.timestamp import format_rfc3339, unix_millis
from webhook.server.traces import event_draft

REASON = "checkout is down, INC-7"


class ReadsNothing:
    """A cluster that only says who may."""

    def __init__(self, *, allows: bool) -> None:
        self._allows = allows

    async def read(self, path: str) -> bytes:
        raise UnavailableError(path)

    async def replica_sets(self, namespace: str, query: Query) -> bytes:
        raise UnavailableError(f"{namespace} {query}")

    async def review_access(self, spec: Mapping[str, Any]) -> bool:
        return bool(spec) and self._allows


def say(server: Server, *, allows: bool) -> None:
    """Puts a cluster into the server's rules."""
    rules = server.rules.current
    decider = Decider(rules.settings, rules.providers, reader=ReadsNothing(allows=allows))
    server.rules.current = replace(rules, decider=decider)


def rescued(*images: str, **changes: Any) -> bytes:
    notes = {"stella.ops/break-glass": REASON, "stella.ops/break-glass-expires": in_an_hour()}
    return review(deployment(*images, metadata={"name": "cart", "uid": "u", "annotations": notes}), **changes)


def in_an_hour() -> str:
    return format_rfc3339(datetime.now(UTC) + timedelta(hours=1))


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[EventRecorder]:
    """A recorder that queues and does not post."""
    folder = tmp_path / "simulator"
    folder.mkdir()
    async with ApiServerSimulator(folder) as simulator, open_client(simulator.kubeconfig) as client:
        yield EventRecorder(client, "test")


@pytest.fixture
async def server(gate: Gate, recorder: EventRecorder) -> AsyncIterator[Server]:
    gate.configure(gate.configuration | {"events": {"enabled": True}, "breakGlass": {"enabled": True}})
    async with Server(gate, recorder=recorder) as running:
        say(running, allows=True)
        yield running


@pytest.mark.parametrize("dry_run", [False, True])
async def test_one_that_is_let_past_is_counted_logged_and_told_in_an_event(
    server: Server,
    recorder: EventRecorder,
    caplog: pytest.LogCaptureFixture,
    dry_run: bool,  # noqa: FBT001 - a table's column
) -> None:
    with caplog.at_level(logging.WARNING):
        assert await server.said(rescued(UNSEEN, dryRun=dry_run)) == "Warn BreakGlass"
    assert server.metric("break_glass_total", environment="production", outcome="honoured") == 1
    [line] = [entry for entry in caplog.records if entry.getMessage() == "break-glass"]
    told = line.__dict__
    assert (line.levelname, told["user"], told["object"], told["kind"]) == (
        "WARNING",
        "ada@example.com",
        "shop/cart",
        "Deployment",
    )
    assert (told["reason"], told["dry_run"], told["environment"]) == (REASON, dry_run, "production")
    assert recorder.queued == (0 if dry_run else 1)


async def test_one_that_is_refused_is_counted_apart(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    say(server, allows=False)
    with caplog.at_level(logging.WARNING):
        assert await server.said(rescued(UNSEEN)) == "Fail EvidenceMissing"
    assert server.metric("break_glass_total", environment="production", outcome="refused") == 1
    assert server.metric("break_glass_total", environment="production", outcome="honoured") == 0
    assert [entry for entry in caplog.records if entry.getMessage() == "break-glass"] == []


async def test_one_that_nobody_needs_leaves_nothing(server: Server) -> None:
    assert (await server.said(rescued(UNSEEN), "staging")).startswith("Pass ")
    assert server.metric("break_glass_total", environment="other", outcome="honoured") == 0


@pytest.mark.parametrize("image", [UNSEEN, "A" * 5000, "\u20ac" * 5000, "evil\x1b[2J\r\n\u202e"])
async def test_the_event_tells_reason_end_user_and_what_was_overruled(server: Server, image: str) -> None:
    body = rescued(SEEN, image)
    now = TriggerTime("unix_millis", unix_millis(datetime.now(UTC)))
    question = Question(decode_review(body), body, "production", now, time.monotonic() + 10)
    decision = await server.rules.current.decider.decide(question)
    draft = event_draft(decision, decode_review(body), "sha256:" + "d" * 64)
    assert (draft.type, draft.reason, draft.action) == ("Warning", "BreakGlass", "AdmittedWithWarning")
    assert decision.break_glass is not None
    end = decision.break_glass.claim.expires
    beginning = f"An authorised user bypassed the gate until {end}: {REASON}; by ada@example.com; overruled: "
    assert draft.note.startswith(beginning)
    assert len(draft.note.encode()) <= 1024
    assert draft.note.isprintable()
