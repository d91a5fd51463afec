"""The OpenAPI document: the same as its file, and what the live service does on made-up requests."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.docs.openapi_file import FILE, text
from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.server.query.asking import PROVIDER, QUERY, RPC, Said, Service
from tests.support.json_schema import accepts, anything, documents, resolved
from webhook.limits import LIMITS
from webhook.model.evidence_schema import INPUT_SCHEMA, OUTPUT_SCHEMA
from webhook.model.evidence_wire import WireError, read_request
from webhook.server.query.faults import FAULT_KINDS
from webhook.server.query.openapi import openapi_document

DOCUMENT = openapi_document()
SCHEMAS = resolved(DOCUMENT["components"]["schemas"], DOCUMENT)
PATHS = [QUERY, RPC, PROVIDER]


def operation(path: str) -> Any:
    return resolved(DOCUMENT["paths"][path]["post"], DOCUMENT)


def body_schema(path: str) -> Any:
    return operation(path)["requestBody"]["content"]["application/json"]["schema"]


def answer_schema(path: str, status: int) -> Any:
    return operation(path)["responses"][str(status)]["content"]["application/json"]["schema"]


def test_the_file_is_the_document() -> None:
    assert FILE.read_text("utf-8") == text(), "run: python -m tests.docs.openapi_file"


def test_its_schemas_are_those_of_the_contract() -> None:
    dialect = {"$schema": INPUT_SCHEMA["$schema"]}
    assert dialect | SCHEMAS["Request"] == INPUT_SCHEMA
    assert dialect | SCHEMAS["Answer"] == OUTPUT_SCHEMA


def test_every_fault_is_in_it_with_its_status() -> None:
    for path in PATHS:
        assert {str(kind.status) for kind in FAULT_KINDS} <= set(operation(path)["responses"])


class LiveService:
    """The service in a loop of its own thread, for tests whose examples are many and synchronous."""

    def __init__(self, gate: Gate) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.service: Service = self._run(Service(gate).__aenter__())
        # What is tested here is what is answered, and not how often.
        self.service.handler._door._rate._rate = self.service.handler._door._rate._burst = 1e9

    def post(self, path: str, body: Any) -> Said:
        said: Said = self._run(self.service.post(path, body))
        return said

    def close(self) -> None:
        self._run(self.service.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(30)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    gate = Gate(tmp_path_factory.mktemp("live"), {}, events={"enabled": False})
    gate.publish(digest_of("seen"))
    running = LiveService(gate)
    yield running
    running.close()


def readable(body: Any) -> bool:
    """Whether the model takes the request in a body that its schema accepts; it is stricter in the integers."""
    arguments = body if "query" in body else body.get("params", {}).get("arguments")
    if arguments is None or body.get("params", {}).get("name", "evidence_query") != "evidence_query":
        return True
    try:
        read_request(arguments)
    except WireError:
        return False
    return True


MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(st.data())
@pytest.mark.parametrize("path", PATHS)
def test_what_the_document_accepts_is_answered_as_it_says(live: LiveService, path: str, data: st.DataObject) -> None:
    body = data.draw(documents(body_schema(path)))
    status, document, _ = live.post(path, body)
    # At /rpc a query that no provider knows is a fault, by Decision Gate's table.
    assert status in ({200, 400} if path == RPC else {200})
    assert readable(body)
    assert accepts(answer_schema(path, status), document), document


@MANY
@given(st.data())
@pytest.mark.parametrize("path", PATHS)
def test_whatever_is_sent_is_answered_as_the_document_says(live: LiveService, path: str, data: st.DataObject) -> None:
    body: Any = data.draw(anything() | st.binary(max_size=64) | documents(body_schema(path)))
    if isinstance(body, dict) and body:
        body[data.draw(st.sampled_from(sorted(body)))] = data.draw(anything())
    status, document, _ = live.post(path, body)
    assert status in {200, 400}
    assert accepts(answer_schema(path, status), document), document
    known = not isinstance(body, bytes) and accepts(body_schema(path), body)
    refused = "error" in document
    assert refused or known, "what the document does not accept is never answered"


def test_nothing_of_that_was_an_incident(live: LiveService) -> None:
    assert live.service.metric("incidents_total") == 0
    assert live.service.metric("queries_total", surface=QUERY, outcome="internal_error") == 0
    assert LIMITS.queries_in_flight > live.service.handler._door._in_flight == 0
