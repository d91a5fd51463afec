"""Messages from standard input, read by a thread of its own so that the loop goes on."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from webhook.server.query.framing import FrameError

_WAITING = 8
"""Messages that are read ahead."""

_Read = bytes | FrameError | None


async def read_ahead(read: Callable[[], bytes | None]) -> AsyncIterator[bytes]:
    """Reads messages until there are no more.

    Args:
        read: Reads one, and blocks until it is there; None at the end. Called by the thread.

    Yields:
        The messages; at most eight are read before they are asked for.

    Raises:
        FrameError: The input is not in step; what came before was yielded.
    """
    messages: asyncio.Queue[_Read] = asyncio.Queue()
    room = threading.Semaphore(_WAITING)
    loop = asyncio.get_running_loop()

    def _read() -> None:
        message: _Read = b""
        while isinstance(message, bytes):
            room.acquire()
            try:
                message = read()
            except FrameError as error:
                message = error
            except (OSError, ValueError):
                message = None
            with suppress(RuntimeError):  # The loop is closed: the process ends.
                loop.call_soon_threadsafe(messages.put_nowait, message)

    # A daemon: a read that never ends must not keep the process from ending.
    threading.Thread(target=_read, name="stdin", daemon=True).start()
    while isinstance(message := await messages.get(), bytes):
        yield message
        room.release()
    if message is not None:
        raise message
