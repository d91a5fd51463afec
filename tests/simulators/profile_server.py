"""A profile server over TLS, in a thread: a Pyroscope and a Parca at once, that does what it is told instead."""

import base64
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.simulators.profile_server_answers import Question, Stored, parca_body, pyroscope_body
from tests.simulators.threaded import ThreadedServer

PYROSCOPE_PATH = "/querier.v1.QuerierService/SelectMergeProfile"
_PARCA_METHOD = "/parca.query.v1alpha1.QueryService/Query"
PARCA_PATH = f"/api{_PARCA_METHOD}"
CONTENT_TYPES = {PYROSCOPE_PATH: "application/proto", PARCA_PATH: "application/grpc-web+proto"}
LONGEST_NANOSECONDS = 24 * 3600 * 10**9
"""Pyroscope's `max_query_length`, unless it is told otherwise."""


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        path: Where.
        headers: By lower-case name.
        body: As it came.
    """

    path: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_: "ProfileServerSimulator"

    def do_POST(self) -> None:
        """Answers, or does what it was told to do instead."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server_.asked.append(asked)
        fault = self.server_.faults.pop(0) if self.server_.faults else self.server_.fault
        if fault is not None:
            fault(self, asked)
            return
        self.answer(asked)

    def answer(self, asked: Asked) -> None:
        """Answers as the real ones do."""
        path = asked.path.removeprefix(self.server_.prefix)
        if path.endswith(_PARCA_METHOD):
            # It minds no prefix.
            path = PARCA_PATH
        if path not in CONTENT_TYPES:
            self.send(404, b"404 page not found\n", {"Content-Type": "text/plain"})
        elif not self.server_.lets_in(asked.headers):
            self.send(401, b'{"code":"unauthenticated"}', {"Content-Type": "application/json"})
        elif asked.headers["content-type"] != CONTENT_TYPES[path]:
            self.send(415, b"")
        elif path == PARCA_PATH:
            found = self.server_.find(Question.of_parca(asked.body), time=True)
            self.send(200, parca_body(found), {"Content-Type": CONTENT_TYPES[path]})
        else:
            self._answer_as_pyroscope(Question.of_pyroscope(asked.body))

    def _answer_as_pyroscope(self, question: Question) -> None:
        if question.end - question.start > LONGEST_NANOSECONDS:
            self.send(400, b'{"code":"invalid_argument"}', {"Content-Type": "application/json"})
            return
        found = self.server_.find(question, time=False)
        self.send(200, pyroscope_body(found), {"Content-Type": CONTENT_TYPES[PYROSCOPE_PATH]})

    def send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Sends a whole answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


Fault = Callable[[Handler, Asked], None]


class ProfileServerSimulator(ThreadedServer):
    """The server; a context manager.

    Attributes:
        ca_file: Who signed its certificate.
        prefix: What stands before the paths of its API.
        token: The bearer token that it wants, or None.
        login: User and password that it wants, or None.
        tenant: The `X-Scope-OrgID` that it wants, or None.
        fault: What it does instead of answering; None answers.
        faults: The same for the next requests, one each.
        asked: All requests.
    """

    def __init__(self, folder: Path, *, tls: bool = True) -> None:
        """Makes a certificate; listens, and answers nobody yet.

        Args:
            folder: Gets `profile-server-ca.pem`.
            tls: Whether it speaks https.
        """
        self.ca_file = folder / "profile-server-ca.pem"
        self.prefix = ""
        self.token: str | None = None
        self.login: tuple[str, str] | None = None
        self.tenant: str | None = None
        self.fault: Fault | None = None
        self.faults: list[Fault | None] = []
        self.asked: list[Asked] = []
        self._stored: list[Stored] = []
        super().__init__(type("Bound", (Handler,), {"server_": self}), self.ca_file if tls else None)

    def push(self, content: bytes, labels: Mapping[str, str]) -> None:
        """Stores a profile.

        Args:
            content: pprof, as Go writes it.
            labels: Where it comes from.
        """
        self._stored.append(Stored(gzip.decompress(content), dict(labels)))

    def find(self, question: Question, *, time: bool) -> bytes | None:
        """Finds what is asked for; that it would have to add profiles up is a mistake of the test.

        Args:
            question: The question.
            time: Whether samples come as the time that they stand for.

        Returns:
            pprof, None if there is nothing.
        """
        found = [
            stored.of_type(question.counted, time=time) for stored in self._stored if stored.is_asked_for(question)
        ]
        assert len(found) < 2
        return found[0] if found else None

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Says whether a request has what it wants."""
        wanted = {}
        if self.token is not None:
            wanted["authorization"] = f"Bearer {self.token}"
        if self.login is not None:
            wanted["authorization"] = "Basic " + base64.b64encode(":".join(self.login).encode()).decode()
        if self.tenant is not None:
            wanted["x-scope-orgid"] = self.tenant
        return headers.items() >= wanted.items()
