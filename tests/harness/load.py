"""Clients that keep their connections and ask without a pause, as an API server under load does."""

import http.client
import ssl
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_JOIN_SECONDS = 20.0


class Load:
    """Some clients, each in a thread with a kept connection; a context manager.

    Attributes:
        answered: Requests that were answered with HTTP 200.
        closing: Answers that told the client to close its connection.
        failures: What went wrong, one text a lost request.
    """

    def __init__(self, url: str, ca_pem: bytes, body: bytes, clients: int = 4) -> None:
        """Remembers what to send.

        Args:
            url: Where to post, with path and query.
            ca_pem: Who signed the server's certificate.
            body: Each request's body.
            clients: How many clients.
        """
        self._url = urlsplit(url)
        self._body = body
        self._tls = ssl.create_default_context(cadata=ca_pem.decode())
        self._stop = Event()
        self._lock = Lock()
        self._threads = [Thread(target=self._client, daemon=True) for _ in range(clients)]
        self.answered = 0
        self.closing = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        """Starts the clients."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets each client finish its request, and ends it."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def _client(self) -> None:
        connection = http.client.HTTPSConnection(
            str(self._url.hostname), self._url.port, timeout=10, context=self._tls
        )
        while not self._stop.is_set():
            self._ask(connection)
        connection.close()

    def _ask(self, connection: http.client.HTTPSConnection) -> None:
        try:
            connection.request(
                "POST", f"{self._url.path}?{self._url.query}", self._body, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            with self._lock:
                self.failures.append(repr(error))
            connection.close()
            return
        with self._lock:
            self.closing += answer.headers.get("Connection", "").lower() == "close"
            if answer.status == http.client.OK:
                self.answered += 1
            else:
                self.failures.append(f"{answer.status}: {content[:200]!r}")
