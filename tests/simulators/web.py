"""A TLS server that gives every request the same answer."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme


class TlsAnswers:
    """The server, in a thread; a context manager.

    Attributes:
        url: Where it listens.
        ca_file: Who signed its certificate.
    """

    def __init__(self, folder: Path, status: int, body: bytes) -> None:
        authority = trustme.CA()
        self.ca_file = folder / "web-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))

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

            def log_message(self, *_: object) -> None:
                return

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        """Begins to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Goes away."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
