"""What nobody expected becomes an answer with an incident id; its text stays in the log."""

import logging
import re
from typing import Any, cast

import pytest

from tests.admission.providers import GOOD, Answer, ScriptedProvider, always, metadata
from tests.admission.requests import SEEN, UNSEEN, deployment, review
from tests.harness.gate import Gate
from tests.server.serving import Server
from webhook.errors import EvidenceError, UnavailableError
from webhook.model.evidence import EvidenceProblem, EvidenceResult
from webhook.reasons import ReasonCode

PRIVATE = "token=s3cr3t at 10.0.0.7"
INCIDENT = re.compile(r"an internal error, incident ([0-9a-f]{8})")

TROUBLE: dict[str, Answer] = {
    "RuntimeError": RuntimeError(PRIVATE),
    "KeyError": KeyError(PRIVATE),
    "OSError": OSError(5, PRIVATE),
    "ConnectionResetError": ConnectionResetError(PRIVATE),
    "TimeoutError": TimeoutError(PRIVATE),
    "RecursionError": RecursionError(PRIVATE),
    "MemoryError": MemoryError(PRIVATE),
    "AssertionError": AssertionError(PRIVATE),
    "UnavailableError, which is the stores'": UnavailableError(PRIVATE),
    "EvidenceError, which is the trust core's": EvidenceError(ReasonCode.EVIDENCE_SUFFICIENT, PRIVATE),
    "a list for metadata": metadata([PRIVATE]),
    "a text for metadata": metadata(PRIVATE),
    "null for metadata": metadata(None),
    "no detail": metadata({"has_execution_evidence": "false"}),
    "an unknown reason": metadata(GOOD | {"has_execution_evidence": "false", "execution_evidence_reason": PRIVATE}),
    "a number for a detail": metadata(GOOD | {"has_execution_evidence": "false", "execution_evidence_detail": 7}),
    "null for a detail": metadata(
        GOOD | {"execution_evidence_hot_symbol_count": "1", "execution_evidence_detail": None}
    ),
    "a number for a message": EvidenceResult(error=EvidenceProblem("evidence_unavailable", cast("str", 7))),
    "a number for a count": metadata(GOOD | {"execution_evidence_hot_symbol_count": 42}),
    "half a surrogate pair": metadata(GOOD | {"note": "\ud800"}),
    "a foreign object": metadata(GOOD | {"note": object()}),
}


async def ask(gate: Gate, answer: Answer, environment: str = "production") -> tuple[int, str, Server]:
    async with Server(gate, always(answer)) as server:
        path = f"/admit/{environment}?timeout=10s"
        headers = {"Content-Type": "application/json"}
        async with server.client.post(path, data=review(deployment(SEEN)), headers=headers) as response:
            return response.status, await response.text(), server


@pytest.mark.parametrize("case", TROUBLE)
async def test_trouble_is_answered_with_a_denial_that_can_be_retried(gate: Gate, case: str) -> None:
    status, text, server = await ask(gate, TROUBLE[case])
    assert status == 200, text
    assert '"allowed": false' in text
    assert '"code": 503' in text
    assert INCIDENT.search(text)
    assert server.metric("incidents_total") == 1


@pytest.mark.parametrize("case", TROUBLE)
async def test_the_text_of_trouble_reaches_nobody(gate: Gate, case: str) -> None:
    for environment in ("production", "canary"):
        _, text, _ = await ask(gate, TROUBLE[case], environment)
        assert PRIVATE not in text
        assert "s3cr3t" not in text
        assert "Traceback" not in text
        assert "Error(" not in text


async def test_trouble_is_admitted_with_a_warning_where_the_policy_warns(gate: Gate) -> None:
    status, text, _ = await ask(gate, RuntimeError(PRIVATE), "canary")
    assert status == 200
    assert '"allowed": true' in text
    assert INCIDENT.search(text)


async def test_the_stack_is_in_the_log_under_the_incidents_id(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    _, text, _ = await ask(gate, RuntimeError(PRIVATE))
    found = INCIDENT.search(text)
    assert found is not None
    entries: list[Any] = [entry for entry in caplog.records if entry.levelno >= logging.ERROR]
    assert len(entries) == 1
    assert (entries[0].getMessage(), entries[0].incident) == ("incident", found[1])
    assert entries[0].uid == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert isinstance(entries[0].exc_info[1], RuntimeError)


async def test_each_incident_has_its_own_id_and_its_own_record(gate: Gate) -> None:
    async with Server(gate, always(RuntimeError(PRIVATE))) as server:
        answers = [await server.answer(review(deployment(SEEN))) for _ in range(3)]
        ids = {INCIDENT.findall(answer["status"]["message"])[0] for answer in answers}
        lines = server.lines()
    assert len(ids) == 3
    assert [line["decision"] for line in lines] == [answer["auditAnnotations"]["decision"] for answer in answers]


async def test_trouble_with_one_review_leaves_the_next_alone(gate: Gate) -> None:
    async with Server(gate, ScriptedProvider({"unseen": RuntimeError(PRIVATE), "seen": metadata(GOOD)})) as server:
        assert await server.said(review(deployment(UNSEEN))) == "Fail EvidenceUnavailable"
        assert await server.said(review(deployment(SEEN))) == "Pass EvidenceSufficient"
        assert server.metric("incidents_total") == 1


async def test_where_nothing_is_required_there_can_be_no_trouble(gate: Gate) -> None:
    async with Server(gate, always(RuntimeError(PRIVATE))) as server:
        assert await server.said(review(deployment(SEEN)), "staging") == "Pass EnvironmentNotRequired"
