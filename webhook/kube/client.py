"""The one door to the Kubernetes client: opened from a kubeconfig or in a pod, typed, in dictionaries, with caps.

`kubernetes.aio` ships no type information, takes 0.3 s to import, and its models cost 0.2 to 0.6 ms an object. So
it is imported when a client is opened and not before, and only its connection handling (credentials, TLS, pool)
is used; bodies stay dictionaries. Its errors quote headers and bodies, so they stop here.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp

from webhook.errors import ConfigurationError

USER_AGENT = f"execution-evidence-gate/{version('execution-evidence-gate')}"

Query = Sequence[tuple[str, str]]
"""Names and values of a URL's query."""

_CONNECT_SECONDS = 5.0
_REQUEST_SECONDS = 30.0
_REPLY_BYTES = 1024 * 1024
_CONTENT_TYPES = {"PATCH": "application/merge-patch+json", "APPLY": "application/apply-patch+yaml"}
_LINE_BYTES = 4 * 1024 * 1024  # One watch event; etcd refuses objects above 1.5 MiB.


class ApiError(Exception):
    """A request to the API server brought no usable answer.

    Attributes:
        detail: One lower-case clause of our own, without secrets.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ApiUnreachableError(ApiError):
    """No connection, a broken one, or no answer in time."""


class ApiGarbageError(ApiError):
    """The answer is not what an API server sends."""


class ApiTooLargeError(ApiError):
    """The answer exceeds the caller's cap."""


class ApiStatusError(ApiError):
    """The API server answered with an error.

    Attributes:
        status: The HTTP status.
        retry_after: Seconds that the server asks to wait, or None.
    """

    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(f"the API server answered {status}")
        self.status = status
        self.retry_after = retry_after


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


@asynccontextmanager
async def open_client(kubeconfig: Path | None) -> AsyncIterator[KubeClient]:
    """Opens a client. No request is made yet.

    Proxies come from the kubeconfig alone: neither proxy variables nor `.netrc` are read.

    Args:
        kubeconfig: A kubeconfig file, whose current context is used; None means the pod's service account. The
            token of a kubeconfig's exec plugin is read once and not renewed.

    Yields:
        The client.

    Raises:
        ConfigurationError: The kubeconfig cannot be used, or this is no pod.
    """
    api = await _connected(kubeconfig)
    try:
        yield KubeClient(api)
    finally:
        await api.close()


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


async def _connected(kubeconfig: Path | None) -> Any:
    # Only who opens a client pays for the import. `Any`, because not one of its functions is typed.
    client: Any = import_module("kubernetes.aio.client")
    config: Any = import_module("kubernetes.aio.config")
    configuration = client.Configuration(client_session_kwargs={"trust_env": False})
    # As client-go: clusters whose CA predates RFC 5280's key identifiers are common, and Python 3.13 refuses them.
    configuration.disable_strict_ssl_verification = True
    try:
        if kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)
        else:
            # persist_config=True, the default, would write into the user's file.
            await config.load_kube_config(str(kubeconfig), client_configuration=configuration, persist_config=False)
        api = client.ApiClient(configuration)
    except Exception as error:
        # The library fails in a dozen ways on a bad file, AttributeError among them.
        place = "the pod's service account" if kubeconfig is None else f"kubeconfig {kubeconfig}"
        raise ConfigurationError(
            f"{place} does not lead to an API server; check that the file is complete"
        ) from error
    api.user_agent = USER_AGENT
    return api


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
