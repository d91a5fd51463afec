"""The sink `file`: JSON lines in a file that rotates."""

import math
from collections.abc import Sequence
from pathlib import Path

from webhook.records.appending import AppendFile, Lock, sync_folder


class RotatingFile:
    """A file of lines; when it is full it is renamed to `NAME.1`, `NAME.1` to `NAME.2` and so on."""

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        """Opens the file.

        Args:
            path: The file.
            max_bytes: Size that it does not exceed, unless by a single line.
            keep: Renamed files that are kept.

        Raises:
            ConfigurationError: Another process writes it.
            OSError: It cannot be opened.
        """
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._lock = Lock(path.with_name(f"{path.name}.lock"), f"records.file.path {str(path)!r}")
        self._file = AppendFile(path)
        if self._file.size and not _ends_whole(path):
            # A process was killed while it wrote. Its half line stays what it is, and spoils no other.
            self._file.append(b"\n")

    def room(self) -> float:
        """Gives how many bytes it takes: any number; a full disk says so when it is written to."""
        return math.inf

    def write(self, lines: Sequence[bytes]) -> None:
        """Appends lines, each whole in one file.

        Args:
            lines: Each without line break.

        Raises:
            OSError: None of them is in the file.
        """
        size = sum(map(len, lines)) + len(lines)
        if self._file.size and self._file.size + size > self._max_bytes:
            self._rotate()
        self._file.append(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        self._lock.release()

    def _rotate(self) -> None:
        """Renames from the oldest on, so that at no time a file that is kept is without a name."""
        # Without the file itself, the last try has renamed all and then failed to begin anew.
        for number in range(self._keep if self._path.exists() else 0, 0, -1):
            older, newer = self._numbered(number), self._numbered(number - 1)
            if newer.exists():
                newer.replace(older)
        fresh = AppendFile(self._path)
        self._file.close()
        self._file = fresh
        sync_folder(self._path.parent)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
