"""The provider on standard input and output: one message in, one message out, in order."""

import asyncio
import json
from functools import partial
from typing import BinaryIO

from webhook.server.query.framing import read_frame, write_frame
from webhook.server.query.read_ahead import read_ahead
from webhook.server.query.rpc import RpcSurface


async def serve_stdio(surface: RpcSurface, source: BinaryIO, sink: BinaryIO) -> None:
    """Answers until the input ends.

    Args:
        surface: Answers.
        source: Where the messages come from; read by a thread of its own, so that the stores go on following.
        sink: Where the answers go.

    Raises:
        FrameError: The input is not in step; what came before is answered.
        OSError: Nobody reads the answers.
    """
    number = 0
    async for message in read_ahead(partial(read_frame, source)):
        number += 1
        reply = await surface.answer(message, f"stdio-{number}")
        await asyncio.to_thread(write_frame, sink, json.dumps(reply.document).encode("ascii"))
