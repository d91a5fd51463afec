"""A spool whose files are old, broken or gone, whose disk stands still, and which others try to fill."""

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.records.test_spool import MEBIBYTE, killed, line, numbers, opened, rest, segments


def test_an_old_position_skips_nothing_of_what_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)
    spool.write([line(number) for number in range(6)])
    batch = spool.read(60)
    assert batch is not None
    spool.acknowledge(batch)
    with monkeypatch.context() as full_disk:
        full_disk.setattr("webhook.records.spool.write_atomically", _no_space)
        rest(spool)
    killed(spool)
    # Another process is killed before it has delivered anything.
    spool = opened(tmp_path)
    spool.write([line(number) for number in range(6, 12)])
    killed(spool)
    assert rest(opened(tmp_path)) == list(range(6, 12))


def _no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_no_segment_gets_the_number_that_a_broken_one_or_an_old_position_has(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([line(0)])
    killed(spool)
    segments(tmp_path)[0].write_bytes(b"\0" * 100)
    spool = opened(tmp_path)
    spool.write([line(1)])
    assert [path.stem for path in segments(tmp_path)] == [f"{2:020d}"]
    killed(spool)
    (tmp_path / "spool" / "position.json").write_bytes(b'{"segment": 7, "offset": 5}')
    spool = opened(tmp_path)
    spool.write([line(2)])
    assert [path.stem for path in segments(tmp_path)] == [f"{2:020d}", f"{8:020d}"]
    assert rest(spool) == [1, 2]
    spool.write([line(3)])
    assert rest(spool) == [3]


def test_a_position_of_the_future_skips_nothing_later(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([line(0)])
    killed(spool)
    (tmp_path / "spool" / "position.json").write_bytes(b'{"segment": 7, "offset": 5}')
    spool = opened(tmp_path)
    spool.write([line(1)])
    killed(spool)
    assert rest(opened(tmp_path)) == [0, 1]


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: os.truncate(path, 0)])
def test_a_segment_that_somebody_deletes_or_empties_stops_no_other(
    tmp_path: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path)
    for number in range(3):
        spool.write([line(number, 70_000)])
    harm(segments(tmp_path)[1])
    assert rest(spool) == [0, 2]
    assert [record.message for record in caplog.records] == ["a segment of the spool is gone"]
    assert (spool.waiting, spool.room()) == (0, MEBIBYTE)


def test_what_comes_after_the_newest_segment_was_deleted_is_not_written_into_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([line(0)])
    segments(tmp_path)[0].unlink()
    spool.write([line(1)])
    assert rest(spool) == [1]


def test_nothing_is_written_into_a_delivered_segment_that_cannot_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)
    spool.write([line(0)])
    with monkeypatch.context() as read_only:
        read_only.setattr(Path, "unlink", _no_space)
        assert rest(spool) == [0]
    spool.write([line(1)])
    assert rest(spool) == [1]


def test_what_is_set_aside_leaves_room_for_others(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(20):
        spool.write([line(number, 60_000)])
        batch = spool.read(1)
        assert batch is not None
        spool.set_aside(batch)
    newest = numbers((tmp_path / "spool" / "refused.jsonl").read_bytes())
    before = numbers((tmp_path / "spool" / "refused.jsonl.1").read_bytes())
    assert before + newest == list(range(20 - len(before) - len(newest), 20))
    assert MEBIBYTE // 8 < MEBIBYTE - spool.room() <= MEBIBYTE // 4
    room = spool.room()
    killed(spool)
    assert opened(tmp_path).room() == room


def test_what_is_set_aside_behind_half_a_line_is_whole(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    (tmp_path / "spool" / "refused.jsonl").write_bytes(b'{"half')
    spool.write([line(0)])
    batch = spool.read(1)
    assert batch is not None
    spool.set_aside(batch)
    assert (tmp_path / "spool" / "refused.jsonl").read_bytes() == b'{"half\n' + line(0) + b"\n"


def test_one_large_entry_that_is_set_aside_takes_the_room_of_all_others(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number, length in enumerate((100_000, 100_000, 300_000)):
        spool.write([line(number, length)])
        batch = spool.read(1)
        assert batch is not None
        spool.set_aside(batch)
    assert numbers((tmp_path / "spool" / "refused.jsonl").read_bytes()) == [2]
    assert not (tmp_path / "spool" / "refused.jsonl.1").exists()
    assert spool.room() == MEBIBYTE - len(line(2, 300_000)) - 1


def test_asking_what_waits_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The loop asks, for each scrape of the metrics, while the writer's thread may stand still in the kernel.
    spool = opened(tmp_path)
    spool.write([line(0)])
    held = spool.waiting
    stands, release = threading.Event(), threading.Event()
    fdatasync = os.fdatasync

    def _stands_still(descriptor: int) -> None:
        stands.set()
        release.wait(10)
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", _stands_still)
    writing = threading.Thread(target=spool.write, args=([line(1)],))
    writing.start()
    assert stands.wait(10)
    begun = time.monotonic()
    assert spool.waiting == held
    assert time.monotonic() - begun < 1
    release.set()
    writing.join()
    assert spool.waiting > held
