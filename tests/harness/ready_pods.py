"""In the place of nodes: every pod is said to run and to be ready, soon after it is made."""

import http.client
import json
import threading
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.harness.control_plane import ControlPlane

_INTERVAL = 0.1
_READY = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}


class ReadyPods:
    """A thread that does what kubelets tell the API server; a context manager."""

    def __init__(self, control_plane: ControlPlane) -> None:
        """Binds it to a cluster.

        Args:
            control_plane: Where.
        """
        address = urlsplit(control_plane.url)
        self._connection = http.client.HTTPSConnection(
            str(address.hostname), address.port, timeout=10, context=control_plane.tls
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ready-pods", daemon=True)

    def __enter__(self) -> Self:
        """Begins."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends."""
        self._stop.set()
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        while not self._stop.wait(_INTERVAL):
            for pod in self._ask("GET", "/api/v1/pods?fieldSelector=status.phase%3DPending")["items"]:
                metadata = pod["metadata"]
                path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
                # The pod may be gone by now, and the answer says so; the next list will not have it.
                self._ask("PATCH", path, _READY)

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, {"Content-Type": "application/merge-patch+json"})
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read())
        return answer
