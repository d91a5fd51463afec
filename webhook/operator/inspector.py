"""Writes what is found in ExecutionEvidence objects into their status, and deletes those that are too old."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook.kube.api_errors import ApiStatusError, ApiTooLargeError
from webhook.kube.client import KubeClient
from webhook.operator.evidence import Finding, examine, expired, status_of
from webhook.operator.metrics import OperatorMetrics
from webhook.stores.cluster import COLLECTION
from webhook.trust.policy import TrustPolicy

_PAGE_OBJECTS = 100
_PAGE_BYTES = 8 * 1024 * 1024
_AT_ONCE = 4
# Deleted or changed in the meantime: an event about that is on its way.
_OVERTAKEN = frozenset({404, 409})

_LOG = logging.getLogger(__name__)


class EvidenceInspector:
    """Examines objects.

    Args:
        client: The Kubernetes client.
        policy: Gives the trusted keys in force.
        retention: How long evidence is kept, or None for ever.
        metrics: Told of deletions.
        clock: Gives the time, with a zone.
    """

    def __init__(
        self,
        client: KubeClient,
        policy: Callable[[], TrustPolicy],
        retention: timedelta | None,
        metrics: OperatorMetrics,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._policy = policy
        self._retention = retention
        self._metrics = metrics
        self._clock = clock
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._reasons: dict[str, str] = {}

    @property
    def reasons(self) -> Mapping[str, str]:
        """The reason of each object's condition, by the object's name."""
        return self._reasons

    async def inspect(self, obj: dict[str, Any]) -> None:
        """Examines an object, and writes its status if that says something else.

        Args:
            obj: The object as JSON.

        Raises:
            ApiError: The status cannot be written.
        """
        async with self._turns:
            # In a thread: a large envelope would hold up the probes.
            finding = await asyncio.to_thread(examine, obj, self._policy())
            name = obj["metadata"]["name"]
            self._reasons[name] = finding.reason
            if await self._deleted(obj, finding):
                return
            status = status_of(obj, finding, self._clock())
            if status is not None:
                version = {"resourceVersion": obj["metadata"]["resourceVersion"]}
                await self._send("PATCH", f"{COLLECTION}/{name}/status", {"metadata": version, "status": status})

    def forget(self, obj: dict[str, Any]) -> None:
        """Drops an object that was deleted.

        Args:
            obj: The object as JSON.
        """
        self._reasons.pop(obj["metadata"]["name"], None)

    async def sweep(self) -> None:
        """Examines all objects: what changed with the configuration, with time, or while nobody watched.

        Raises:
            ApiError: The API server cannot be read; what was examined by then is.
        """
        known, found = set(self._reasons), set()
        trouble: ApiStatusError | None = None
        async for obj in self._all():
            found.add(obj["metadata"]["name"])
            try:
                await self.inspect(obj)
            except ApiStatusError as error:
                # One object that is refused must not keep the others from their turn.
                trouble = error
        for name in known - found:
            self._reasons.pop(name, None)
        if trouble is not None:
            raise trouble

    async def _all(self) -> AsyncIterator[dict[str, Any]]:
        limit, token, first = _PAGE_OBJECTS, "", True
        while first or token:
            query = [("limit", str(limit)), *([("continue", token)] if token else [])]
            try:
                page = await self._client.get(COLLECTION, query, _PAGE_BYTES)
            except ApiTooLargeError:
                if limit == 1:
                    raise
                limit = max(1, limit // 8)
                continue
            first, token = False, page["metadata"].get("continue") or ""
            for obj in page["items"]:
                yield obj

    async def _deleted(self, obj: dict[str, Any], finding: Finding) -> bool:
        if self._retention is None or not expired(obj, finding, self._clock(), self._retention):
            return False
        metadata = obj["metadata"]
        same = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": same}
        if await self._send("DELETE", f"{COLLECTION}/{metadata['name']}", options):
            self.forget(obj)
            self._metrics.deletions.inc()
            _LOG.info("expired evidence deleted", extra={"object": metadata["name"], "reason": finding.reason})
        return True

    async def _send(self, method: str, path: str, body: Mapping[str, Any]) -> bool:
        try:
            await self._client.send(method, path, body)
        except ApiStatusError as error:
            if error.status in _OVERTAKEN:
                return False
            raise
        return True
