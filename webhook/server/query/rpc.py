"""JSON-RPC 2.0 as Decision Gate speaks it: `tools/list` and `tools/call`, without session, batch or notification.

Two shapes of the same answer. As a server we wrap: `{"result": EvidenceResult}`. As a provider that a Decision Gate
calls we must not: it would read a wrapped result as an empty verified one, for which `not_exists` is true. A Decision
Gate asks a provider for nothing else, so the catalogue of providers is there for those who ask us as a server.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from webhook.errors import MalformedError
from webhook.model.evidence import EvidenceProblem, EvidenceQuery, EvidenceResult
from webhook.model.evidence_schema import INPUT_SCHEMA, TOOL_DESCRIPTION, TOOL_NAME
from webhook.model.evidence_wire import WireError, read_request
from webhook.model.strict_json import parse_json
from webhook.server.query.catalogue import CATALOGUE_TOOLS, consult
from webhook.server.query.desk import PROVIDER_MISSING, EvidenceDesk
from webhook.server.query.faults import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    FaultError,
)

_MEMBERS = frozenset({"jsonrpc", "id", "method", "params"})
_CALL_MEMBERS = frozenset({"name", "arguments"})
_ID_CHARACTERS = 256
_QUERY_TOOL = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "input_schema": INPUT_SCHEMA}
_CONTRACT_CODES = frozenset({PROVIDER_MISSING, "check_missing", "params_missing", "params_invalid"})
"""Errors of a result that Decision Gate's own server tells as `invalid_params`."""

NOT_DISCLOSED = "value_not_disclosed"

RequestId = str | int | None


class Reply(NamedTuple):
    """An answer.

    Attributes:
        status: The HTTP status.
        document: The JSON-RPC response.
        outcome: For the counters: `answered`, `failed` (a result with `error`), `listed` (tools, providers, a
            contract), or the fault's kind.
    """

    status: int
    document: dict[str, Any]
    outcome: str


class RpcSurface:
    """Answers JSON-RPC requests."""

    def __init__(self, desk: EvidenceDesk, *, bare: bool) -> None:
        """Binds the surface.

        Args:
            desk: Answers the queries.
            bare: Whether results are bare, as a Decision Gate expects them of a provider.
        """
        self._desk = desk
        self._bare = bare
        self._tools = [_QUERY_TOOL] if bare else [_QUERY_TOOL, *CATALOGUE_TOOLS]

    async def answer(self, body: bytes, server_id: str) -> Reply:
        """Answers one request.

        Args:
            body: The JSON-RPC request; the caller has capped it.
            server_id: Names the request in our log.

        Returns:
            The reply. A provider's has HTTP status 200 also with an error, since a Decision Gate drops the text of
            any other.
        """
        known: RequestId = None
        try:
            message = _parse(body)
            known = message["id"]
            result, outcome = await self._dispatch(message)
        except FaultError as fault:
            return self.refuse(fault, server_id, known)
        return Reply(200, {"jsonrpc": "2.0", "id": known, "result": result}, outcome)

    def refuse(self, fault: FaultError, server_id: str, request_id: RequestId = None) -> Reply:
        """Writes a fault.

        Args:
            fault: What is wrong.
            server_id: Names the request in our log.
            request_id: The request's id, as far as it was read.

        Returns:
            The reply.
        """
        error = {"code": fault.kind.code, "message": fault.message, "data": fault.data(server_id)}
        protocol = fault.kind in {INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR}
        status = 200 if self._bare and protocol and fault.status == fault.kind.status else fault.status
        return Reply(status, {"jsonrpc": "2.0", "id": request_id, "error": error}, fault.kind.name)

    async def _dispatch(self, message: dict[str, Any]) -> tuple[dict[str, Any], str]:
        method, params = message["method"], message.get("params")
        if method == "tools/list":
            if params not in (None, {}):
                raise FaultError(INVALID_PARAMS, "tools/list takes no params")
            return {"tools": self._tools}, "listed"
        if method == "tools/call":
            return await self._call(params)
        raise FaultError(METHOD_NOT_FOUND, "the methods are tools/list and tools/call")

    async def _call(self, params: Any) -> tuple[dict[str, Any], str]:
        if not isinstance(params, dict) or params.keys() != _CALL_MEMBERS:
            raise FaultError(INVALID_PARAMS, "tools/call takes name and arguments, and nothing else")
        name, arguments = params["name"], params["arguments"]
        if all(name != tool["name"] for tool in self._tools):
            raise FaultError(METHOD_NOT_FOUND, "no tool has this name: see tools/list")
        if name != TOOL_NAME:
            return _content(consult(name, arguments, self._desk.contracts())), "listed"
        try:
            query, context = read_request(arguments)
        except WireError as error:
            raise FaultError(INVALID_PARAMS, f"params_invalid: {error}") from None
        result = await self._desk.answer(query, context)
        if self._bare:
            result = _never_absent(result)
        else:
            _refuse_what_breaks_the_contract(query, result)
        document = result.to_json() if self._bare else {"result": result.to_json()}
        return _content(document), "answered" if result.error is None else "failed"


def _content(document: dict[str, Any]) -> dict[str, Any]:
    return {"content": [{"type": "json", "json": document}]}


def _never_absent(result: EvidenceResult) -> EvidenceResult:
    """Turns a value that may not be shown into an error.

    Whoever calls a provider decides on its answer, and reads one without a value as absent, for which `not_exists`
    is true.
    """
    if result.value is not None or result.evidence_hash is None:
        return result
    problem = EvidenceProblem(NOT_DISCLOSED, "the value may not be shown: see `disclosure` in the configuration")
    return replace(result, error=problem, evidence_hash=None)


def _refuse_what_breaks_the_contract(query: EvidenceQuery, result: EvidenceResult) -> None:
    error = result.error
    if error is None or error.code not in _CONTRACT_CODES:
        return
    code = "params_missing" if error.code == "params_invalid" and query.params is None else error.code
    raise FaultError(INVALID_PARAMS, f"{code}: {error.message}")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        message = parse_json(body, "request")
    except MalformedError as error:
        raise FaultError(INVALID_REQUEST, error.detail) from None
    if not isinstance(message, dict) or not message.keys() <= _MEMBERS or message.get("jsonrpc") != "2.0":
        raise FaultError(INVALID_REQUEST, "the request is one JSON-RPC 2.0 object: jsonrpc, id, method, params")
    if not isinstance(message.get("method"), str) or not _is_id(message.get("id")):
        raise FaultError(INVALID_REQUEST, "the request needs a method, and an id that is a string or an integer")
    return message


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _ID_CHARACTERS
    return isinstance(value, int) and not isinstance(value, bool)
