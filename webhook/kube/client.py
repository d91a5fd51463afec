"""The one door to the API server: typed, in dictionaries, with caps.

Only the connection handling of `kubernetes.aio` is used (credentials, TLS, pool): its models cost 0.2 to 0.6 ms an
object, so bodies stay dictionaries. Its errors quote headers and bodies, so they stop here.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import aiohttp

from webhook.kube.api_errors import ApiError, ApiGarbageError, ApiStatusError, ApiTooLargeError, ApiUnreachableError

Query = Sequence[tuple[str, str]]
"""Names and values of a URL's query."""

_CONNECT_SECONDS = 5.0
_REQUEST_SECONDS = 30.0
_REPLY_BYTES = 1024 * 1024
_CONTENT_TYPES = {"PATCH": "application/merge-patch+json", "APPLY": "application/apply-patch+yaml"}
_LINE_BYTES = 4 * 1024 * 1024  # One watch event; etcd refuses objects above 1.5 MiB.


class KubeClient:
    """Requests to one API server.

    Args:
        api: A `kubernetes.aio.client.ApiClient`; whoever opened it closes it.
    """

    def __init__(self, api: Any) -> None:
        self._api = api

    async def get(self, path: str, query: Query, cap: int) -> dict[str, Any]:
        """Reads a JSON object.

        Args:
            path: The URL's path.
            query: The URL's query.
            cap: The most bytes that are read.

        Returns:
            The object.

        Raises:
            ApiError: There is no usable answer; `ApiTooLargeError` if only the cap is in the way.
        """
        return parse_object(await self.read(path, query, cap))

    async def read(self, path: str, query: Query, cap: int) -> bytes:
        """Reads what somebody else will parse.

        Args:
            path: The URL's path.
            query: The URL's query.
            cap: The most bytes that are read.

        Returns:
            The answer's body.

        Raises:
            ApiError: There is no usable answer; `ApiTooLargeError` if only the cap is in the way.
        """
        async with self._response("GET", path, query, _REQUEST_SECONDS) as response:
            return await _read(response, cap)

    async def send(self, method: str, path: str, body: Mapping[str, Any], query: Query = ()) -> None:
        """Writes a JSON object, and reads no more of the answer than its status.

        Args:
            method: `POST`, `DELETE`, `PATCH` for a JSON merge patch (RFC 7396), or `APPLY` for server-side apply.
            path: The URL's path.
            body: The object.
            query: The URL's query; server-side apply names its `fieldManager` there.

        Raises:
            ApiError: The API server did not say that it took the object.
        """
        async with self._response(method, path, query, _REQUEST_SECONDS, body) as response:
            await _read(response, _REPLY_BYTES)

    async def create(self, path: str, body: Mapping[str, Any], cap: int) -> dict[str, Any]:
        """Posts a JSON object whose answer matters, such as a review.

        Args:
            path: The URL's path.
            body: The object.
            cap: The most bytes of the answer that are read.

        Returns:
            The object as the API server gives it back.

        Raises:
            ApiError: There is no usable answer.
        """
        async with self._response("POST", path, (), _REQUEST_SECONDS, body) as response:
            data = await _read(response, cap)
        return parse_object(data)

    @asynccontextmanager
    async def stream(self, path: str, query: Query, seconds: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """Reads an answer line by line while it grows.

        Args:
            path: The URL's path.
            query: The URL's query.
            seconds: When the answer must have ended.

        Yields:
            The lines, each without its end and at most 4 MiB. Entering means that the server has agreed.

        Raises:
            ApiError: On entry and between lines.
        """
        async with self._response("GET", path, query, seconds) as response:
            yield _lines(response)

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, query: Query, seconds: float, body: Mapping[str, Any] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url, headers = await self._prepared(method, path, query)
        timeout = aiohttp.ClientTimeout(total=seconds, connect=_CONNECT_SECONDS)
        with _own_errors():
            verb = "PATCH" if method == "APPLY" else method
            reply = await self._api.call_api(verb, url, headers, body, _request_timeout=timeout)
        response: aiohttp.ClientResponse = reply.response
        try:
            if not response.ok:
                with suppress(ApiError):
                    await _read(response, _REPLY_BYTES)
                raise ApiStatusError(response.status, _retry_after(response))
            yield response
        finally:
            _cut(response)

    async def _prepared(self, method: str, path: str, query: Query) -> tuple[str, dict[str, str]]:
        headers = {"Accept": "application/json", "Content-Type": _CONTENT_TYPES.get(method, "application/json")}
        try:
            _, url, complete, _, _ = await self._api.param_serialize(
                method, path, query_params=list(query), header_params=headers, auth_settings=["BearerToken"]
            )
        except Exception as error:
            # All that can fail here is reading the service account's token anew, in whatever way files fail.
            raise ApiUnreachableError("the service account's token cannot be read") from error
        return url, complete


def parse_object(data: bytes) -> dict[str, Any]:
    """Reads what an API server sent.

    Args:
        data: JSON, capped.

    Returns:
        The object.

    Raises:
        ApiGarbageError: It is no JSON object, or nested too deeply for the parser.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ApiGarbageError("the API server sent something that is not JSON") from None
    if not isinstance(value, dict):
        raise ApiGarbageError("the API server sent something that is no object")
    return value


async def _read(response: aiohttp.ClientResponse, cap: int) -> bytes:
    data = bytearray()
    with _own_errors():
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > cap:
                raise ApiTooLargeError(f"the API server's answer exceeds {cap} bytes")
    return bytes(data)


def _cut(response: aiohttp.ClientResponse) -> None:
    """Ends an answer that was not read to its end; a connection that was read empty is back in the pool."""
    if response.connection is not None and response.connection.transport is not None:
        # Without TLS's farewell, for which a server that hangs would let us wait.
        response.connection.transport.abort()
    response.close()


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    while True:
        with _own_errors():
            line = await response.content.readline(max_line_length=_LINE_BYTES)
        if not line:
            return
        yield line


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise ApiUnreachableError("the API server did not answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ApiUnreachableError("the connection to the API server failed") from error
    except aiohttp.http_exceptions.HttpProcessingError as error:
        raise ApiGarbageError("the API server sent something that is no HTTP") from error


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None
