"""From aiohttp, which serves everything here, to the SDK's Streamable HTTP, which is an ASGI application."""

import asyncio
from collections import deque
from collections.abc import MutableMapping
from typing import Any

from aiohttp import web
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

_Event = MutableMapping[str, Any]
_NOT_HANDED_ON = frozenset({b"authorization", b"cookie"})


async def ask_manager(manager: StreamableHTTPSessionManager, request: web.BaseRequest, body: bytes) -> web.Response:
    """Lets the SDK answer a request whose body is read already.

    Args:
        manager: Answers; it must be running, without sessions, and in JSON mode, in which every answer is finite.
        request: The request.
        body: Its body.

    Returns:
        The answer.
    """
    given: deque[_Event] = deque([{"type": "http.request", "body": body, "more_body": False}])
    start: _Event = {}
    parts: list[bytes] = []

    async def _receive() -> _Event:
        if not given:
            # The end of the connection cancels us; nobody need be told.
            await asyncio.Event().wait()
        return given.popleft()

    async def _send(event: _Event) -> None:
        if event["type"] == "http.response.start":
            start.update(event)
        else:
            parts.append(event.get("body", b""))

    await manager.handle_request(_scope(request), _receive, _send)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    return web.Response(status=start["status"], headers=headers, body=b"".join(parts))


def _scope(request: web.BaseRequest) -> _Event:
    """Describes a request, without what opens doors."""
    headers = [(name.lower(), value) for name, value in request.raw_headers]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode("ascii"),
        "query_string": b"",
        "root_path": "",
        "headers": [(name, value) for name, value in headers if name not in _NOT_HANDED_ON],
        "client": None,
        "server": None,
    }
