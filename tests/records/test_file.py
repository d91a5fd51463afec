"""The sink `file`: whole lines, rotation, a disk that is full, a process that was killed."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.records.making import whole_log
from tests.records.test_verify import verified
from webhook.errors import ConfigurationError
from webhook.records.appending import AppendFile
from webhook.records.file import RotatingFile


def opened(folder: Path, max_bytes: int = 100, keep: int = 3) -> RotatingFile:
    return RotatingFile(folder / "records.jsonl", max_bytes, keep)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("records.jsonl*") if path.suffix != ".lock"}


def test_lines_are_appended_with_their_ends(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.write([b"one", b"two"])
    file.write([b"three"])
    assert files(tmp_path) == {"records.jsonl": b"one\ntwo\nthree\n"}
    file.close()


def test_a_new_process_goes_on_where_the_old_one_ended(tmp_path: Path) -> None:
    for line in (b"one", b"two"):
        file = opened(tmp_path)
        file.write([line])
        file.close()
    assert files(tmp_path) == {"records.jsonl": b"one\ntwo\n"}


def test_a_full_file_is_renamed_and_the_oldest_goes(tmp_path: Path) -> None:
    file = opened(tmp_path, max_bytes=10, keep=2)
    for line in (b"1" * 8, b"2" * 8, b"3" * 8, b"4" * 8):
        file.write([line])
    assert files(tmp_path) == {
        "records.jsonl": b"4" * 8 + b"\n",
        "records.jsonl.1": b"3" * 8 + b"\n",
        "records.jsonl.2": b"2" * 8 + b"\n",
    }
    file.close()


def test_a_file_does_not_grow_beyond_its_size_and_is_filled_up_to_it(tmp_path: Path) -> None:
    file = opened(tmp_path, max_bytes=10)
    file.write([b"1" * 4])
    file.write([b"2" * 4])
    file.write([b"3"])
    assert files(tmp_path) == {"records.jsonl.1": b"1111\n2222\n", "records.jsonl": b"3\n"}
    file.close()


def test_a_line_longer_than_a_file_has_one_of_its_own(tmp_path: Path) -> None:
    file = opened(tmp_path, max_bytes=10)
    for line in (b"a", b"b" * 100, b"c"):
        file.write([line])
    assert list(files(tmp_path).values()).count(b"b" * 100 + b"\n") == 1
    file.close()


def test_half_a_line_of_a_killed_process_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_bytes(b'whole\n{"half')
    file = opened(tmp_path)
    file.write([b"next"])
    assert files(tmp_path) == {"records.jsonl": b'whole\n{"half\nnext\n'}
    file.close()


def test_a_rotation_that_ended_in_the_middle_costs_no_file_when_it_is_tried_again(tmp_path: Path) -> None:
    file = opened(tmp_path, max_bytes=10, keep=2)
    for line in (b"1" * 8, b"2" * 8):
        file.write([line])
    # The renames were made, and the new file was not.
    (tmp_path / "records.jsonl").rename(tmp_path / "records.jsonl.2")
    file.write([b"3" * 8])
    assert files(tmp_path) == {
        "records.jsonl": b"3" * 8 + b"\n",
        "records.jsonl.1": b"1" * 8 + b"\n",
        "records.jsonl.2": b"2" * 8 + b"\n",
    }
    file.close()


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    file = opened(tmp_path)
    with pytest.raises(ConfigurationError, match=r"records\.file\.path .*: another process writes there"):
        opened(tmp_path)
    file.close()
    opened(tmp_path).close()


def test_others_cannot_read_the_file(tmp_path: Path) -> None:
    opened(tmp_path).close()
    assert (tmp_path / "records.jsonl").stat().st_mode & 0o007 == 0


def test_a_full_device_is_an_error() -> None:
    file = AppendFile(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        file.append(b"x")
    file.close()


def test_what_could_not_be_taken_back_is_taken_back_before_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file system that becomes read-only in the middle of a line, and writable again later.
    file = AppendFile(tmp_path / "file")
    file.append(b"one\n")
    write, calls = os.write, iter([lambda descriptor, data: write(descriptor, data[:3])])

    def _writes_some(descriptor: int, data: memoryview) -> int:
        return next(calls, _read_only)(descriptor, data)

    with monkeypatch.context() as fault:
        fault.setattr(os, "write", _writes_some)
        fault.setattr(os, "ftruncate", _read_only)
        for _ in range(2):
            with pytest.raises(OSError, match="Read-only"):
                file.append(b"two\n")
    file.append(b"two\n")
    file.append(b"three\n")
    assert (tmp_path / "file").read_bytes() == b"one\ntwo\nthree\n"
    file.close()


def _read_only(*_: object) -> int:
    raise OSError(errno.EROFS, "Read-only file system")


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: os.truncate(path, 0)])
def test_a_file_that_somebody_deletes_is_begun_anew(
    tmp_path: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    file = opened(tmp_path)
    file.write([b"one"])
    harm(tmp_path / "records.jsonl")
    file.write([b"two"])
    file.write([b"three"])
    assert files(tmp_path) == {"records.jsonl": b"two\nthree\n"}
    told = [(record.message, record.__dict__["bytes"]) for record in caplog.records]
    assert told == [("the file of records was deleted, and is begun anew", 4)]
    file.close()


def test_what_is_left_of_a_cut_line_is_merged_with_no_other(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.write([b"one", b"two"])
    os.truncate(tmp_path / "records.jsonl", 5)
    file.write([b"three"])
    assert files(tmp_path) == {"records.jsonl": b"one\nt\nthree\n"}
    file.close()


def test_tries_to_rename_a_file_that_cannot_be_renamed_push_no_other_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a file is that is a mount of its own, or append-only.
    file = opened(tmp_path, max_bytes=10, keep=3)
    for line in (b"1" * 8, b"2" * 8, b"3" * 8):
        file.write([line])
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, to: _busy() if path.suffix == ".jsonl" else replace(path, to))
    for _ in range(5):
        with pytest.raises(OSError, match="busy"):
            file.write([b"4" * 8])
    monkeypatch.undo()
    file.write([b"4" * 8])
    assert sorted(content[:1] for content in files(tmp_path).values()) == [b"1", b"2", b"3", b"4"]
    file.close()


def _busy() -> Path:
    raise OSError(errno.EBUSY, "Device or resource busy")


LIMITED = """
import json, resource, sys, time
from pathlib import Path
from tests.records.making import decided
from webhook.records.chain import Chain
from webhook.records.file import RotatingFile
from webhook.records.writer import RecordWriter

