"""A collector of records over TLS, in a thread, that answers as it is told to."""

import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.simulators.threaded import ThreadedServer


@dataclass(frozen=True)
class Posted:
    """One request.

    Attributes:
        path: With the query.
        headers: By lower-case name.
        lines: Of the body.
    """

    path: str
    headers: dict[str, str]
    lines: list[bytes]


Fault = Callable[["_Handler", list[bytes]], None]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    collector: "CollectorSimulator"

    def do_POST(self) -> None:
        """Takes a batch, or does what it was told to do instead."""
        length = int(self.headers["Content-Length"])
        fault = self.collector.fault
        if fault is reset_in_the_body:
            self.rfile.read(length // 2)
            fault(self, [])
            return
        lines = self.rfile.read(length).splitlines()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.collector.asked.append(Posted(self.path, headers, lines))
        if fault is not None:
            fault(self, lines)
            return
        self.collector.taken += lines
        self.answer(204)

    def answer(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """Sends an answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class CollectorSimulator(ThreadedServer):
    """The collector; a context manager.

    Attributes:
        ca_file: Who signed its certificate.
        fault: What it does instead of taking a batch; None takes it.
        asked: All requests that were read to their end.
        taken: All lines that it took.
    """

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "collector-ca.pem"
        self.fault: Fault | None = None
        self.asked: list[Posted] = []
        self.taken: list[bytes] = []
        super().__init__(type("Bound", (_Handler,), {"collector": self}), self.ca_file)
        self.url += "/records"


def answers(status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Fault:
    """Answers with a status and takes nothing."""
    return lambda handler, _: handler.answer(status, headers, body)


def reset_in_the_body(handler: _Handler, _: list[bytes]) -> None:
    """Ends the connection with a reset while the body still comes."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def takes_and_says_nothing(handler: _Handler, lines: list[bytes]) -> None:
    """Takes the batch, and ends the connection before the answer."""
    handler.collector.taken += lines
    handler.close_connection = True


def hangs(release: threading.Event) -> Fault:
    """Does not answer until it is released."""

    def _hang(_: _Handler, __: list[bytes]) -> None:
        release.wait(30)

    return _hang


def endless_answer(handler: _Handler, lines: list[bytes]) -> None:
    """Takes the batch, and answers with more than anybody should read."""
    handler.collector.taken += lines
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**12))
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True


def refuses_what_holds(marker: bytes, status: int = 413) -> Fault:
    """Refuses each batch with a certain entry in it, and takes others."""

    def _judge(handler: _Handler, lines: list[bytes]) -> None:
        if any(marker in line for line in lines):
            handler.answer(status)
            return
        handler.collector.taken += lines
        handler.answer(200)

    return _judge
