"""Structured logs: one JSON object a line on standard output, written by a thread of their own.

The loop only appends to a queue. A reader of standard output that stands still therefore delays no answer; once
the queue is full, lines are dropped and counted.
"""

import logging
import os
import select
import sys
import threading
import time
import warnings
from collections import deque

from pythonjsonlogger.json import JsonFormatter

_QUEUE_LINES = 10_000
_QUEUE_BYTES = 64 * 1024 * 1024
_BATCH_SECONDS = 0.02


class LineWriter:
    """Writes whole lines to a file descriptor, in batches, off the loop.

    Attributes:
        dropped: Lines lost because the queue was full.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        """Starts the thread.

        Args:
            descriptor: Where to write; standard output by default.
        """
        self.dropped = 0
        self._descriptor = sys.stdout.fileno() if descriptor is None else descriptor
        self._lines: deque[bytes] = deque()
        self._queued_bytes = 0
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Queues a line, or drops it; never blocks, never raises.

        Args:
            line: Without line break.
        """
        if not self.offer(line):
            self.dropped += 1

    def offer(self, line: bytes) -> bool:
        """Queues a line unless the queue is full; never blocks, never raises.

        Args:
            line: Without line break.

        Returns:
            Whether it did.
        """
        if len(self._lines) >= _QUEUE_LINES or self._queued_bytes > _QUEUE_BYTES:
            return False
        self._queued_bytes += len(line)
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()
        return True

    def close(self, timeout: float = 5.0) -> None:
        """Writes what is queued and ends the thread.

        Args:
            timeout: Seconds to wait for a reader that stands still.
        """
        self._closing = True
        self._wake.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            if not self._closing:
                time.sleep(_BATCH_SECONDS)
            self._wake.clear()
            self._drain()
        self._drain()

    def _drain(self) -> None:
        batch = []
        while self._lines:
            batch.append(self._lines.popleft())
        if not batch:
            return
        # Not exact while another thread puts, and exact again with each batch.
        self._queued_bytes = 0
        try:
            self._write(memoryview(b"\n".join(batch) + b"\n"))
        except OSError:
            # Nobody reads any more. Admission goes on; there is nowhere left to say so.
            self.dropped += len(batch)

    def _write(self, data: memoryview) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                # Whoever shares the descriptor has made it non-blocking; a line is still written whole.
                select.select([], [self._descriptor], [])


class _LineHandler(logging.Handler):
    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        self._writer.put(self.format(record).encode("utf-8", "replace"))


def set_up_logging(level: str) -> LineWriter:
    """Sends all logging through one writer, as JSON.

    Args:
        level: A level's name, for example `INFO`.

    Returns:
        The writer, for records and for closing.
    """
    writer = LineWriter()
    handler = _LineHandler(writer)
    handler.setFormatter(
        JsonFormatter(
            "{levelname}{name}{message}",
            style="{",
            timestamp=True,
            rename_fields={"levelname": "level", "name": "logger"},
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if not sys.warnoptions:
        # They are for who develops, bare text among the JSON, and strangers' certificates set them off at will.
        warnings.simplefilter("ignore")
    return writer
