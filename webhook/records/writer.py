"""One sink's thread: takes decisions from the loop, chains them, and hands lines to where they go.

The loop only appends. A sink that fails keeps its batch and tries again; what comes meanwhile waits in the queue, and
what comes when that is full is lost: counted, and told by the next entry that is written.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from webhook.kube.pacing import QuietLog, backoff
from webhook.limits import LIMITS
from webhook.records.chain import Chain, Place
from webhook.records.entry import Decided, Entry, decision_entry, end_entry
from webhook.records.summary import SummaryWriter

_LOG = logging.getLogger(__name__)
_BATCH_SECONDS = 0.02
_PAUSE_SECONDS, _PAUSE_CAP_SECONDS = 0.1, 5.0


class Output(Protocol):
    """Where the lines of a sink go. Used by the sink's thread alone."""

    def room(self) -> float:
        """Gives how many bytes it takes at present."""

    def write(self, lines: Sequence[bytes]) -> None:
        """Takes lines.

        Args:
            lines: Each without line break.

        Raises:
            OSError: None of them is taken.
        """

    def close(self) -> None:
        """Ends it."""


class RecordWriter:
    """Writes the entries of one sink.

    Attributes:
        name: The sink's name.
        written: Entries that were written.
        failures: Tries to write that failed.
    """

    def __init__(self, name: str, output: Output, chain: Chain, summaries: SummaryWriter | None = None) -> None:
        """Starts the thread.

        Args:
            name: The sink's name in metrics and the log.
            output: Where lines go.
            chain: Gives each entry its place.
            summaries: Sums up each decision by image; None for no summaries.
        """
        self.name = name
        self.written = 0
        self.failures = 0
        self._output = output
        self._chain = chain
        self._summaries = summaries
        self._place = Place()
        self._untold = 0  # Lost since the last entry that was written; the thread's own.
        self._queue: deque[tuple[Decided, int]] = deque()
        self._turned_away = 0  # Since the last that was queued; the loop's own.
        self._lost_at_door = self._lost_behind = self._lost_logged = 0
        self._quiet = QuietLog(_LOG)
        self._bytes_in = self._bytes_out = 0  # Each is counted by one thread alone.
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"records-{name}", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Entries that were not written and never will be."""
        return self._lost_at_door + self._lost_behind

    def put(self, decided: Decided) -> None:
        """Queues a decision; never blocks, never raises. For the loop's thread.

        Args:
            decided: The decision.
        """
        held = self._bytes_in - self._bytes_out
        if len(self._queue) >= LIMITS.record_queue or held > LIMITS.record_queue_bytes:
            self._turned_away += 1
            self._lost_at_door += 1
            return
        self._bytes_in += len(decided.content)
        self._queue.append((decided, self._turned_away))
        self._turned_away = 0
        if not self._wake.is_set():
            self._wake.set()

    def close(self, seconds: float) -> None:
        """Writes what is queued and the closing entry, and ends the thread. Nothing may be put any more.

        Args:
            seconds: How long a sink that fails or stands still is waited for.
        """
        self._closing.set()
        self._wake.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            _LOG.error("records not written at the end", extra={"sink": self.name, "entries": len(self._queue)})

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(_BATCH_SECONDS)
            self._wake.clear()
            self._drain()
        self._drain()
        self._untold += self._turned_away
        self._write_all([end_entry(time.time())])
        self._output.close()

    def _drain(self) -> None:
        while self._queue:
            entries: list[Entry] = []
            size = 0
            while self._queue and len(entries) < LIMITS.record_batch_entries and size < LIMITS.record_batch_bytes:
                if self._queue[0][1] and entries:
                    # What was lost is told by the entry right behind it, which so begins a batch.
                    break
                decided, lost = self._queue.popleft()
                size += len(decided.content)
                self._bytes_out += len(decided.content)
                self._untold += lost
                entries += self._entries(decided)
            self._write_all(entries)

    def _entries(self, decided: Decided) -> list[Entry]:
        try:
            entries = [decision_entry(decided)]
        except Exception:  # noqa: BLE001 - a thread that dies would lose all others too
            _LOG.exception("a decision was not written", extra={"decision": decided.digest})
            self._untold += 1
            self._lost_behind += 1
            return []
        if self._summaries is not None:
            try:
                entries += self._summaries.of(decided)
            except Exception:  # noqa: BLE001 - the record is what counts
                _LOG.exception("a decision was not summed up", extra={"decision": decided.digest})
        return entries

    def _write_all(self, entries: Sequence[Entry]) -> None:
        lines: list[bytes] = []
        place, untold, room = self._place, self._untold, self._output.room()
        for entry in entries:
            line, after = self._chain.link(entry, place, untold)
            if len(line) >= room:
                untold += 1
                continue
            lines.append(line)
            place, untold, room = after, 0, room - len(line) - 1
        if lines and not self._written(lines):
            # None of them is there, so the chain goes on from where it was.
            lines, place, untold = [], self._place, self._untold + len(entries)
        self._place, self._untold = place, untold
        self.written += len(lines)
        self._lost_behind += len(entries) - len(lines)
        if self.lost > self._lost_logged:
            self._quiet.warning("records are lost", sink=self.name, lost=self.lost)
            self._lost_logged = self.lost

    def _written(self, lines: list[bytes]) -> bool:
        """Tries until it succeeds; while closing, once more."""
        failures = 0
        while True:
            last = self._closing.is_set()
            try:
                self._output.write(lines)
            except OSError as error:
                failures += 1
                self.failures += 1
                if failures == 1:
                    extra = {"sink": self.name, "detail": error.strerror or "unknown"}
                    _LOG.error("records cannot be written, and wait", extra=extra)
                if last:
                    return False
                self._closing.wait(backoff(failures, _PAUSE_SECONDS, _PAUSE_CAP_SECONDS))
            else:
                if failures:
                    _LOG.info("records are written again", extra={"sink": self.name, "lost": self.lost})
                return True
