"""What is refused before anything is asked: path, method, correlation id, type, size, rate."""

import asyncio
import gzip
import json
from typing import Any

import pytest

from tests.admission.providers import always
from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.harness.polling import poll_async
from tests.server.query.asking import PROVIDER, QUERY, RPC, Service, call, question
from tests.support.json_schema import accepts, resolved
from webhook.limits import LIMITS
from webhook.server.query.openapi import openapi_document

SEEN = digest_of("seen")
PATHS = [QUERY, RPC, PROVIDER]
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def kind(document: Any) -> str:
    error = document["error"]
    return str(error.get("data", error)["kind"])


@pytest.mark.parametrize("path", ["/", "/v1/evidence/query/", "/v1/evidence/query?x=1", "/RPC", "/%72pc", "/metrics"])
async def test_there_are_no_other_paths(service: Service, path: str) -> None:
    status, document, _ = await service.post(path, question(SEEN))
    assert (status, kind(document)) == (404, "invalid_request")
    assert service.metric("queries_total", surface="other", outcome="invalid_request") == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_requests_are_posted(service: Service, method: str) -> None:
    for path in PATHS:
        status, document, headers = await service.ask(method, path)
        assert (status, kind(document), headers["Allow"]) == (405, "invalid_request", "POST")


TYPES = ["", "text/plain", "application/jsonp", "application/json-patch+json", "application/x-www-form-urlencoded"]


@pytest.mark.parametrize("content_type", TYPES)
async def test_a_body_is_json(service: Service, content_type: str) -> None:
    for path in PATHS:
        said = await service.post(path, LIST, headers={"Content-Type": content_type})
        assert (said.status, kind(said.document)) == (415, "invalid_request")


async def test_a_packed_body_is_refused_unopened(service: Service) -> None:
    packed = gzip.compress(json.dumps(question(SEEN)).encode())
    said = await service.post(QUERY, packed, headers={"Content-Encoding": "gzip"})
    assert said.status == 415


async def test_a_body_is_read_no_further_than_its_cap(service: Service) -> None:
    body = json.dumps(question(SEEN)).encode()
    largest = body + b" " * (LIMITS.query_bytes - len(body))
    assert (await service.post(QUERY, largest)).status == 200

    for path in PATHS:
        status, document, _ = await service.post(path, largest + b" ")
        assert (status, kind(document)) == (413, "request_too_large")


async def test_a_body_without_a_length_is_cut_off_at_the_cap(service: Service) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 100 * LIMITS.query_bytes:
            sent += 16 * 1024
            yield b" " * 16 * 1024

    try:
        said = await service.ask("POST", QUERY, data=endless())
    except ConnectionError:
        pass
    else:
        assert said.status == 413
    assert sent < 100 * LIMITS.query_bytes


async def test_a_body_that_does_not_arrive_is_not_waited_for(service: Service) -> None:
    service.handler._seconds = 0.1

    async def slow() -> Any:
        yield b"{"
        await asyncio.sleep(30)

    async with asyncio.timeout(10):
        said = await service.ask("POST", QUERY, data=slow())
    assert (said.status, kind(said.document)) == (408, "invalid_request")


CORRELATION: list[tuple[str, bool]] = [
    ("705ab4f5-6393-11e8-b7cc-42010a800002", True),
    ("!#$%&'*+-.^_`|~09azAZ", True),
    ("x" * 128, True),
    ("x" * 129, False),
    ("", False),
    ("a b", False),
    ("a,b", False),
    ('"a"', False),
    ("a/b", False),
    ("a=b", False),
    ("\u00e4", False),
]


@pytest.mark.parametrize(("given", "valid"), CORRELATION)
async def test_a_correlation_id_is_a_token_and_only_then_given_back(
    service: Service, given: str, *, valid: bool
) -> None:
    for path in PATHS:
        status, document, headers = await service.post(path, LIST, headers={"x-correlation-id": given})
        if valid:
            assert headers["x-correlation-id"] == given
        else:
            assert (status, kind(document)) == (400, "invalid_correlation_id")
            assert "x-correlation-id" not in headers
        assert len(headers["x-server-correlation-id"]) == 32


