"""What a collector does not have yet, on disk: segments that are appended to, and how far the collector has got.

One thread writes, another one reads and acknowledges. A segment is deleted once the collector has all of it. What is
acknowledged is remembered after the fact, so a crash in between delivers a batch twice and loses none.
"""

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from webhook.files import read_capped, write_atomically
from webhook.limits import LIMITS
from webhook.records.appending import AppendFile, Lock, sync_folder
from webhook.records.refused import RefusedEntries
from webhook.records.segments import cut_torn_end, first_lines, read_lines, size

_LOG = logging.getLogger(__name__)
_SEGMENT = "{:020d}.jsonl"
_POSITION, _LOCK = "position.json", "lock"
_POSITION_BYTES = 1024
_HIGHEST = 10**19
_SEGMENTS = 16
"""Into how many a small spool is cut at least, so that what is delivered makes room."""
_REFUSED_PART = 4
"""Which part of it what the collector never takes may hold."""


class Position(NamedTuple):
    """How far the collector has got: a segment's number, and bytes of it."""

    segment: int
    offset: int


class Batch(NamedTuple):
    """Lines to deliver.

    Attributes:
        data: Whole lines with their ends.
        entries: How many.
        end: The position behind them.
    """

    data: bytes
    entries: int
    end: Position


class Spool:
    """A folder of segments.

    Attributes:
        notify: Called, in the writer's thread, when there is more to deliver.
        waiting: Bytes that the collector does not have. Kept, since the loop asks: it must not wait for a lock that
            is held while the disk is written.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Opens the folder, or makes it, and mends what a crash has left.

        Args:
            folder: Nobody else's.
            max_bytes: What it may hold.

        Raises:
            ConfigurationError: Another process has it.
            OSError: It cannot be used.
        """
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.notify: Callable[[], None] = lambda: None
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = min(LIMITS.record_segment_bytes, max_bytes // _SEGMENTS)
        self._guard = threading.Lock()
        self._lock = Lock(folder / _LOCK, f"records.collector.spool.path {str(folder)!r}")
        sync_folder(folder.parent)
        self._next = 1
        self._sizes = self._mended()
        self._refused = RefusedEntries(folder, max_bytes // _REFUSED_PART)
        self._position = self._remembered()
        self.waiting = sum(self._sizes.values()) - self._position.offset
        self._current: AppendFile | None = None

    def room(self) -> float:
        """Gives how many bytes it takes at present."""
        with self._guard:
            return max(0, self._max_bytes - self.waiting - self._position.offset - self._refused.size)

    def write(self, lines: Sequence[bytes]) -> None:
        """Appends lines.

        Args:
            lines: Each without line break.

        Raises:
            OSError: None of them is in the spool.
        """
        data = b"\n".join(lines) + b"\n"
        with self._guard:
            current = self._current
            if current is None or current.size >= self._segment_bytes or current.gone:
                current = self._begin_segment()
            current.append(data)
            self._sizes[self._next - 1] = current.size
            self.waiting += len(data)
        self.notify()

    def read(self, limit: int) -> Batch | None:
        """Reads what comes next.

        Args:
            limit: Bytes; a single line may be longer.

        Returns:
            A batch, or None if the collector has everything.

        Raises:
            OSError: The segment cannot be read.
        """
        while True:
            with self._guard:
                number, offset = self._position
                left = self._sizes.get(number, 0) - offset
            if left <= 0:
                return None
            data = read_lines(self._path(number), offset, left, limit)
            if data:
                # What has no end is no entry, and is delivered all the same: it must not stop those behind it.
                data = first_lines(data, LIMITS.record_batch_entries) or data
                return Batch(data, data.count(b"\n"), Position(number, offset + len(data)))
            self._skip()

    def acknowledge(self, batch: Batch) -> None:
        """Remembers that the collector has a batch, and deletes what it has all of.

        Args:
            batch: The last one that was read.
        """
        with self._guard:
            self.waiting -= len(batch.data)
            self._position = batch.end
            if self._sizes[batch.end.segment] <= batch.end.offset:
                self._finish(batch.end.segment)
            else:
                self._remember()

    def set_aside(self, batch: Batch) -> None:
        """Keeps what the collector will never take, and goes on.

        Args:
            batch: The last one that was read.

        Raises:
            OSError: It cannot be kept.
        """
        self._refused.keep(batch.data)
        self.acknowledge(batch)

    def close(self) -> None:
        """Takes no more lines; what is there can still be read and acknowledged."""
        with self._guard:
            self._close_current()

    def release(self) -> None:
        """Lets another process have the folder."""
        self._lock.release()

    def _path(self, number: int) -> Path:
        return self._folder / _SEGMENT.format(number)

    def _begin_segment(self) -> AppendFile:
        fresh = AppendFile(self._path(self._next))
        try:
            sync_folder(self._folder)
        except OSError:
            fresh.close()
            raise
        self._close_current()
        self._current = fresh
        self._sizes[self._next] = 0
        self._next += 1
        return fresh

    def _skip(self) -> None:
        """Goes on behind a segment of which somebody has taken the rest away."""
        with self._guard:
            number, offset = self._position
            rest = self._sizes[number] - offset
            self.waiting -= rest
            self._finish(number)
        _LOG.error("a segment of the spool is gone", extra={"bytes": rest})

    def _finish(self, number: int) -> None:
        """Deletes a segment of which nothing is left to deliver, and goes on with the next."""
        del self._sizes[number]
        if not self._sizes:
            # What comes next begins a segment, and this one's bytes are free.
            self._close_current()
        self._position = Position(min(self._sizes, default=self._next), 0)
        self._remember()
        with contextlib.suppress(OSError):
            self._path(number).unlink()

    def _remember(self) -> None:
        # A full disk must not keep it from becoming less full: without this, a batch comes twice, no more.
        with contextlib.suppress(OSError):
            write_atomically(self._folder / _POSITION, json.dumps(self._position._asdict()).encode("ascii"))

    def _close_current(self) -> None:
        if self._current is not None:
            self._current.close()
            self._current = None

    def _mended(self) -> dict[int, int]:
        """Finds the segments and their sizes; the newest loses what a crash has left of a line."""
        paths = sorted(self._folder.glob("[0-9]" * 20 + ".jsonl"))
        if paths:
            cut_torn_end(paths[-1])
            self._next = int(paths[-1].stem) + 1
        sizes = {int(path.stem): size(path) for path in paths}
        for number in [number for number, held in sizes.items() if held == 0]:
            self._path(number).unlink()
            del sizes[number]
        return sizes

    def _remembered(self) -> Position:
        """Reads how far the collector had got; what makes no sense means the beginning, since twice is allowed."""
        number, offset = self._noted()
        # No segment of the future gets a number that a position names: the position may never be written again.
        self._next = max(self._next, number + 1)
        ahead = [held for held in self._sizes if held >= number]
        if self._sizes and not ahead:
            # It must not count for the segments to come either.
            (self._folder / _POSITION).unlink(missing_ok=True)
            return Position(min(self._sizes), 0)
        for done in self._sizes.keys() - ahead:
            self._path(done).unlink()
            del self._sizes[done]
        inside = number in self._sizes and 0 <= offset < self._sizes[number]
        return Position(min(ahead, default=self._next), offset if inside else 0)

    def _noted(self) -> Position:
        try:
            document = json.loads(read_capped(self._folder / _POSITION, _POSITION_BYTES))
            number, offset = int(document["segment"]), int(document["offset"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return Position(0, 0)
        return Position(number, offset) if 0 < number < _HIGHEST else Position(0, 0)
