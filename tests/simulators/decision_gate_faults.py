"""Every way in which a Decision Gate's answer can go wrong."""

import json
import threading
from collections.abc import Mapping
from typing import Any

from tests.simulators.decision_gate import Asked, Fault, Handler


def says(document: Any, status: int = 200) -> Fault:
    """Answers with a whole document, in which `ID` stands for the request's id."""
    return lambda handler, asked: handler.send(
        status, json.dumps(document).replace('"ID"', json.dumps(asked.document["id"])).encode()
    )


def says_bytes(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Fault:
    """Answers with bytes, in which `ID` stands for the request's id."""
    return lambda handler, asked: handler.send(
        status, body.replace(b'"ID"', json.dumps(asked.document["id"]).encode()), headers
    )


def gives(result: Any, *, wrapped: bool | None = None, **members: Any) -> Fault:
    """Answers with a result, whatever is asked."""
    return lambda handler, asked: handler.answer(result, asked, wrapped=wrapped, **members)


def refuses(code: int, message: str = "no", retry_after_ms: Any = None, status: int | None = None) -> Fault:
    """Answers with an error of the table."""
    return lambda handler, asked: handler.refuse(asked, code, message, retry_after_ms, status)


def hangs(release: threading.Event) -> Fault:
    """Does not answer until it is released."""

    def _hang(handler: Handler, asked: Asked) -> None:
        release.wait(30)
        handler.answer(handler.gate.result, asked)

    return _hang


def drips(handler: Handler, _: Asked) -> None:
    """Sends a byte now and then, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    pause = threading.Event()
    try:
        while not pause.wait(0.02):
            handler.wfile.write(b" ")
    except OSError:
        handler.close_connection = True


def endless(handler: Handler, _: Asked) -> None:
    """Sends as much as anybody takes."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**12))
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        handler.close_connection = True


def babbles(handler: Handler, _: Asked) -> None:
    """Sends informational responses for ever."""
    try:
        while True:
            handler.wfile.write(b"HTTP/1.1 103 \r\n\r\n" * 1000)
    except OSError:
        handler.close_connection = True


def hangs_up(handler: Handler, _: Asked) -> None:
    """Ends the connection without a word."""
    handler.close_connection = True
