"""The sink `file`: JSON lines in a file that rotates."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

from webhook.records.appending import AppendFile, Lock, sync_folder
from webhook.records.segments import ends_whole

_LOG = logging.getLogger(__name__)


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
        self._file = self._opened()

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
        if self._file.gone:
            held = self._file.size
            self._replace_with(self._opened())
            _LOG.error("the file of records was deleted, and is begun anew", extra={"bytes": held})
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
        for number in range(self._free() if self._path.exists() else 0, 0, -1):
            self._numbered(number - 1).replace(self._numbered(number))
        self._replace_with(self._opened())

    def _free(self) -> int:
        """Gives the first number that no file has, so that a try which failed halfway pushes no more out."""
        numbers = range(1, self._keep)
        return next((number for number in numbers if not self._numbered(number).exists()), self._keep)

    def _opened(self) -> AppendFile:
        file = AppendFile(self._path)
        try:
            if file.size and not ends_whole(self._path):
                # A process was killed while it wrote. Its half line stays what it is, and spoils no other.
                file.append(b"\n")
            sync_folder(self._path.parent)
        except OSError:
            file.close()
            raise
        return file

    def _replace_with(self, fresh: AppendFile) -> None:
        self._file.close()
        self._file = fresh

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path