path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
writer = RecordWriter("file", RotatingFile(path, 10**6, 1), Chain("a-file"))
for number in range(3):
    writer.put(decided(f"u-{number}"))
end = time.monotonic() + 20
while not writer.failures and time.monotonic() < end:
    time.sleep(0.01)
failed = path.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.close(20)
print(json.dumps({"failed": failed.decode(), "failures": writer.failures, "lost": writer.lost}))
"""


def test_a_disk_that_was_full_in_the_middle_of_a_line_has_each_line_whole(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    result = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, check=True, timeout=60)
    told = json.loads(result.stdout)
    assert told["failures"] > 0
    # Some of the batch fitted, and was taken back.
    assert told["failed"] == ""
    assert told["lost"] == 0
    lines = path.read_bytes().splitlines()
    assert len(lines) == 4
    assert verified(lines).whole(partial=False)


def test_a_rotated_log_is_one_log(tmp_path: Path) -> None:
    file = opened(tmp_path, max_bytes=2000, keep=9)
    lines = whole_log(10)
    for line in lines:
        file.write([line])
    file.close()
    rotated = sorted(files(tmp_path), key=lambda name: -int(name.rpartition(".")[2]) if name[-1].isdigit() else 0)
    assert len(rotated) > 2
    read = [line for name in rotated for line in (tmp_path / name).read_bytes().splitlines()]
    assert read == lines
    assert verified(read).whole(partial=False)
