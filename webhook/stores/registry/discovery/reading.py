"""Reading what registries give, without holding up the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")

_SMALL_BYTES = 64 * 1024
"""What is larger is read in a thread: 4 MiB would hold up every other review for a tenth of a second."""
_READERS = ThreadPoolExecutor(1, "registry-reader")
"""A thread of its own: what somebody attached must not keep the files' watches waiting for a thread."""


async def read_aside(raw: bytes, read: Callable[[bytes], _T]) -> _T:
    """Reads bytes, in a thread if they are many.

    Args:
        raw: The bytes.
        read: Reads them; a pure function.

    Returns:
        What it gives.

    Raises:
        Exception: Whatever it raises.
    """
    if len(raw) <= _SMALL_BYTES:
        return read(raw)
    return await asyncio.get_running_loop().run_in_executor(_READERS, read, raw)
