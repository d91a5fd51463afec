"""The answer stands before the API server gives up."""

import asyncio
import ssl
import time
from urllib.parse import urlsplit

import pytest

from tests.admission.providers import GOOD, ScriptedProvider, always, metadata
from tests.admission.requests import SEEN, UNSEEN, deployment, review
from tests.harness.gate import Gate
from tests.server.serving import Server
from webhook.server.admission import _time_left

# A margin of half a second is kept back, of a second and less the half; 30 s is the API server's maximum.
TIMEOUTS: list[tuple[str, float]] = [
    ("timeout=10s", 9.5),
    ("timeout=1s", 0.5),
    ("timeout=2s", 1.5),
    ("timeout=500ms", 0.25),
    ("timeout=1500ms", 1.0),
    ("timeout=1.5s", 1.0),
    ("timeout=0.25m", 14.5),
    ("timeout=30s", 29.5),
    ("timeout=31s", 29.5),
    ("timeout=1m", 29.5),
    ("timeout=9999m", 29.5),
    ("timeout=0s", 0.0),
    ("a=b&timeout=2s", 1.5),
    ("timeout=2s&a=b", 1.5),
    ("", 9.5),
    ("timeout=", 9.5),
    ("timeout=10", 9.5),
    ("timeout=s", 9.5),
    ("timeout=-1s", 9.5),
    ("timeout=+1s", 9.5),
    ("timeout=1e9s", 9.5),
    ("timeout=1h", 9.5),
    ("timeout=99999999999999999999s", 9.5),
    ("timeout=NaNs", 9.5),
    ("timeout=infs", 9.5),
    ("timeout=\u0661s", 9.5),
    ("timeout=1 s", 9.5),
    ("timeout=1s;x", 9.5),
    ("xtimeout=1s", 9.5),
    ("timeouts=1s", 9.5),
]


@pytest.mark.parametrize(("query", "expected"), TIMEOUTS)
def test_the_api_servers_timeout_is_read_and_a_margin_kept(query: str, expected: float) -> None:
    assert _time_left(query) == pytest.approx(expected)


@pytest.mark.parametrize("query", [query for query, _ in TIMEOUTS])
def test_the_deadline_is_never_further_than_the_api_server_waits(query: str) -> None:
    assert 0 <= _time_left(query) <= 29.5


async def test_a_provider_that_hangs_is_answered_for_before_the_api_server_gives_up(gate: Gate) -> None:
    async with Server(gate, always(None)) as server:
        await server.answer(review(deployment(SEEN)), "staging")  # Opens the connection.
        begun = time.monotonic()
        answer = await server.answer(review(deployment(SEEN)), within="2s")
        taken = time.monotonic() - begun
    assert 1.5 <= taken < 2
    assert answer["allowed"] is False
    assert (answer["status"]["code"], answer["status"]["reason"]) == (503, "ServiceUnavailable")
    assert answer["auditAnnotations"]["reasons"] == "EvidenceUnavailable"
    assert "no answer from the evidence stores within the deadline" in answer["status"]["message"]


async def test_a_provider_that_hangs_is_warned_about_where_the_policy_warns(gate: Gate) -> None:
    async with Server(gate, always(None)) as server:
        answer = await server.answer(review(deployment(SEEN)), "canary", within="100ms")
    assert answer["allowed"] is True
    assert any("EvidenceUnavailable" in warning for warning in answer["warnings"])


async def test_what_was_known_in_time_stays_known(gate: Gate) -> None:
    async with Server(gate, ScriptedProvider({"seen": metadata(GOOD)})) as server:
        answer = await server.answer(review(deployment(SEEN, UNSEEN)), within="100ms")
    assert answer["auditAnnotations"]["images"] == f"{SEEN}=EvidenceSufficient,{UNSEEN}=EvidenceUnavailable"


async def test_one_that_hangs_keeps_nobody_else_waiting(gate: Gate) -> None:
    async with Server(gate, ScriptedProvider({"seen": metadata(GOOD)})) as server:
        hanging = [asyncio.create_task(server.answer(review(deployment(UNSEEN)), within="30s")) for _ in range(20)]
        for _ in range(20):
            assert (await server.answer(review(deployment(SEEN))))["allowed"] is True
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()


async def test_a_body_that_never_ends_is_not_waited_for_longer_than_the_deadline(gate: Gate) -> None:
    trust = ssl.create_default_context(cadata=gate.ca_pem.decode())
    async with Server(gate) as server:
        address = urlsplit(server.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=trust)
        writer.write(
            b"POST /admit/production?timeout=200ms HTTP/1.1\r\nHost: gate\r\n"
            b"Content-Type: application/json\r\nContent-Length: 8000000\r\n\r\n" + b"{" * 1000
        )
        try:
            # An answer of any status, or the end of the connection.
            await asyncio.wait_for(reader.read(1), 3)
        finally:
            writer.close()


async def test_100_equal_requests_at_once_are_answered_alike(server: Server) -> None:
    body = review(deployment(SEEN, UNSEEN, "redis"))
    answers = await asyncio.gather(*(server.answer(body) for _ in range(100)))
    for answer in answers:
        answer["auditAnnotations"].pop("decision")  # The record holds the millisecond.
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["auditAnnotations"]["reasons"] == "EvidenceMissing,ImageNotPinned"
    assert len(server.lines()) == 100
