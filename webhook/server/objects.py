"""What of the cluster a review needs and does not bring."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from webhook.errors import UnavailableError
from webhook.kube.api_errors import ApiError, ApiStatusError
from webhook.kube.client import KubeClient, Query
from webhook.limits import LIMITS
from webhook.server.query.pacing import RateLimit

_ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_REPLY_BYTES = 1024 * 1024
_STATUSES: Mapping[int, str] = {
    403: "the gate's account may not read it",
    404: "it does not exist",
}


class ClusterObjects:
    """Asks the API server with the webhook's own account, a few questions at a time.

    Histories and access reviews are counted for their namespace: who floods one delays no other. Single objects are
    not, since a delivery may bring a hundred Rollouts at once: each costs one read, and waits within its deadline.

    Args:
        client: The Kubernetes client.
    """

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._places = asyncio.Semaphore(LIMITS.object_reads)
        self._lists = asyncio.Semaphore(LIMITS.object_reads)
        self._reviews = asyncio.Semaphore(LIMITS.object_reads)
        self._rates = RateLimit(LIMITS.namespace_rate, LIMITS.namespace_burst, 2 * LIMITS.namespaces)

    async def read(self, path: str) -> bytes:
        """Reads an object.

        Args:
            path: The path of its URL.

        Returns:
            JSON, at most `LIMITS.object_bytes`.

        Raises:
            UnavailableError: It does not exist or cannot be read.
        """
        try:
            async with self._places:
                return await self._client.read(path, (), LIMITS.object_bytes)
        except ApiStatusError as error:
            problem = _STATUSES.get(error.status, error.detail)
        except ApiError as error:
            problem = error.detail
        raise UnavailableError(problem)

    async def replica_sets(self, namespace: str, query: Query) -> bytes:
        """Reads a page of the ReplicaSets of a namespace.

        Args:
            namespace: The namespace's name, checked.
            query: The URL's query.

        Returns:
            JSON, at most `LIMITS.object_bytes`.

        Raises:
            UnavailableError: They cannot be read, or are asked for too often.
        """
        self._take(namespace, "replicasets")
        path = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
        try:
            async with self._lists:
                return await self._client.read(path, query, LIMITS.object_bytes)
        except ApiError as error:
            raise UnavailableError(_told(error)) from None

    async def review_access(self, spec: Mapping[str, Any]) -> bool:
        """Asks whether a user may do something in a namespace.

        Args:
            spec: Of a SubjectAccessReview.

        Returns:
            True only if the API server allows it in so many words.

        Raises:
            UnavailableError: There is no answer, or it is asked too often.
        """
        self._take(spec["resourceAttributes"]["namespace"], "access")
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        try:
            async with self._reviews:
                status = (await self._client.create(_ACCESS_REVIEWS, body, _REPLY_BYTES)).get("status")
        except ApiError as error:
            raise UnavailableError(_told(error)) from None
        if not isinstance(status, dict):
            raise UnavailableError("the API server sent no answer")
        return status.get("allowed") is True and not status.get("denied")

    def _take(self, namespace: str, what: str) -> None:
        if self._rates.take((namespace, what)) is not None:
            raise UnavailableError("too many such questions for this namespace")


def _told(error: ApiError) -> str:
    forbidden = isinstance(error, ApiStatusError) and error.status == HTTPStatus.FORBIDDEN
    return "the gate's account may not ask" if forbidden else error.detail
