"""The way from aiohttp to the SDK."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from yarl import URL

from webhook.limits import LIMITS
from webhook.listener import listen
from webhook.server.mcp.http import MCP_PATH, McpHandler
from webhook.server.mcp.protocol import McpServer, make_server
from webhook.server.query.door import Door, capped_server

HEADERS = {"Accept": "application/json", "Authorization": "Bearer secret", "Cookie": "a=b", "X-Other": "kept"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@asynccontextmanager
async def serving(server: McpServer, *, started: bool = True, seconds: float = 10.0) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        if started:
            await stack.enter_async_context(manager.run())
        handler = McpHandler(manager, Door(None), local=True, seconds=seconds)
        runner = web.ServerRunner(capped_server(handler.handle, LIMITS.mcp_message_bytes))
        yield f"http://{await listen(stack, runner, ('127.0.0.1', 0))}{MCP_PATH}"


async def post(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, json=LIST, headers=HEADERS) as response:
        return response.status, await response.text()


async def test_what_opens_doors_is_not_handed_on() -> None:
    seen: list[Any] = []
    server = make_server([])

    async def look(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        assert ctx.request is not None
        seen.append(dict(ctx.request.headers))
        return await call_next(ctx)

    server.middleware.append(look)
    async with serving(server) as url:
        assert (await post(url))[0] == 200
    (headers,) = seen
    assert headers["x-other"] == "kept"
    assert not {"authorization", "cookie"} & set(headers)


async def by_hand(url: str, *lines: str) -> bytes:
    """Sends the head of a request as it stands, and reads the answer's first line."""
    address = URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return await asyncio.wait_for(reader.readline(), 10)
    finally:
        writer.close()
        await writer.wait_closed()


POST = "POST /mcp HTTP/1.1"
TYPE = "Content-Type: application/json"


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with serving(make_server([]), seconds=0.05) as url:
        line = await by_hand(url, POST, "Host: localhost", TYPE, "Content-Length: 9")
    assert line.startswith(b"HTTP/1.1 408 ")


HOSTS: list[list[str]] = [[], ["Host: localhost", "Host: evil.example.com"], ["Host: evil.example.com", "Host: ::1"]]


@pytest.mark.parametrize("hosts", HOSTS, ids=len)
async def test_a_request_names_one_host(hosts: list[str]) -> None:
    async with serving(make_server([])) as url:
        line = await by_hand(url, POST.replace("1.1", "1.0"), *hosts, TYPE, "Content-Length: 0")
    assert re.match(rb"HTTP/1.\d (400|421) ", line)


async def test_what_nobody_expected_is_an_incident_and_no_text(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(make_server([]), started=False) as url:
        status, text = await post(url)
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert status == 500
    assert f"an internal error, incident {record.__dict__['incident']}" in text
    assert "ask group" not in text
