"""The provider on standard input and output: one message in, one message out, in order."""

import asyncio
import json
import threading
from contextlib import suppress
from typing import BinaryIO

from webhook.server.query.framing import FrameError, read_frame, write_frame
from webhook.server.query.rpc import RpcSurface

_WAITING = 8
"""Messages that are read ahead."""

_Read = bytes | FrameError | None


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
    messages: asyncio.Queue[_Read] = asyncio.Queue()
    room = threading.Semaphore(_WAITING)
    loop = asyncio.get_running_loop()

    def _read() -> None:
        message: _Read = b""
        while isinstance(message, bytes):
            room.acquire()
            try:
                message = read_frame(source)
            except FrameError as error:
                message = error
            except (OSError, ValueError):
                message = None
            with suppress(RuntimeError):  # The loop is closed: the process ends.
                loop.call_soon_threadsafe(messages.put_nowait, message)

    # A daemon: a read that never ends must not keep the process from ending.
    threading.Thread(target=_read, name="stdin", daemon=True).start()
    number = 0
    while isinstance(message := await messages.get(), bytes):
        number += 1
        reply = await surface.answer(message, f"stdio-{number}")
        room.release()
        await asyncio.to_thread(write_frame, sink, json.dumps(reply.document).encode("ascii"))
    if message is not None:
        raise message
