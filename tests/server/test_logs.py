"""The log's writer: in order, in batches, never in the way, never more than its queue."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.polling import poll
from webhook.server.logs import LineWriter

QUEUE = 10_000
PIPE_BYTES = 64 * 1024


class Pipe:
    """A pipe whose reader reads only when it is told to."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self.received = bytearray()
        self._writers: list[LineWriter] = []

    def writer(self) -> LineWriter:
        """A writer into the pipe."""
        writer = LineWriter(self.write_end)
        self._writers.append(writer)
        return writer

    def read(self) -> None:
        """Reads what is there."""
        self.received += os.read(self.read_end, 1024 * 1024)

    def read_until(self, ending: bytes) -> list[bytes]:
        """Reads until what came ends so; gives all lines."""
        while not self.received.endswith(ending):
            self.read()
        return bytes(self.received).splitlines()

    def close(self) -> None:
        """Frees threads that are stuck, before the pipe's number can belong to another."""
        with contextlib.suppress(OSError):
            os.close(self.read_end)
        for writer in self._writers:
            writer.close()
        os.close(self.write_end)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def test_lines_come_out_in_the_order_in_which_they_went_in(pipe: Pipe) -> None:
    writer = pipe.writer()
    expected = [f"line {index}".encode() for index in range(5000)]
    for line in expected:
        writer.put(line)
    assert pipe.read_until(b"line 4999\n") == expected
    writer.close()
    assert writer.dropped == 0


def test_lines_of_several_threads_stay_whole(pipe: Pipe) -> None:
    writer = pipe.writer()

    def talk(name: int) -> None:
        for index in range(500):
            writer.put(f"{name} {index} {'x' * 100}".encode())

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.put(b"end")
    lines = pipe.read_until(b"end\n")
    writer.close()
    for name in range(4):
        own = [line for line in lines if line.startswith(f"{name} ".encode())]
        assert own == [f"{name} {index} {'x' * 100}".encode() for index in range(500)]


def test_lines_are_written_in_batches_of_20_milliseconds() -> None:
    # A datagram socket shows where one write ends and the next begins.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        theirs.settimeout(5)
        writer = LineWriter(ours.fileno())
        packets: list[bytes] = []
        begun = time.monotonic()
        for index in range(100):
            while time.monotonic() < begun + index / 1000:
                pass
            writer.put(b"%d" % index)
        while sum(packet.count(b"\n") for packet in packets) < 100:
            packets.append(theirs.recv(1024 * 1024))
        taken = time.monotonic() - begun
        writer.close()
    assert len(packets) <= taken / 0.02 + 1
    assert b"".join(packets) == b"".join(b"%d\n" % index for index in range(100))


def test_a_line_does_not_wait_for_company(pipe: Pipe) -> None:
    writer = pipe.writer()
    begun = time.monotonic()
    writer.put(b"alone")
    assert pipe.read_until(b"alone\n") == [b"alone"]
    assert time.monotonic() - begun < 1
    writer.close()


