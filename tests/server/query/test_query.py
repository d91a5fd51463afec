"""`POST /v1/evidence/query`: one request in, `{"result": …}` out."""

import hashlib
import json
from typing import Any

import pytest

from tests.admission.providers import UNAVAILABLE, always, metadata
from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.server.query.asking import QUERY, Service, question
from tests.support.json_schema import accepts
from webhook.model.evidence_schema import OUTPUT_SCHEMA

SEEN, UNSEEN = digest_of("seen"), digest_of("unseen")
EIGHT = {
    "value",
    "lane",
    "error",
    "evidence_hash",
    "evidence_ref",
    "evidence_anchor",
    "signature",
    "content_type",
}


async def test_what_is_known_is_answered_with_its_hash(service: Service) -> None:
    status, document, _ = await service.post(QUERY, question(SEEN))
    result = document["result"]
    assert (status, set(document), set(result)) == (200, {"result"}, EIGHT)
    assert result["value"]["value"]["has_execution_evidence"] == "true"
    assert (result["lane"], result["error"], result["content_type"]) == ("verified", None, "application/json")
    text = json.dumps(result["value"]["value"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert result["evidence_hash"] == {"algorithm": "sha256", "value": hashlib.sha256(text.encode()).hexdigest()}
    assert accepts(OUTPUT_SCHEMA, document)


async def test_what_is_not_known_is_an_answer_too(service: Service) -> None:
    status, document, _ = await service.post(QUERY, question(UNSEEN))
    assert status == 200
    assert document["result"]["value"]["value"]["has_execution_evidence"] == "false"
    assert document["result"]["error"] is None


FAILING: list[tuple[dict[str, Any], str]] = [
    ({"provider_id": "env"}, "provider_missing"),
    ({"provider_id": ""}, "provider_missing"),
    ({"check_id": "get"}, "check_missing"),
    ({"params": None}, "params_invalid"),
    ({"params": {"image_digest": "sha256:abc", "environment": "production"}}, "params_invalid"),
    ({"params": {"image_digest": SEEN, "environment": "production", "pull": {}}}, "params_invalid"),
]


@pytest.mark.parametrize(("query", "code"), FAILING)
async def test_a_query_that_fails_has_status_200_and_all_eight_members(
    service: Service, query: dict[str, Any], code: str
) -> None:
    status, document, _ = await service.post(QUERY, question(SEEN, **query))
    result = document["result"]
    assert (status, result["error"]["code"], set(result)) == (200, code, EIGHT)
    assert set(result["error"]) == {"code", "message", "details"}
    assert (result["value"], result["evidence_hash"], result["content_type"]) == (None, None, None)
    assert accepts(OUTPUT_SCHEMA, document)


async def test_a_logical_time_is_no_age(service: Service) -> None:
    asked = question(SEEN)
    asked["context"]["trigger_time"] = {"kind": "logical", "value": 7}
    document = (await service.post(QUERY, asked)).document
    assert document["result"]["error"]["code"] == "context_invalid"
    assert document["result"]["evidence_anchor"] == {"anchor_type": "image_digest", "anchor_value": SEEN}


async def test_what_is_unavailable_is_an_error_of_the_result(gate: Gate) -> None:
    async with Service(gate, always(UNAVAILABLE)) as service:
        status, document, _ = await service.post(QUERY, question(SEEN))
        assert (status, document["result"]["error"]["code"]) == (200, "evidence_unavailable")
        assert service.metric("queries_total", surface=QUERY, outcome="failed") == 1


async def test_an_exception_is_an_incident_and_no_text(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    async with Service(gate, always(RuntimeError("secret-text"))) as service:
        said = await service.post(QUERY, question(SEEN))
        message = said.document["result"]["error"]["message"]
        assert said.status == 200
        assert message.startswith("an internal error, incident ")
        assert message.rpartition(" ")[2] in {getattr(record, "incident", None) for record in caplog.records}
        assert "secret-text" not in json.dumps(said.document)
        assert service.metric("incidents_total") == 1


async def test_an_answer_that_json_cannot_say_is_an_incident(gate: Gate) -> None:
    async with Service(gate, always(metadata(float("nan")))) as service:
        status, document, headers = await service.post(QUERY, question(SEEN))
        assert (status, document["error"]["kind"]) == (500, "internal_error")
        assert headers["x-server-correlation-id"] in document["error"]["message"]
        assert service.metric("incidents_total") == 1


async def test_the_providers_in_force_answer(service: Service, gate: Gate) -> None:
    configuration = json.loads(json.dumps(gate.configuration))
    configuration["PolicyGates"]["ExecutionEvidence"]["EvidenceEnvironments"] = ["elsewhere"]
    gate.configure(configuration)
    assert await service.rules.reload()
    document = (await service.post(QUERY, question(SEEN))).document
    assert document["result"]["value"]["value"]["has_execution_evidence"] == "false"


BODIES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("null", b"null"),
    ("{}", b"{}"),
    ("not JSON", b"secret-body <html>"),
    ("a duplicate name", json.dumps(question(SEEN)).encode()[:-1] + b',"query":{}}'),
    ("NaN", json.dumps(question(SEEN, params=float("nan"))).encode()),
    ("10,000 lists deep", b"[" * 10_000),
    ("not UTF-8", b"\xff"),
    ("an unknown member", json.dumps(question(SEEN) | {"more": 1}).encode()),
    ("a pull identity", json.dumps(question(SEEN)).replace('"run_id"', '"pull": null, "run_id"').encode()),
]


@pytest.mark.parametrize(("_name", "body"), BODIES, ids=[name for name, _ in BODIES])
async def test_what_is_no_request_is_refused_in_words_of_ours(service: Service, _name: str, body: bytes) -> None:
    status, document, headers = await service.post(QUERY, body)
    assert (status, document["error"]["kind"], document["error"]["retryable"]) == (400, "invalid_params", False)
    assert document["error"]["request_id"] == headers["x-server-correlation-id"]
    assert "secret-body" not in json.dumps(document)
