"""The base of simulators that answer in threads, while the test waits for whoever asks them."""

import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says what went wrong here; clients that go away are what some tests are about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class ThreadedServer:
    """A server on a port of the loopback address; a context manager.

    Attributes:
        host: `127.0.0.1:PORT`.
        url: Where it listens.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], ca_file: Path | None = None) -> None:
        """Takes a port, and answers nobody yet.

        Args:
            handler: What answers.
            ca_file: Gets the certificate of whoever signed its own; None speaks http.
        """
        self._server = _Server(("127.0.0.1", 0), type("Quiet", (handler,), {"log_message": _say_nothing}))
        if ca_file is not None:
            self._use_tls(ca_file)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http{'' if ca_file is None else 's'}://{self.host}"
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

    def _use_tls(self, ca_file: Path) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        # Who connects and says nothing holds up nobody else.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )


def _say_nothing(*_: object) -> None:
    return
