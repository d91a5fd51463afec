"""JSON-RPC: wrapped at `/rpc`, bare at `/provider/rpc`, faults by Decision Gate's table."""

import json
from typing import Any

import pytest

from tests.harness.evidence import digest_of
from tests.server.query.asking import PROVIDER, RPC, Service, call, question
from tests.support.json_schema import accepts
from webhook.model.evidence_schema import INPUT_SCHEMA, OUTPUT_SCHEMA, RESULT_SCHEMA

SEEN = digest_of("seen")
LIST = {"jsonrpc": "2.0", "id": "a", "method": "tools/list"}


async def test_as_a_server_the_result_is_wrapped(service: Service) -> None:
    status, document, _ = await service.post(RPC, call(question(SEEN), "x-1"))
    (content,) = document["result"]["content"]
    assert (status, document["jsonrpc"], document["id"]) == (200, "2.0", "x-1")
    assert (set(content), content["type"], set(content["json"])) == ({"type", "json"}, "json", {"result"})
    assert accepts(OUTPUT_SCHEMA, content["json"])
    assert content["json"]["result"]["value"]["value"]["has_execution_evidence"] == "true"


async def test_as_a_provider_the_result_is_bare(service: Service) -> None:
    status, document, _ = await service.post(PROVIDER, call(question(SEEN)))
    (content,) = document["result"]["content"]
    assert (status, content["type"]) == (200, "json")
    assert accepts(RESULT_SCHEMA, content["json"])
    assert content["json"]["value"]["value"]["has_execution_evidence"] == "true"


@pytest.mark.parametrize("path", [RPC, PROVIDER])
@pytest.mark.parametrize("params", [{}, {"params": {}}, {"params": None}])
async def test_the_tool_is_listed_with_its_schema(service: Service, path: str, params: dict[str, Any]) -> None:
    status, document, _ = await service.post(path, LIST | params)
    tool, *others = document["result"]["tools"]
    assert bool(others) is (path == RPC)
    assert (status, document["id"], tool["name"]) == (200, "a", "evidence_query")
    assert tool["input_schema"] == INPUT_SCHEMA
    assert set(tool) == {"name", "description", "input_schema"}


FAULTS: list[tuple[str, Any, int, str]] = [
    ("empty", b"", -32600, "invalid_request"),
    ("not JSON", b"{", -32600, "invalid_request"),
    ("a batch", [LIST], -32600, "invalid_request"),
    ("no version", {"id": 1, "method": "tools/list"}, -32600, "invalid_request"),
    ("another version", LIST | {"jsonrpc": "1.0"}, -32600, "invalid_request"),
    ("a notification", {"jsonrpc": "2.0", "method": "tools/list"}, -32600, "invalid_request"),
    ("an id that is null", LIST | {"id": None}, -32600, "invalid_request"),
    ("an id that is a fraction", LIST | {"id": 1.5}, -32600, "invalid_request"),
    ("an id that is true", LIST | {"id": True}, -32600, "invalid_request"),
    ("an id without end", LIST | {"id": "x" * 257}, -32600, "invalid_request"),
    ("a method that is no text", LIST | {"method": 1}, -32600, "invalid_request"),
    ("an unknown member", LIST | {"session": 1}, -32600, "invalid_request"),
    ("a duplicate name", b'{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}', -32600, "invalid_request"),
    ("initialize", LIST | {"method": "initialize"}, -32601, "method_not_found"),
    ("another tool", call({}) | {"params": {"name": "x", "arguments": {}}}, -32601, "method_not_found"),
    ("params for the list", LIST | {"params": {"cursor": "x"}}, -32602, "invalid_params"),
    ("no params", LIST | {"method": "tools/call"}, -32602, "invalid_params"),
    ("no arguments", call({}) | {"params": {"name": "evidence_query"}}, -32602, "invalid_params"),
    ("no name", call({}) | {"params": {"arguments": {}}}, -32602, "invalid_params"),
    ("no request", call({}), -32602, "invalid_params"),
    ("a tenant 0", call(question(SEEN) | {"context": {}}), -32602, "invalid_params"),
]


@pytest.mark.parametrize(("_name", "body", "code", "kind"), FAULTS, ids=[fault[0] for fault in FAULTS])
async def test_a_fault_has_its_code_and_status(service: Service, _name: str, body: Any, code: int, kind: str) -> None:
    for path, expected in ((RPC, 400), (PROVIDER, 200)):
        status, document, headers = await service.post(path, body)
        error = document["error"]
        assert (status, error["code"], set(document)) == (expected, code, {"jsonrpc", "id", "error"})
        server_id = headers["x-server-correlation-id"]
        assert error["data"] == {"kind": kind, "retryable": False, "request_id": server_id}


async def test_a_fault_names_the_request_that_it_answers(service: Service) -> None:
    document = (await service.post(RPC, LIST | {"id": 7, "method": "x"})).document
    assert document["id"] == 7
    assert (await service.post(RPC, b"{")).document["id"] is None


CONTRACT: list[tuple[dict[str, Any], str]] = [
    ({"provider_id": "env"}, "provider_missing"),
    ({"check_id": "get"}, "check_missing"),
    ({"params": None}, "params_missing"),
    ({"params": {"image_digest": "x"}}, "params_invalid"),
]


@pytest.mark.parametrize(("query", "code"), CONTRACT)
async def test_as_a_server_a_query_outside_the_contract_is_a_fault(
    service: Service, query: dict[str, Any], code: str
) -> None:
    status, document, _ = await service.post(RPC, call(question(SEEN, **query)))
    assert (status, document["error"]["code"]) == (400, -32602)
    assert document["error"]["message"].startswith(f"{code}: ")


@pytest.mark.parametrize(("query", "_code"), CONTRACT)
async def test_as_a_provider_it_is_an_error_of_the_result(
    service: Service, query: dict[str, Any], _code: str
) -> None:
    status, document, _ = await service.post(PROVIDER, call(question(SEEN, **query)))
    result = document["result"]["content"][0]["json"]
    assert status == 200
    assert result["error"]["code"] in {"provider_missing", "check_missing", "params_invalid"}
    assert accepts(RESULT_SCHEMA, result)


async def test_a_failing_provider_is_no_fault(service: Service) -> None:
    asked = question(SEEN)
    asked["context"]["trigger_time"] = {"kind": "logical", "value": 7}
    for path, wrapped in ((RPC, True), (PROVIDER, False)):
        status, document, _ = await service.post(path, call(asked))
        content = document["result"]["content"][0]["json"]
        result = content["result"] if wrapped else content
        assert (status, result["error"]["code"]) == (200, "context_invalid")
        assert "error" not in document


async def test_what_is_refused_is_never_quoted(service: Service) -> None:
    marker = "secret-marker"
    bodies = [
        LIST | {"method": marker},
        LIST | {marker: 1},
        call({marker: marker}),
        call(question(SEEN, params=marker)),
    ]
    for body in bodies:
        said = await service.post(RPC, body)
        assert said.status == 400
        # A member that is not known may be named; a value never is.
        assert marker not in json.dumps(said.document)
