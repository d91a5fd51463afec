"""One JSON-RPC call over TLS: capped, within its time, and nowhere else than where it was sent."""

import asyncio
import json
import secrets
import ssl
from contextlib import nullcontext
from functools import partial
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from webhook.errors import UnavailableError
from webhook.kube.pacing import backoff
from webhook.limits import LIMITS
from webhook.model.correlation import CORRELATION_HEADER, is_correlation_id
from webhook.model.evidence import EvidenceResult
from webhook.model.evidence_schema import TOOL_NAME
from webhook.providers.remote.reading import BusyError, read_reply
from webhook.settings.remote import RemoteProviderSettings, RemoteSurface
from webhook.stores.registry.transport.wire import CountingHandler

_PAUSE_SECONDS, _PAUSE_CAP_SECONDS = 0.05, 1.0
_HEADERS = {
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "execution-evidence-gate",
}


class AbruptConnection(CountingHandler):
    """A connection that ends at once: who hangs, or sends for ever, is not waited for to say farewell by TLS."""

    def close(self) -> None:
        """As `abort`."""
        self.abort()


class RemoteClient:
    """Asks one remote; opens its connections when it is first asked."""

    def __init__(self, section: RemoteProviderSettings, context: ssl.SSLContext, token: str | None) -> None:
        """Binds it.

        Args:
            section: Where and how long.
            context: Whom to trust there.
            token: The bearer token, or None.
        """
        self._url = URL(section.url, encoded=True)
        self._wrapped = section.surface is RemoteSurface.SERVER
        self._seconds = section.timeout_seconds
        self._context = context
        self._headers = _HEADERS if token is None else {**_HEADERS, "Authorization": f"Bearer {token}"}
        self._outside = asyncio.Semaphore(LIMITS.remote_calls_from_outside)
        self._session: aiohttp.ClientSession | None = None
        self._stopped = False

    async def stop(self) -> None:
        """Closes all connections; nothing is asked any more."""
        self._stopped = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(self, arguments: dict[str, Any], correlation_id: str | None, *, for_review: bool) -> EvidenceResult:
        """Asks one query, again while the other side says that it is busy and time is left.

        Args:
            arguments: Query and context, as JSON.
            correlation_id: Sent as a header too if it can be one.
            for_review: Whether a review waits for it, for which some places are kept.

        Returns:
            The result, as `read_reply` has checked it.

        Raises:
            UnavailableError: There is no usable answer in time.
        """
        headers = self._headers
        if correlation_id is not None and is_correlation_id(correlation_id):
            headers = {**headers, CORRELATION_HEADER: correlation_id}
        timer = asyncio.timeout(self._seconds)
        try:
            async with timer, nullcontext() if for_review else self._outside:
                return await self._ask_until_heard(arguments, headers, timer)
        except TimeoutError:
            raise UnavailableError(f"no answer within {self._seconds:g} s") from None

    async def _ask_until_heard(
        self, arguments: dict[str, Any], headers: dict[str, str], timer: asyncio.Timeout
    ) -> EvidenceResult:
        attempts = 0
        while True:
            request_id = secrets.token_hex(8)
            body = _request(arguments, request_id)
            try:
                status, data = await self._post(body, headers)
                return read_reply(status, data, request_id, wrapped=self._wrapped)
            except BusyError as busy:
                attempts += 1
                pause = max(busy.retry_after, backoff(attempts, _PAUSE_SECONDS, _PAUSE_CAP_SECONDS))
                if asyncio.get_running_loop().time() + pause >= (timer.when() or 0):
                    raise UnavailableError(busy.detail) from None
                await asyncio.sleep(pause)

    async def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        try:
            try:
                return await self._exchange(body, headers)
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                # Most likely a connection that was closed there while it rested here. A query changes nothing.
                return await self._exchange(body, headers)
        except aiohttp.ClientConnectorCertificateError:
            raise UnavailableError("its certificate is not valid") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            # ValueError: a name that no resolver takes.
            raise UnavailableError("the connection failed") from None

    async def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        async with self._opened().post(self._url, data=body, headers=headers, allow_redirects=False) as response:
            if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
                raise UnavailableError(f"it answers {response.status}, and redirects are not followed")
            return response.status, await read_body(response, LIMITS.remote_reply_bytes)

    def _opened(self) -> aiohttp.ClientSession:
        if self._stopped:
            raise UnavailableError("the configuration has changed meanwhile")
        if self._session is None:
            # The limit is on requests under way too: who finds no connection free waits for one.
            connector = aiohttp.TCPConnector(ssl=self._context, limit=LIMITS.remote_calls)
            handler: type[ResponseHandler] = AbruptConnection
            connector._factory = partial(handler, loop=asyncio.get_running_loop())  # noqa: SLF001 - the only way
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                # Neither proxy variables nor .netrc, which would be another way for a token to get out.
                trust_env=False,
            )
        return self._session


async def read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Reads an answer as it comes, and no further than a limit.

    Args:
        response: The answer.
        limit: Bytes.

    Returns:
        The body.

    Raises:
        UnavailableError: It is longer; the connection is cut.
    """
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > limit:
            if response.connection is not None and response.connection.transport is not None:
                # Without TLS's farewell, for which a server that goes on sending would let us wait.
                response.connection.transport.abort()
            raise UnavailableError(f"the answer exceeds {limit} bytes")
    return bytes(data)


def _request(arguments: dict[str, Any], request_id: str) -> bytes:
    params = {"name": TOOL_NAME, "arguments": arguments}
    document = {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}
    return json.dumps(document, allow_nan=False).encode("ascii")
