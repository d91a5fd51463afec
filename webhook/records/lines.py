"""The sink `stdout`: the log itself, whose lines come from several parts of the process."""

import math
import time
from collections.abc import Sequence
from typing import Protocol

_LOOK_SECONDS = 0.02


class LogLines(Protocol):
    """The log's writer."""

    def offer(self, line: bytes) -> bool:
        """Queues a line unless its queue is full.

        Args:
            line: Without line break.

        Returns:
            Whether it did.
        """


class LogOutput:
    """Hands lines to the log, and waits for a reader that stands still instead of losing them."""

    def __init__(self, lines: LogLines) -> None:
        """Binds it.

        Args:
            lines: The log's writer.
        """
        self._lines = lines

    def room(self) -> float:
        """Gives how many bytes it takes: any number."""
        return math.inf

    def write(self, lines: Sequence[bytes]) -> None:
        """Hands lines over; waits while the log is full.

        Args:
            lines: Each without line break.
        """
        for line in lines:
            while not self._lines.offer(line):
                time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Leaves the log to its owner."""
