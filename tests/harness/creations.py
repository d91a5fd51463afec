"""Deployments without a pause: an API server that asks its webhooks all the time."""

import http.client
import json
import threading
from typing import Self
from urllib.parse import urlsplit

from tests.harness.api_server import ApiServer
from tests.harness.evidence import image_of
from tests.harness.workloads import deployment

_PAUSE_SECONDS = 0.02


class Creations:
    """Asks the API server by dry runs to create a Deployment, one after the other; a context manager.

    Attributes:
        admitted: How many were.
        failures: What else was answered, or what became of the connection.
    """

    def __init__(self, api_server: ApiServer, namespace: str, image: str | None = None) -> None:
        """Remembers what to ask.

        Args:
            api_server: Whom.
            namespace: Where the Deployment would be.
            image: Its image; the one called `cart` by default.
        """
        self._address = urlsplit(api_server.url)
        self._tls = api_server.tls
        self._path = f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All"
        self._body = json.dumps(deployment("cart", image or image_of("cart")))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.admitted = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        """Begins to ask."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Lets the last question be answered."""
        self._stop.set()
        self._thread.join(20)

    def _run(self) -> None:
        connection = http.client.HTTPSConnection(
            str(self._address.hostname), self._address.port, timeout=20, context=self._tls
        )
        while not self._stop.wait(_PAUSE_SECONDS):
            try:
                connection.request("POST", self._path, self._body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read().decode()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
                continue
            if answer.status == http.client.CREATED:
                self.admitted += 1
            else:
                self.failures.append(text)
        connection.close()
