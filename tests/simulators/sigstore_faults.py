"""A service of a Sigstore that does not do its part."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Literal

from tests.simulators.threaded import ThreadedServer

Service = Literal["caUrls", "rekorTlogUrls", "tsaUrls"]
"""A list of a SigningConfig."""


@dataclass(frozen=True)
class Fault:
    """What it does with each request.

    Attributes:
        status: The answer's status.
        body: The answer's body; sent again and again if `endless`.
        endless: Whether the answer never ends.
        silent: Whether there is none, although the connection stays.
        drops: Whether the connection ends without one.
        location: Where a redirect leads.
    """

    status: int = 200
    body: bytes = b""
    endless: bool = False
    silent: bool = False
    drops: bool = False
    location: str = ""


class FaultyService(ThreadedServer):
    """The service; a context manager.

    Attributes:
        requests: The paths that were asked for.
    """

    def __init__(self, fault: Fault) -> None:
        """Takes a port, and answers nobody yet."""
        self._fault = fault
        self._gone = threading.Event()
        self.requests: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                service._answer(self)

            def do_GET(self) -> None:
                service._answer(self)

        super().__init__(Handler)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Goes away, and lets go of whoever still waits."""
        self._gone.set()
        super().__exit__(kind, error, trace)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(request.path)
        request.close_connection = True
        if self._fault.silent:
            self._gone.wait()
        if self._fault.silent or self._fault.drops:
            return
        request.send_response(self._fault.status)
        if self._fault.location:
            request.send_header("Location", self._fault.location)
        if not self._fault.endless:
            request.send_header("Content-Length", str(len(self._fault.body)))
        request.end_headers()
        try:
            request.wfile.write(self._fault.body)
            while self._fault.endless and not self._gone.is_set():
                request.wfile.write(self._fault.body)
        except OSError:
            # The client has read enough.
            return


def replaced(trust_config: bytes, service: Service, url: str) -> bytes:
    """Names another service in a trust configuration.

    Args:
        trust_config: A ClientTrustConfig.
        service: Which one.
        url: Where it is.

    Returns:
        The configuration with it.
    """
    config = json.loads(trust_config)
    config["signingConfig"][service][0]["url"] = url
    return json.dumps(config).encode()
