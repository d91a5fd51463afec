"""An API server that is asked in no haste: at a bounded rate, again after a failure that passes, and counted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from webhook.kube.api_errors import ApiGarbageError, ApiStatusError, ApiTooLargeError, ApiUnreachableError
from webhook.kube.client import KubeClient, Query
from webhook.kube.pacing import TokenBucket, backoff
from webhook.limits import LIMITS

_TRIES = 4
_PAUSE_SECONDS = 0.5
_PAUSE_CAP_SECONDS = 30.0
_T = TypeVar("_T")


class PacedApi:
    """Requests that nobody waits for.

    Args:
        client: The Kubernetes client.

    Attributes:
        calls: Requests so far, repeated ones included.
    """

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._bucket = TokenBucket(LIMITS.scan_call_rate, LIMITS.scan_call_burst)
        self._turn = asyncio.Lock()
        self.calls = 0

    async def get(self, path: str, query: Query = (), cap: int = LIMITS.object_bytes) -> dict[str, Any]:
        """As `KubeClient.get`."""
        return await self._insist(lambda: self._client.get(path, query, cap))

    async def find(self, path: str) -> dict[str, Any] | None:
        """Reads an object that may not be there.

        Args:
            path: The URL's path.

        Returns:
            The object, or None.

        Raises:
            ApiError: As `KubeClient.get`.
        """
        try:
            return await self.get(path)
        except ApiStatusError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def send(self, method: str, path: str, body: Mapping[str, Any], query: Query = ()) -> None:
        """As `KubeClient.send`; the request must do no harm if it is done twice."""
        await self._insist(lambda: self._client.send(method, path, body, query))

    async def pages(self, path: str, selector: str = "") -> AsyncIterator[list[dict[str, Any]]]:
        """Lists a collection, a page at a time.

        Args:
            path: The collection's path.
            selector: A label selector, or nothing.

        Yields:
            The objects of each page. After a token that has expired the list begins anew, so one may come twice.

        Raises:
            ApiError: The list cannot be read to its end.
        """
        limit, token, anew = LIMITS.scan_page_objects, "", _TRIES
        while True:
            query = [("limit", str(limit))]
            query += [("labelSelector", selector)] if selector else []
            query += [("continue", token)] if token else []
            try:
                page = await self.get(path, query, LIMITS.scan_page_bytes)
            except ApiTooLargeError:
                if limit == 1:
                    raise
                limit = max(1, limit // 8)
                continue
            except ApiStatusError as error:
                anew -= 1
                if error.status != HTTPStatus.GONE or not anew:
                    raise
                token = ""
                continue
            items, token = _read(page)
            yield items
            if not token:
                return

    async def _insist(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        for failures in range(1, _TRIES):
            try:
                return await self._ask(ask)
            except ApiUnreachableError:
                await asyncio.sleep(backoff(failures, _PAUSE_SECONDS, _PAUSE_CAP_SECONDS))
            except ApiStatusError as error:
                if error.status != HTTPStatus.TOO_MANY_REQUESTS and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                own = backoff(failures, _PAUSE_SECONDS, _PAUSE_CAP_SECONDS)
                await asyncio.sleep(max(own, min(error.retry_after or 0.0, _PAUSE_CAP_SECONDS)))
        return await self._ask(ask)

    async def _ask(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        async with self._turn:
            await self._bucket.take()
        self.calls += 1
        return await ask()


def _read(page: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    items, metadata = page.get("items"), page.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(items, list):
        raise ApiGarbageError("the API server sent a list without items")
    return items, str(metadata.get("continue") or "")
