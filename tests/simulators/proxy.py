"""An HTTP proxy between a signer and its services."""

import select
import socket
from http.server import BaseHTTPRequestHandler

from tests.simulators.threaded import ThreadedServer

_CHUNK = 65536


class Proxy(ThreadedServer):
    """Leads every tunnel to one port of the loopback address; a context manager.

    Attributes:
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

        super().__init__(Handler)


def _join(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until either side ends."""
    while True:
        for source in select.select([one, other], [], [])[0]:
            content = source.recv(_CHUNK)
            if not content:
                return
            (other if source is one else one).sendall(content)
