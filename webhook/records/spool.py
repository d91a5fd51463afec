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
from webhook.records.segments import first_lines, size, whole_lines

_LOG = logging.getLogger(__name__)
_SEGMENT = "{:020d}.jsonl"
_POSITION, _REFUSED, _LOCK = "position.json", "refused.jsonl", "lock"
_POSITION_BYTES = 1024
_HIGHEST = 10**19
_SEGMENTS = 16
"""Into how many a small spool is cut at least, so that what is delivered makes room."""


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
        self._sizes = self._mended()
        self._refused = size(folder / _REFUSED)
        self._position = self._remembered()
        self._current: AppendFile | None = None

    @property
    def waiting(self) -> int:
        """Bytes that the collector does not have."""
        with self._guard:
            return sum(self._sizes.values()) - (self._position.offset if self._sizes else 0)

    def room(self) -> float:
        """Gives how many bytes it takes at present."""
        with self._guard:
            return max(0, self._max_bytes - sum(self._sizes.values()) - self._refused)

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
            if current is None or current.size >= self._segment_bytes:
                current = self._begin_segment()
            current.append(data)
            self._sizes[max(self._sizes)] = current.size
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
        with self._guard:
            number, offset = self._position
            left = self._sizes.get(number, 0) - offset
        if left <= 0:
            return None
        with (self._folder / _SEGMENT.format(number)).open("rb") as file:
            file.seek(offset)
            data = file.read(min(limit, left))
            cut = data.rfind(b"\n") + 1
            data = data[:cut] if cut else data + file.readline(left - len(data))
        # What has no end is no entry, and is delivered all the same: it must not stop those behind it.
        data = first_lines(data, LIMITS.record_batch_entries) or data
        return Batch(data, data.count(b"\n"), Position(number, offset + len(data)))

    def acknowledge(self, batch: Batch) -> None:
        """Remembers that the collector has a batch, and deletes what it has all of.

        Args:
            batch: The last one that was read.
        """
        with self._guard:
            self._position = batch.end
            done = self._sizes[batch.end.segment] <= batch.end.offset
            following = min((number for number in self._sizes if number > batch.end.segment), default=None)
            if done and following is None:
                # All is delivered. What comes next begins a segment, and this one's bytes are free.
                following = batch.end.segment + 1
                self._close_current()
            if done and following is not None:
                self._position = Position(following, 0)
            # A full disk must not keep it from becoming less full: without this, a batch comes twice, no more.
            with contextlib.suppress(OSError):
                content = json.dumps(self._position._asdict()).encode("ascii")
                write_atomically(self._folder / _POSITION, content)
            if done:
                del self._sizes[batch.end.segment]
                with contextlib.suppress(OSError):
                    (self._folder / _SEGMENT.format(batch.end.segment)).unlink()

    def set_aside(self, batch: Batch) -> None:
        """Keeps what the collector will never take, and goes on.

        Args:
            batch: The last one that was read.

        Raises:
            OSError: It cannot be kept.
        """
        aside = AppendFile(self._folder / _REFUSED)
        try:
            aside.append(batch.data)
        finally:
            aside.close()
        with self._guard:
            self._refused = aside.size
        self.acknowledge(batch)

    def close(self) -> None:
        """Takes no more lines; what is there can still be read and acknowledged."""
        with self._guard:
            self._close_current()

    def release(self) -> None:
        """Lets another process have the folder."""
        self._lock.release()

    def _begin_segment(self) -> AppendFile:
        number = max([*self._sizes, self._position.segment - 1]) + 1
        fresh = AppendFile(self._folder / _SEGMENT.format(number))
        sync_folder(self._folder)
        self._close_current()
        self._current = fresh
        self._sizes[number] = 0
        return fresh

    def _close_current(self) -> None:
        if self._current is not None:
            self._current.close()
            self._current = None

    def _mended(self) -> dict[int, int]:
        """Finds the segments and their sizes; the newest loses what a crash has left of a line."""
        paths = sorted(self._folder.glob("[0-9]" * 20 + ".jsonl"))
        if paths:
            content = paths[-1].read_bytes()
            whole = len(whole_lines(content))
            if whole < len(content):
                with paths[-1].open("r+b") as file:
                    file.truncate(whole)
                _LOG.warning("the spool's end was torn, and is cut", extra={"bytes": len(content) - whole})
        sizes = {int(path.stem): size(path) for path in paths}
        for number in [number for number, held in sizes.items() if held == 0]:
            (self._folder / _SEGMENT.format(number)).unlink()
            del sizes[number]
        return sizes

    def _remembered(self) -> Position:
        """Reads how far the collector had got; what makes no sense means the beginning, since twice is allowed."""
        beginning = Position(min(self._sizes, default=1), 0)
        try:
            document = json.loads(read_capped(self._folder / _POSITION, _POSITION_BYTES))
            number, offset = int(document["segment"]), int(document["offset"])
        except (OSError, ValueError, KeyError, TypeError):
            return beginning
        if not self._sizes and 0 < number < _HIGHEST:
            # Numbers go on, so that a position which is never written again names no segment of the future.
            return Position(number, 0)
        ahead = [held for held in self._sizes if held >= number]
        if not ahead:
            return beginning
        for done in self._sizes.keys() - ahead:
            (self._folder / _SEGMENT.format(done)).unlink()
            del self._sizes[done]
        inside = number in self._sizes and 0 <= offset < self._sizes[number]
        return Position(min(ahead), offset if inside else 0)