async def test_a_correlation_id_has_the_code_of_the_table(service: Service) -> None:
    document = (await service.post(RPC, LIST, headers={"x-correlation-id": "a b"})).document
    assert (document["error"]["code"], document["id"]) == (-32073, None)


async def test_two_correlation_ids_are_none(service: Service) -> None:
    said = await service.post(RPC, LIST, headers=[("x-correlation-id", "a"), ("x-correlation-id", "b")])
    assert kind(said.document) == "invalid_correlation_id"


async def test_a_correlation_id_is_looked_at_before_the_token_and_the_body(service: Service) -> None:
    said = await service.post(RPC, b"{", token=None, headers={"x-correlation-id": "a b"})
    assert kind(said.document) == "invalid_correlation_id"


async def test_each_answer_has_an_id_of_its_own(service: Service) -> None:
    ids = {(await service.post(RPC, LIST)).headers["x-server-correlation-id"] for _ in range(3)}
    assert len(ids) == 3


async def test_a_caller_who_asks_too_often_is_told_when_to_come_back(service: Service) -> None:
    said = [await service.post(RPC, LIST) for _ in range(LIMITS.query_burst)]
    assert {answer.status for answer in said} == {200}

    async def refused() -> Any:
        answers = await asyncio.gather(*(service.post(RPC, LIST) for _ in range(20)))
        return next((answer for answer in answers if answer.status != 200), None)

    # The bucket fills while it is emptied; ask faster than it does.
    status, document, _ = await poll_async(refused, 10, "the bucket is empty")
    error = document["error"]
    assert (status, error["code"], error["data"]["retryable"]) == (429, -32071, True)
    assert 1 <= error["data"]["retry_after_ms"] <= 1000 / LIMITS.query_rate
    other = await service.post(RPC, LIST, token="o" * 32)
    assert other.status == 200


async def test_more_than_so_many_at_once_are_refused(gate: Gate) -> None:
    provider = always(None)
    async with Service(gate, provider) as service:
        waiting = [asyncio.create_task(service.post(QUERY, question(SEEN))) for _ in range(LIMITS.queries_in_flight)]

        async def all_wait() -> bool:
            return len(provider.asked) == LIMITS.queries_in_flight

        await poll_async(all_wait, 10, "all queries are under way")
        status, document, _ = await service.post(RPC, call(question(SEEN)))
        error = document["error"]
        assert (status, error["code"], error["data"]["kind"]) == (503, -32072, "inflight_limit")
        assert error["data"]["retry_after_ms"] > 0
        assert (await service.post(QUERY, b"")).document["error"]["retryable"] is True
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

        async def free() -> bool:
            return (await service.post(RPC, LIST)).status == 200

        # Long before their provider's deadline.
        await poll_async(free, LIMITS.query_seconds / 2, "they have made room")


async def test_while_draining_clients_are_sent_elsewhere(service: Service) -> None:
    assert "Connection" not in (await service.post(RPC, LIST)).headers
    service.handler.draining = True
    assert (await service.post(RPC, LIST)).headers["Connection"] == "close"


async def test_the_document_is_served_without_a_token(service: Service) -> None:
    status, document, _ = await service.ask("GET", "/openapi.json", token=None)
    assert (status, document) == (200, openapi_document())


async def test_every_refusal_meets_the_schema_of_faults(service: Service) -> None:
    document = openapi_document()
    schemas = resolved(document["components"]["schemas"], document)
    for path, name in ((QUERY, "Fault"), (RPC, "RpcFault"), (PROVIDER, "RpcFault")):
        for headers, token in (({}, None), ({"x-correlation-id": "a b"}, None), ({"Content-Type": "x/y"}, "t" * 40)):
            said = await service.post(path, b"", token=token, headers=headers)
            assert accepts(schemas[name], said.document), said
