"""Lines on standard input and output, over real pipes."""

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, NamedTuple

import pytest

from tests.harness.polling import poll_async
from webhook.limits import LIMITS
from webhook.server.mcp.protocol import make_server
from webhook.server.mcp.stdio import read_line, serve_stdio
from webhook.server.mcp.tool import Tool
from webhook.server.query.framing import FrameError

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Talk(NamedTuple):
    """The client's ends of the pipes.

    Attributes:
        to: What the server reads.
        answers: What it writes.
        asked: Calls that have reached the tool.
        go: Lets the calls end.
        serving: The server.
    """

    to: BinaryIO
    answers: BinaryIO
    asked: list[Any]
    go: asyncio.Event
    serving: asyncio.Task[None]

    def say(self, *messages: Any) -> None:
        lines = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in messages]
        self.to.write(b"".join(line + b"\n" for line in lines))
        self.to.flush()

    async def hear(self) -> Any:
        return json.loads(await asyncio.wait_for(asyncio.to_thread(self.answers.readline), 10))


def call(number: int) -> dict[str, Any]:
    params = {"name": "wait", "arguments": {"number": number}, "_meta": META}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


@asynccontextmanager
async def talk() -> AsyncIterator[Talk]:
    """A server with a tool that waits."""
    asked: list[Any] = []
    go = asyncio.Event()

    async def wait(arguments: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(arguments["number"])
        await go.wait()
        return dict(arguments)

    server = make_server([Tool("wait", "Wait", "Waits.", {"type": "object"}, {"type": "object"}, wait)])
    (source, to), (answers, sink) = os.pipe(), os.pipe()
    # The client's ends are closed last: what it waits for ends with the server's.
    with (
        os.fdopen(answers, "rb") as hears,
        os.fdopen(to, "wb") as says,
        os.fdopen(source, "rb") as reads,
        os.fdopen(sink, "wb") as writes,
    ):
        serving = asyncio.create_task(serve_stdio(server, reads, writes))
        try:
            yield Talk(says, hears, asked, go, serving)
        finally:
            go.set()
            says.close()
            await asyncio.wait([serving], timeout=10)
            serving.cancel()


async def test_what_is_no_message_is_answered_and_the_talk_goes_on() -> None:
    async with talk() as client:
        client.go.set()
        client.say(b"not JSON", b'{"jsonrpc": "2.0", "id": 1, "id": 1, "method": "ping"}', b"[]", call(4))
        heard = [await client.hear() for _ in range(4)]
    assert [answer.get("error", {}).get("code") for answer in heard] == [-32700, -32700, -32600, None]
    assert heard[-1]["result"]["structuredContent"] == {"number": 4}


async def test_calls_are_answered_while_others_wait() -> None:
    async with talk() as client:
        client.say(call(1), {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"_meta": META}})
        assert (await client.hear())["id"] == 2
        client.go.set()
        assert (await client.hear())["id"] == 1


async def test_no_more_is_read_while_too_many_wait() -> None:
    most = LIMITS.queries_in_flight
    async with talk() as client:
        client.say(*map(call, range(most + 3)))

        async def full() -> bool:
            return len(client.asked) >= most

        await poll_async(full, 10, "the calls are under way")
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(client.asked) == most
        client.go.set()
        assert {(await client.hear())["id"] for _ in range(most + 3)} == set(range(most + 3))


async def test_a_call_that_is_cancelled_makes_room() -> None:
    most = LIMITS.queries_in_flight
    async with talk() as client:
        client.say(*map(call, range(most)))
        gone = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 0}}
        client.say(gone, call(most))

        async def let_in() -> bool:
            return most in client.asked

        await poll_async(let_in, 10, "the next call is under way")


async def test_the_end_of_the_input_is_the_end() -> None:
    async with talk() as client:
        client.say(call(1))

        async def asked() -> bool:
            return bool(client.asked)

        await poll_async(asked, 10, "the call is under way")
        client.to.close()
        await asyncio.wait_for(client.serving, 10)


async def test_a_line_that_is_too_long_is_the_end_of_the_talk() -> None:
    async with talk() as client:
        writing = asyncio.create_task(asyncio.to_thread(client.say, b" " * (LIMITS.mcp_message_bytes + 1)))
        with pytest.raises(FrameError, match=f"longer than {LIMITS.mcp_message_bytes} bytes"):
            await asyncio.wait_for(client.serving, 10)
        await writing


@pytest.mark.parametrize("length", [LIMITS.mcp_message_bytes - 1, LIMITS.mcp_message_bytes])
def test_a_line_up_to_the_limit_is_read_whole(length: int) -> None:
    line = b" " * (length - 1) + b"\n"
    source = io.BytesIO(line + b"next")
    assert (read_line(source), read_line(source), read_line(source)) == (line, b"next", None)
