"""Following files that change: the configuration, keys, certificates, folders of evidence.

By polling a fingerprint, not by inotify: a mounted ConfigMap or Secret is swapped through symbolic links that
inotify does not report reliably, and the kubelet itself takes up to a minute, so a second more is nothing.
"""

import asyncio
import contextlib
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

_LOG = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
"""How often a fingerprint is taken."""

Fingerprint = tuple[tuple[str, int, int, int], ...]


def read_capped(path: Path, limit: int) -> bytes:
    """Reads a file of limited size.

    Args:
        path: The file.
        limit: The most bytes that are acceptable.

    Returns:
        The content.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is larger than the limit.
    """
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"larger than {limit} bytes")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new one, never a part.

    Args:
        path: The file; it gets mode 0644.
        content: The whole content.

    Raises:
        OSError: The folder cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Describes files so that a change of content shows.

    Args:
        paths: Files; one that is missing is part of the description.

    Returns:
        Path, inode, size in bytes and change time in nanoseconds of each. The change time, since nobody can set it,
        and since it moves with permissions too.
    """
    return tuple(_describe(path) for path in paths)


def _describe(path: Path) -> tuple[str, int, int, int]:
    try:
        status = path.stat()
    except (OSError, ValueError):
        # ValueError: a name that no file system has (it holds a NUL).
        return (str(path), -1, -1, -1)
    return (str(path), status.st_ino, status.st_size, status.st_ctime_ns)


class Watch:
    """Calls back, in the event loop, each time that a fingerprint has changed."""

    def __init__(self, take: Callable[[], Fingerprint], on_change: Callable[[], Awaitable[bool]]) -> None:
        """Prepares the watch; `start` begins it.

        Args:
            take: Takes the fingerprint; called in a thread, so that a slow disk never blocks the loop.
            on_change: Called after a change, and again at each look until it has given True. What it raises is
                logged, and counts as False.
        """
        self._take = take
        self._on_change = on_change
        self._last: Fingerprint | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes the first fingerprint, reacts once, and begins to follow.

        The reaction comes after the fingerprint, so that a change between somebody's first reading and this is seen.
        """
        await self._look()
        self._task = asyncio.create_task(self._follow(), name="file-watch")

    async def stop(self) -> None:
        """Stops following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            await self._look()

    async def _look(self) -> None:
        try:
            current = await asyncio.to_thread(self._take)
            if current != self._last and await self._on_change():
                self._last = current
        except Exception:  # noqa: BLE001 - a watch that dies would freeze old rules in place without a word
            _LOG.exception("file watch: a look or the reaction to a change failed")