def fill(writer: LineWriter) -> int:
    """Puts lines until the queue is full behind a pipe that is full; gives how many were put."""
    line = b"x" * 1023
    for _ in range(2 * PIPE_BYTES // 1024):
        writer.put(line)
    poll(lambda: not writer._lines, 5, "the thread has taken a batch that the pipe cannot hold")
    for _ in range(QUEUE):
        writer.put(line)
    assert writer.dropped == 0
    return 2 * PIPE_BYTES // 1024 + QUEUE


def test_a_reader_that_stands_still_stops_nobody(pipe: Pipe) -> None:
    writer = pipe.writer()
    fill(writer)
    begun = time.monotonic()
    for _ in range(10_000):
        writer.put(b"one too many")
    assert time.monotonic() - begun < 1
    assert writer.dropped == 10_000
    assert len(writer._lines) == QUEUE
    writer.close(0.1)


def test_the_queue_has_a_bound_in_bytes_too(pipe: Pipe) -> None:
    writer = pipe.writer()
    fill(writer)
    writer._lines.clear()
    line = b"x" * 1024 * 1024
    for _ in range(1000):
        writer.put(line)
    queued = sum(map(len, writer._lines))
    writer._lines.clear()
    assert queued < 256 * 1024 * 1024


def test_what_has_been_written_makes_room_again(tmp_path: Path) -> None:
    line = b"x" * 1024 * 1024
    with (tmp_path / "log").open("wb") as file:
        writer = LineWriter(file.fileno())
        for _ in range(200):
            writer.put(line)
            poll(lambda: len(writer._lines) < 8, 5, "the thread keeps up")
        writer.close()
    assert writer.dropped == 0


def test_nothing_is_lost_but_what_was_dropped_once_the_reader_goes_on(pipe: Pipe) -> None:
    writer = pipe.writer()
    count = fill(writer)
    writer.put(b"dropped")
    while len(pipe.received) < 1024 * count:
        pipe.read()
    writer.put(b"end")
    lines = pipe.read_until(b"end\n")
    writer.close()
    assert lines == [b"x" * 1023] * count + [b"end"]
    assert writer.dropped == 1


def test_closing_writes_what_is_queued(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        writer = LineWriter(file.fileno())
        for index in range(1000):
            writer.put(b"%d" % index)
        writer.close()
    assert (tmp_path / "log").read_bytes().splitlines() == [b"%d" % index for index in range(1000)]
    assert not writer._thread.is_alive()


def test_closing_an_idle_writer_is_quick(pipe: Pipe) -> None:
    writer = pipe.writer()
    begun = time.monotonic()
    writer.close()
    assert time.monotonic() - begun < 1
    assert not writer._thread.is_alive()


def test_closing_does_not_wait_for_a_reader_that_stands_still(pipe: Pipe) -> None:
    writer = pipe.writer()
    fill(writer)
    begun = time.monotonic()
    writer.close(0.2)
    assert time.monotonic() - begun < 1


def test_a_reader_that_is_gone_costs_lines_and_nothing_else(pipe: Pipe) -> None:
    writer = pipe.writer()
    os.close(pipe.read_end)
    for _ in range(3):
        writer.put(b"lost")
    poll(lambda: writer.dropped == 3, 5, "the lines are counted as lost")
    assert writer._thread.is_alive()
    writer.close()


def test_a_pipe_that_does_not_block_never_gets_a_torn_line(pipe: Pipe) -> None:
    # Whoever shares standard output with the process may have set O_NONBLOCK on it.
    os.set_blocking(pipe.write_end, False)
    writer = pipe.writer()
    for _ in range(1000):
        writer.put(b"x" * 1000)
    poll(lambda: not writer._lines, 5, "the thread has taken the batch")
    os.set_blocking(pipe.read_end, False)
    writer.put(b"end")

    def ended() -> bool:
        with contextlib.suppress(BlockingIOError):
            pipe.read()
        return pipe.received.endswith(b"end\n")

    poll(ended, 5, "the last line arrives")
    writer.close()
    assert set(bytes(pipe.received).splitlines()) <= {b"x" * 1000, b"end"}


SCRIPT = """
import logging
import warnings
from webhook.server.logs import set_up_logging
writer = set_up_logging("INFO")
log = logging.getLogger("webhook.test")
log.debug("not shown")
warnings.warn("what strangers' certificates set off in libraries")
log.info("first", extra={"problem": "a\\nb \\u00e4\\u2028"})
log.warning("a message\\nof two lines %s", "with an argument")
try:
    raise RuntimeError("what went wrong")
except RuntimeError:
    log.exception("incident", extra={"incident": "12345678"})
logging.getLogger("aiohttp.server").error("others speak the same way")
print("not JSON, and not ours", flush=True)
writer.close()
"""


def test_everything_that_is_logged_is_one_json_object_a_line() -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True, timeout=30)
    lines = result.stdout.splitlines()
    lines.remove(b"not JSON, and not ours")
    entries = [json.loads(line) for line in lines]
    assert [(entry["level"], entry["logger"], entry["message"]) for entry in entries] == [
        ("INFO", "webhook.test", "first"),
        ("WARNING", "webhook.test", "a message\nof two lines with an argument"),
        ("ERROR", "webhook.test", "incident"),
        ("ERROR", "aiohttp.server", "others speak the same way"),
    ]
    assert entries[0]["problem"] == "a\nb \u00e4\u2028"
    assert entries[2]["incident"] == "12345678"
    assert "RuntimeError: what went wrong" in entries[2]["exc_info"]
    assert all(entry["timestamp"].startswith("20") for entry in entries)
    assert result.stderr == b""
