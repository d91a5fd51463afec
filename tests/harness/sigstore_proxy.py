"""An HTTP proxy between a signer and its services."""

import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_CHUNK = 65536


class Proxy:
    """Leads every tunnel to one port of the loopback address, in threads; a context manager.

    Attributes:
        url: Where it listens.
        asked: The hosts and ports that tunnels were asked for.
    """

    def __init__(self, port: int) -> None:
        """Takes a port, and leads nobody anywhere yet.

        Args:
            port: Where all tunnels end.
        """
        self.asked: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                proxy.asked.append(self.path)
                self.send_response(200)
                self.end_headers()
                with socket.create_connection(("127.0.0.1", port)) as service:
                    _join(self.connection, service)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        """Begins to lead."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Goes away."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _join(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until either side ends."""
    while True:
        for source in select.select([one, other], [], [])[0]:
            content = source.recv(_CHUNK)
            if not content:
                return
            (other if source is one else one).sendall(content)
