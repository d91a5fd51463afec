"""MCP on standard input and output: one message a line.

Not the SDK's own transport: that one reads lines of any length, and a read that waits keeps its process from ending.
"""

import asyncio
from functools import partial
from typing import BinaryIO

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import ServerMessageMetadata, SessionMessage

from webhook.limits import LIMITS
from webhook.server.mcp.messages import MessageError, read_message, write_message
from webhook.server.mcp.protocol import McpServer
from webhook.server.query.framing import FrameError
from webhook.server.query.read_ahead import read_ahead

_Incoming = SessionMessage | Exception


async def serve_stdio(server: McpServer, source: BinaryIO, sink: BinaryIO) -> None:
    """Answers until the input ends.

    Args:
        server: Answers.
        source: Where the messages come from.
        sink: Where the answers go.

    Raises:
        FrameError: A line is too long; what is under way then is not answered.
        OSError: Nobody reads the answers.
    """
    incoming, requests = anyio.create_memory_object_stream[_Incoming]()
    answers, outgoing = anyio.create_memory_object_stream[SessionMessage]()
    connection = _Connection(source, sink)
    reading = asyncio.create_task(connection.read(incoming, answers.clone()), name="mcp-read")
    writing = asyncio.create_task(connection.write(outgoing), name="mcp-write")
    serving = asyncio.create_task(
        server.run(requests, answers, server.create_initialization_options()), name="mcp-serve"
    )
    try:
        # Whoever fails first ends the others; in good order, each ends the next.
        await asyncio.gather(reading, serving, writing)
    finally:
        for task in (reading, serving, writing):
            task.cancel()
        await asyncio.gather(reading, serving, writing, return_exceptions=True)


class _Connection:
    """One connection: as long as enough requests wait for their answers, no more is read."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._room = asyncio.Semaphore(LIMITS.queries_in_flight)

    async def read(
        self, incoming: MemoryObjectSendStream[_Incoming], answers: MemoryObjectSendStream[SessionMessage]
    ) -> None:
        async with incoming, answers:
            async for line in read_ahead(partial(read_line, self._source)):
                try:
                    message = read_message(line)
                except MessageError as error:
                    await self._room.acquire()
                    await answers.send(SessionMessage(error.reply))
                    continue
                metadata = None
                if isinstance(message, types.JSONRPCRequest):
                    await self._room.acquire()
                    # A request that its client cancels is never answered.
                    metadata = ServerMessageMetadata(on_request_unanswered=self._settled)
                await incoming.send(SessionMessage(message, metadata=metadata))

    async def write(self, outgoing: MemoryObjectReceiveStream[SessionMessage]) -> None:
        async with outgoing:
            async for answer in outgoing:
                await asyncio.to_thread(self._write_line, write_message(answer.message))
                if isinstance(answer.message, types.JSONRPCResponse | types.JSONRPCError):
                    self._room.release()

    async def _settled(self) -> None:
        self._room.release()

    def _write_line(self, line: bytes) -> None:
        self._sink.write(line + b"\n")
        self._sink.flush()


def read_line(source: BinaryIO) -> bytes | None:
    """Reads one line; blocks until it is there.

    Args:
        source: Where the lines come from.

    Returns:
        The line, or None where the input ends.

    Raises:
        FrameError: It is too long.
    """
    line = source.readline(LIMITS.mcp_message_bytes + 1)
    if len(line) > LIMITS.mcp_message_bytes:
        raise FrameError(f"a message is longer than {LIMITS.mcp_message_bytes} bytes")
    return line or None
