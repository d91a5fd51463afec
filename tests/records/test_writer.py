"""A sink's thread: in order, never in the way, and honest about what it loses."""

import errno
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest

from tests.harness.polling import poll
from tests.records.making import decided, parsed, record
from tests.records.test_verify import verified
from webhook.limits import LIMITS
from webhook.records.chain import Chain
from webhook.records.entry import Decided, Entry
from webhook.records.summary import SummaryWriter
from webhook.records.writer import RecordWriter


class Shelf:
    """An output that keeps lines, stands still, and fails, as it is told to."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.batches = 0
        self.space: float = math.inf
        self.broken = False
        self.longest: float = math.inf
        self.closed = False
        self.open_door = threading.Event()
        self.open_door.set()

    def room(self) -> float:
        return self.space

    def write(self, lines: Sequence[bytes]) -> None:
        self.open_door.wait()
        if self.broken or max(map(len, lines)) > self.longest:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.batches += 1
        self.space -= sum(map(len, lines)) + len(lines)
        self.lines += lines

    def close(self) -> None:
        self.closed = True

    def holds(self, count: int) -> bool:
        return len(self.lines) == count


Start = Callable[[Shelf], RecordWriter]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def start() -> Iterator[Start]:
    made: list[tuple[Shelf, RecordWriter]] = []

    def _start(shelf: Shelf) -> RecordWriter:
        writer = RecordWriter("file", shelf, Chain("a-file"))
        made.append((shelf, writer))
        return writer

    yield _start
    for shelf, writer in made:
        shelf.open_door.set()
        writer.close(5)


def uids(shelf: Shelf) -> list[str]:
    return [document["uid"] for document in map(parsed, shelf.lines) if document["message"] == "decision"]


def dealt_with(writer: RecordWriter, count: int) -> bool:
    return writer.written + writer.lost == count


def test_decisions_come_out_in_order_and_the_end_is_marked(shelf: Shelf, start: Start) -> None:
    writer = start(shelf)
    expected = [f"u-{number}" for number in range(2000)]
    for uid in expected:
        writer.put(decided(uid))
    writer.close(5)
    assert uids(shelf) == expected
    assert verified(shelf.lines).whole(partial=False)
    assert (writer.written, writer.lost, shelf.closed) == (2001, 0, True)


def test_decisions_are_written_in_batches(shelf: Shelf, start: Start) -> None:
    writer = start(shelf)
    for number in range(LIMITS.record_batch_entries * 2):
        writer.put(decided(str(number)))
    writer.close(5)
    # The thread may begin while the first ones are put.
    assert shelf.batches <= 5


def test_a_decision_does_not_wait_for_company_or_the_end(shelf: Shelf, start: Start) -> None:
    start(shelf).put(decided())
    poll(lambda: shelf.lines, 2, "it is written")


def filled(shelf: Shelf, start: Start) -> RecordWriter:
    """A writer whose thread holds one decision before a door that is shut, and whose queue is full."""
    shelf.open_door.clear()
    writer = start(shelf)
    writer.put(decided("held"))
    poll(lambda: not writer._queue, 5, "the thread holds it")
    for number in range(LIMITS.record_queue):
        writer.put(decided(f"q-{number}"))
    assert writer.lost == 0
    return writer


def test_a_sink_that_stands_still_delays_nobody_and_the_next_entry_says_what_it_cost(
    shelf: Shelf, start: Start
) -> None:
    writer = filled(shelf, start)
    begun = time.monotonic()
    for _ in range(10_000):
        writer.put(decided("one too many"))
    assert time.monotonic() - begun < 1
    assert writer.lost == 10_000
    shelf.open_door.set()
    poll(lambda: len(shelf.lines) == LIMITS.record_queue + 1, 20, "the queue is written")
    writer.put(decided("later"))
    writer.close(20)
    verifier = verified(shelf.lines)
    assert verifier.whole(partial=False)
    [chain] = verifier.chains.values()
    assert (chain.entries, chain.lost) == (LIMITS.record_queue + 3, 10_000)
    later = parsed(shelf.lines[-2])
    assert (later["uid"], later["chain"]["lost"]) == ("later", 10_000)


def test_a_loss_is_told_by_the_entry_right_behind_it(shelf: Shelf, start: Start) -> None:
    writer = filled(shelf, start)
    writer._queue.clear()
    for uid, lost in (("a", 0), ("b", 2), ("c", 0)):
        writer._queue.append((decided(uid), lost))
    shelf.open_door.set()
    writer.close(20)
    told = {document["uid"]: document["chain"]["lost"] for document in map(parsed, shelf.lines[:-1])}
    assert told == {"held": 0, "a": 0, "b": 2, "c": 0}


def test_the_closing_entry_tells_what_was_lost_at_the_very_end(shelf: Shelf, start: Start) -> None:
    writer = filled(shelf, start)
    writer.put(decided("one too many"))
    shelf.open_door.set()
    writer.close(20)
    assert parsed(shelf.lines[-1])["chain"]["lost"] == 1
    assert verified(shelf.lines).whole(partial=False)


def test_the_queue_has_a_bound_in_bytes_too(shelf: Shelf, start: Start) -> None:
    shelf.open_door.clear()
    writer = start(shelf)
    large = decided(content=record(filling="x" * 1024 * 1024))
    for _ in range(200):
        writer.put(large)
    mebibytes = LIMITS.record_queue_bytes // 1024 // 1024
    assert 200 - writer.lost <= mebibytes + 2


def test_what_was_written_makes_room_again(shelf: Shelf, start: Start) -> None:
    writer = start(shelf)
    large = decided(content=record(filling="x" * 1024 * 1024))
    for number in range(100):
        writer.put(large)
        poll(partial(shelf.holds, number + 1), 5, "it is written")
    assert writer.lost == 0


def test_a_sink_that_fails_keeps_what_it_has_and_goes_on_later(
    shelf: Shelf, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.broken = True
    writer = start(shelf)
    writer.put(decided("first"))
    poll(lambda: writer.failures > 1, 10, "it is tried again")
    writer.put(decided("second"))
    shelf.broken = False
    poll(lambda: len(shelf.lines) == 2, 20, "both are written")
    assert uids(shelf) == ["first", "second"]
    writer.close(5)
    assert verified(shelf.lines).whole(partial=False)
    assert writer.lost == 0
    assert [entry.message for entry in caplog.records if entry.levelname == "ERROR"] == [
        "records cannot be written, and wait"
    ]


def test_a_sink_that_fails_to_the_end_is_not_waited_for(shelf: Shelf, start: Start) -> None:
    shelf.broken = True
    writer = start(shelf)
    for number in range(3):
        writer.put(decided(str(number)))
    poll(lambda: writer.failures, 10, "it is tried")
    begun = time.monotonic()
    writer.close(10)
    assert time.monotonic() - begun < 5
    # Three decisions and the closing entry.
    assert (writer.written, writer.lost, shelf.closed) == (0, 4, True)


def test_what_could_not_be_written_at_the_end_is_told_by_the_closing_entry_if_that_can_be(
    shelf: Shelf, start: Start
) -> None:
    writer = start(shelf)
    writer.put(decided("first"))
    poll(lambda: shelf.holds(1), 5, "it is written")
    shelf.longest = 500  # A closing entry fits, a decision does not.
    for number in range(3):
        writer.put(decided(str(number)))
    poll(lambda: writer.failures, 10, "it is tried")
    writer.close(10)
    assert [parsed(line)["message"] for line in shelf.lines] == ["decision", "end of records"]
    assert parsed(shelf.lines[1])["chain"]["lost"] == writer.lost == 3
    assert verified(shelf.lines).whole(partial=False)


def test_a_decision_that_cannot_be_written_costs_no_other(
    shelf: Shelf, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    writer = start(shelf)
    for uid in ("u-0", "half a pair: \ud800", "u-2"):
        writer.put(decided(uid, record()))
    writer.close(5)
    assert uids(shelf) == ["u-0", "u-2"]
    assert writer.lost == 1
    assert verified(shelf.lines).whole(partial=False)
    assert "a decision was not written" in [entry.message for entry in caplog.records]


def test_a_full_sink_loses_the_newest_and_says_so(
    shelf: Shelf, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.space = 1500
    writer = start(shelf)
    for number in range(5):
        writer.put(decided(f"u-{number}"))
        poll(partial(dealt_with, writer, number + 1), 5, "it is dealt with")
    assert uids(shelf) == ["u-0", "u-1"]
    assert writer.lost == 3
    assert "records are lost" in [entry.message for entry in caplog.records]
    shelf.space = math.inf
    writer.put(decided("later"))
    writer.close(5)
    assert parsed(shelf.lines[2])["chain"]["lost"] == 3
    assert verified(shelf.lines).whole(partial=False)


def test_a_summary_that_cannot_be_written_costs_no_record(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    class _Broken(SummaryWriter):
        def __init__(self) -> None:
            pass

        def of(self, decided: Decided) -> Iterator[Entry]:
            raise KeyError(decided.uid)

    writer = RecordWriter("file", shelf, Chain("a-file"), _Broken())
    writer.put(decided("u-0"))
    writer.put(decided("u-1"))
    writer.close(5)
    assert uids(shelf) == ["u-0", "u-1"]
    assert verified(shelf.lines).whole(partial=False)
    assert "a decision was not summed up" in [entry.message for entry in caplog.records]


def test_closing_does_not_wait_for_a_sink_that_stands_still(
    shelf: Shelf, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    writer = filled(shelf, start)
    begun = time.monotonic()
    writer.close(0.2)
    assert time.monotonic() - begun < 1
    assert "records not written at the end" in [entry.message for entry in caplog.records]
