"""The door of a service: how many at once, who, how often; and how much they may say."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from webhook.limits import LIMITS
from webhook.server.query.callers import CallerRule, bearer_token
from webhook.server.query.faults import (
    INFLIGHT_LIMIT,
    INVALID_REQUEST,
    RATE_LIMITED,
    REQUEST_TOO_LARGE,
    FaultError,
)
from webhook.server.query.pacing import RateLimit

_LINGERING_SECONDS = 1.0


class Door:
    """Lets requests in, each check before the work that it guards."""

    def __init__(self, callers: CallerRule | None) -> None:
        """Binds the door.

        Args:
            callers: Who may ask; None: everybody who reaches it.
        """
        self._callers = callers
        self._rate = RateLimit(LIMITS.query_rate, LIMITS.query_burst, LIMITS.query_callers)
        self._in_flight = 0

    @asynccontextmanager
    async def let_in(self, request: web.BaseRequest) -> AsyncIterator[str | None]:
        """Lets a request in; its place is free again when the context ends.

        Args:
            request: The request; its body is not read.

        Yields:
            The caller's name; None where everybody may ask.

        Raises:
            FaultError: There are too many, the caller may not ask, or asks too often.
        """
        if self._in_flight >= LIMITS.queries_in_flight:
            raise FaultError(INFLIGHT_LIMIT, "too many requests are under way", retry_after=1000)
        self._in_flight += 1
        try:
            caller = None
            if self._callers is not None:
                caller = await self._callers.admit(bearer_token(request.headers.getall("Authorization", [])))
            wait = self._rate.take(caller)
            if wait is not None:
                raise FaultError(RATE_LIMITED, "too many requests", retry_after=wait)
            yield caller
        finally:
            self._in_flight -= 1


async def read_body(request: web.BaseRequest, limit: int, seconds: float) -> bytes:
    """Reads a request's body.

    Args:
        request: The request; the server was made with the same limit, and reads no further.
        limit: Bytes, for the error.
        seconds: What the body gets to arrive.

    Returns:
        The body.

    Raises:
        FaultError: It is not said to be JSON, too large, or too slow.
    """
    if request.content_type != "application/json" or "Content-Encoding" in request.headers:
        raise FaultError(INVALID_REQUEST, "the content type is not application/json, or it is encoded", status=415)
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise FaultError(INVALID_REQUEST, "the body did not arrive in time", status=408) from None
    except web.HTTPRequestEntityTooLarge:
        raise FaultError(REQUEST_TOO_LARGE, f"the body exceeds {limit} bytes") from None


def capped_server(handle: Callable[[web.BaseRequest], Awaitable[web.Response]], limit: int) -> web.Server:
    """Builds a server.

    Args:
        handle: Answers the requests.
        limit: How far a body is read, bytes.

    Returns:
        The server, for a `ServerRunner`.
    """

    def _request(
        message: RawRequestMessage, payload: StreamReader, protocol: RequestHandler, writer: Any, task: Any
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=limit)

    # A client that goes away frees its place, and a body that is refused unread is not listened to for long.
    return web.Server(
        handle,
        request_factory=_request,
        access_log=None,
        handler_cancellation=True,
        lingering_time=_LINGERING_SECONDS,
    )
