"""The OpenAPI document of the evidence service: made of the schemas that its parts work with."""

from importlib.metadata import version
from typing import Any

from webhook.model.contract_schema import (
    CONTRACT_SCHEMA,
    GET_INPUT_SCHEMA,
    GET_NAME,
    GET_OUTPUT_SCHEMA,
    LIST_INPUT_SCHEMA,
    LIST_NAME,
    LIST_OUTPUT_SCHEMA,
)
from webhook.model.evidence_schema import INPUT_SCHEMA, RESULT_SCHEMA, TOOL_DESCRIPTION, TOOL_NAME
from webhook.server.query.faults import FAULT_KINDS
from webhook.server.query.surfaces import PROVIDER_PATH, QUERY_PATH, RPC_PATH

OPENAPI_PATH = "/openapi.json"

Schema = dict[str, Any]

_CORRELATION = {
    "name": "x-correlation-id",
    "in": "header",
    "required": False,
    "description": "Yours, for your logs and ours; given back. Another one is refused, and not given back.",
    "schema": {"type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$"},
}
_HEADERS = {"x-server-correlation-id": {"description": "Names the request in our log.", "schema": {"type": "string"}}}
_STATUSES = {
    400: "The request is not what the contract says.",
    401: "The bearer token is missing, or not valid.",
    403: "The caller has no right to ask.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    429: "The caller asks too often.",
    500: "An unexpected error; the message has the incident's id.",
    503: "Too many requests are under way, or who asks could not be found out.",
}


def openapi_document() -> dict[str, Any]:
    """Makes the document.

    Returns:
        OpenAPI 3.1; docs/contracts holds the same.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Execution Evidence Gate: evidence_query",
            "version": version("execution-evidence-gate"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "What is known about an artifact, as Decision Gate's contract `evidence_query` has it.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": {
            QUERY_PATH: _path(TOOL_NAME, TOOL_DESCRIPTION, _named("Request"), _named("Answer"), "Fault"),
            RPC_PATH: _rpc("rpc", "JSON-RPC 2.0 as Decision Gate serves it.", _served()),
            PROVIDER_PATH: _rpc(
                "provider_rpc",
                "JSON-RPC 2.0 as Decision Gate asks a provider: results are bare, protocol errors have status 200.",
                {TOOL_NAME: (_named("Request"), _named("Result"))},
            ),
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Request": _inside(INPUT_SCHEMA),
                "Result": RESULT_SCHEMA,
                "Answer": _closed({"result": _named("Result")}),
                "Providers": LIST_OUTPUT_SCHEMA,
                "Contract": CONTRACT_SCHEMA,
                "NamedContract": _naming(GET_OUTPUT_SCHEMA, contract="Contract"),
                "Fault": _fault(),
                "RpcFault": _rpc_fault(),
            },
        },
    }


def _inside(schema: Schema) -> Schema:
    """A schema inside another document has that one's dialect."""
    return {name: part for name, part in schema.items() if name != "$schema"}


def _naming(schema: Schema, **names: str) -> Schema:
    """The schema, with some of its members by the names of their schemas."""
    members = {member: _named(name) for member, name in names.items()}
    return schema | {"properties": schema["properties"] | members}


def _named(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _path(name: str, text: str, body: Schema, result: Schema, fault: str) -> dict[str, Any]:
    responses = {"200": _answer("The answer. A query that fails has `error` set.", result)}
    responses |= {str(status): _answer(meaning, _named(fault)) for status, meaning in _STATUSES.items()}
    return {
        "post": {
            "operationId": name,
            "summary": text,
            "parameters": [_CORRELATION],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": responses,
        }
    }


def _answer(text: str, schema: Schema) -> dict[str, Any]:
    return {"description": text, "headers": _HEADERS, "content": {"application/json": {"schema": schema}}}


def _closed(properties: dict[str, Any], *optional: str) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


_ID: Schema = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
_VERSION: Schema = {"const": "2.0"}


def _served() -> dict[str, tuple[Schema, Schema]]:
    """The tools of a server: name to what goes in and what comes out."""
    return {
        TOOL_NAME: (_named("Request"), _named("Answer")),
        LIST_NAME: (_inside(LIST_INPUT_SCHEMA), _named("Providers")),
        GET_NAME: (_inside(GET_INPUT_SCHEMA), _named("NamedContract")),
    }


def _rpc(name: str, text: str, tools: dict[str, tuple[Schema, Schema]]) -> dict[str, Any]:
    calls = [_closed({"name": {"const": tool}, "arguments": taken}) for tool, (taken, _) in tools.items()]
    requests = [_request({"const": "tools/call"}, {"params": call}) for call in calls]
    body = {"oneOf": [*requests, _request({"const": "tools/list"}, {})]}
    contents = [_closed({"type": {"const": "json"}, "json": given}) for _, given in tools.values()]
    called = [_closed({"content": {"type": "array", "items": content}}) for content in contents]
    tool = _closed(
        {"name": {"enum": list(tools)}, "description": {"type": "string"}, "input_schema": {"type": "object"}}
    )
    listed = _closed({"tools": {"type": "array", "items": tool}})
    answers = [_closed({"jsonrpc": _VERSION, "id": _ID, "result": result}) for result in (*called, listed)]
    result = {"anyOf": [*answers, _named("RpcFault")]}
    return _path(name, text, body, result, "RpcFault")


def _request(method: Schema, params: dict[str, Any]) -> Schema:
    return _closed({"jsonrpc": _VERSION, "id": _ID, "method": method, **params})


def _fault_data() -> dict[str, Any]:
    return {
        "kind": {"enum": [kind.name for kind in FAULT_KINDS]},
        "retryable": {"type": "boolean"},
        "request_id": {"type": "string"},
        "retry_after_ms": {"type": "integer", "minimum": 1},
    }


def _fault() -> Schema:
    return _closed({"error": _closed({"message": {"type": "string"}, **_fault_data()}, "retry_after_ms")})


def _rpc_fault() -> Schema:
    error = _closed(
        {
            "code": {"enum": [kind.code for kind in FAULT_KINDS]},
            "message": {"type": "string"},
            "data": _closed(_fault_data(), "retry_after_ms"),
        }
    )
    return _closed({"jsonrpc": _VERSION, "id": {"oneOf": [{"type": "null"}, *_ID["oneOf"]]}, "error": error})
