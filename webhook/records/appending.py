"""Appending whole lines to a file, so that a full disk or a crash leaves no half of one."""

import contextlib
import fcntl
import os
from pathlib import Path

from webhook.errors import ConfigurationError

_MODE = 0o640


class AppendFile:
    """A file that is appended to.

    What was appended is on the disk (`fdatasync`), not only with the kernel: a node that loses power keeps it.

    Attributes:
        size: Bytes in it.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it.

        Args:
            path: The file.

        Raises:
            OSError: It cannot be opened.
        """
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
        self.size = os.fstat(self._descriptor).st_size
        self._torn = False

    @property
    def gone(self) -> bool:
        """Whether somebody has deleted the file, or cut it: what is appended may be read by nobody."""
        status = os.fstat(self._descriptor)
        return status.st_nlink == 0 or status.st_size < self.size

    def append(self, data: bytes) -> None:
        """Appends bytes.

        Args:
            data: The bytes.

        Raises:
            OSError: None of them is in the file.
        """
        rest = memoryview(data)
        if self._torn:
            self._cut()
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fdatasync(self._descriptor)
        except OSError:
            # A file system that has become read-only keeps the half line; the next try takes it back first.
            self._torn = True
            with contextlib.suppress(OSError):
                self._cut()
            raise
        self.size += len(data)

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self.size)
        self._torn = False

    def close(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)


class Lock:
    """Keeps a second process from the same file or spool."""

    def __init__(self, path: Path, what: str) -> None:
        """Takes the lock; it ends with the process.

        Args:
            path: A file that nobody else needs.
            what: The setting at fault if it is taken, for the error.

        Raises:
            ConfigurationError: Another process has it.
            OSError: The file cannot be made.
        """
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise ConfigurationError(f"{what}: another process writes there") from None

    def release(self) -> None:
        """Lets others have it."""
        os.close(self._descriptor)


def sync_folder(folder: Path) -> None:
    """Puts the names in a folder on the disk: a file that was made, renamed or deleted stays so.

    Args:
        folder: The folder.

    Raises:
        OSError: It cannot be.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
