"""A TLS server that gives every request the same answer."""

from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.simulators.threaded import ThreadedServer


class TlsAnswers(ThreadedServer):
    """The server; a context manager.

    Attributes:
        ca_file: Who signed its certificate.
    """

    def __init__(self, folder: Path, status: int, body: bytes) -> None:
        self.ca_file = folder / "web-ca.pem"

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    # The client has read enough.
                    return

        super().__init__(Handler, self.ca_file)
