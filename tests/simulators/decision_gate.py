"""A Decision Gate over TLS, in a thread: its JSON-RPC, its error table, and every way to get an answer wrong.

Held against the real thing that we have, our own server, by tests/simulators/test_decision_gate_crosscheck.py.
"""

import copy
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.simulators.threaded import ThreadedServer

Document = dict[str, Any]

ERRORS: dict[int, tuple[str, int, bool]] = {
    -32600: ("invalid_request", 400, False),
    -32601: ("method_not_found", 400, False),
    -32602: ("invalid_params", 400, False),
    -32001: ("unauthenticated", 401, False),
    -32003: ("unauthorized", 403, False),
    -32070: ("request_too_large", 413, False),
    -32071: ("rate_limited", 429, True),
    -32072: ("inflight_limit", 503, True),
    -32073: ("invalid_correlation_id", 400, False),
}
"""JSON-RPC code to kind, HTTP status, and whether it may be tried again."""
_CORRELATION = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")


def result_of(value: Any, **members: Any) -> Document:
    """Writes a result.

    Args:
        value: The inner JSON value.
        members: What differs.

    Returns:
        A bare result with all eight members; its hash is computed by another implementation than ours.
    """
    digest = hashlib.sha256(rfc8785.dumps(value)).hexdigest()
    return {
        "value": {"kind": "json", "value": value},
        "lane": "verified",
        "error": None,
        "evidence_hash": {"algorithm": "sha256", "value": digest},
        "evidence_ref": None,
        "evidence_anchor": None,
        "signature": None,
        "content_type": "application/json",
    } | members


def absent(**members: Any) -> Document:
    """Writes a result without a value."""
    return result_of(None) | {"value": None, "evidence_hash": None, "content_type": None} | members


def failed(code: str, message: str, **members: Any) -> Document:
    """Writes a result with an error."""
    return absent(error={"code": code, "message": message, "details": None}, **members)


def signed(result: Document, key: Ed25519PrivateKey, key_id: str, **members: Any) -> Document:
    """Signs a result, as Decision Gate's providers do."""
    signature = key.sign(rfc8785.dumps(result["evidence_hash"]))
    return result | {"signature": {"scheme": "ed25519", "key_id": key_id, "signature": list(signature)} | members}


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        path: Where.
        headers: By lower-case name.
        document: The JSON-RPC request.
    """

    path: str
    headers: dict[str, str]
    document: Document

    @property
    def arguments(self) -> Document:
        """Query and context."""
        arguments: Document = self.document["params"]["arguments"]
        return arguments


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    gate: "DecisionGateSimulator"

    def do_POST(self) -> None:
        """Answers, or does what it was told to do instead."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.path, headers, json.loads(body))
        self.gate.asked.append(asked)
        fault = self.gate.faults.pop(0) if self.gate.faults else self.gate.fault
        if fault is not None:
            fault(self, asked)
            return
        refusal = self._refusal(asked)
        if refusal is not None:
            self.refuse(asked, *refusal)
            return
        self.answer(self.gate.result_for(asked.arguments), asked)

    def answer(self, result: Any, asked: Asked, *, wrapped: bool | None = None, **members: Any) -> None:
        """Sends a result, wrapped as it stands at the path unless told otherwise."""
        wrap = asked.path == "/rpc" if wrapped is None else wrapped
        content = [{"type": "json", "json": {"result": result} if wrap else result}]
        response = {"jsonrpc": "2.0", "id": asked.document["id"], "result": {"content": content}} | members
        self.send(200, json.dumps(response).encode())

    def refuse(
        self, asked: Asked, code: int, message: str, retry_after_ms: Any = None, status: int | None = None
    ) -> None:
        """Sends an error of the table."""
        kind, usual, retryable = ERRORS[code]
        data = {"kind": kind, "retryable": retryable, "request_id": "r-1"}
        if retry_after_ms is not None:
            data["retry_after_ms"] = retry_after_ms
        protocol = asked.path == "/provider/rpc" and -32603 <= code <= -32600
        known = None if code in {-32001, -32003, -32073} else asked.document["id"]
        response = {"jsonrpc": "2.0", "id": known, "error": {"code": code, "message": message, "data": data}}
        self.send(status or (200 if protocol else usual), json.dumps(response).encode())

    def send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Sends a whole answer."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refusal(self, asked: Asked) -> tuple[int, str] | None:
        correlation = asked.headers.get("x-correlation-id")
        if correlation is not None and not _CORRELATION.fullmatch(correlation):
            return -32073, "invalid correlation id"
        if self.gate.token is not None and asked.headers.get("authorization") != f"Bearer {self.gate.token}":
            return -32001, "unauthenticated"
        if asked.document["method"] != "tools/call" or asked.document["params"]["name"] != "evidence_query":
            return -32601, "method not found"
        if asked.path == "/rpc" and asked.arguments["query"]["provider_id"] not in self.gate.providers:
            return -32602, "provider_missing: no such provider"
        return None


Fault = Callable[[Handler, Asked], None]


class DecisionGateSimulator(ThreadedServer):
    """The server; a context manager.

    Attributes:
        ca_file: Who signed its certificate.
        token: The bearer token that it wants, or None.
        providers: Whom `/rpc` knows.
        result: What it answers, whatever is asked.
        results: Params' canonical JSON to what it answers instead.
        fault: What it does instead of answering; None answers.
        faults: The same for the next requests, one each.
        asked: All requests.
    """

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "decision-gate-ca.pem"
        self.token: str | None = None
        self.providers = {"approvals"}
        self.result: Document = result_of("production", content_type="text/plain")
        self.results: dict[bytes, Document] = {}
        self.fault: Fault | None = None
        self.faults: list[Fault | None] = []
        self.asked: list[Asked] = []
        super().__init__(type("Bound", (Handler,), {"gate": self}), self.ca_file)

    def result_for(self, arguments: Document) -> Document:
        """Gives the result of a query."""
        found = self.results.get(rfc8785.dumps(arguments["query"]["params"]), self.result)
        return copy.deepcopy(found)
