"""Where `evidence-gate attest` writes, by whatever name it is given."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from webhook.cli.attest_writing import is_stdout, own_descriptor, write_output


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "a", tmp_path / "link"
    link.symlink_to(Path("folder", "a"))
    for content in (b"new where there was none", b"newer"):
        write_output(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    with target.open("rb") as reader:
        write_output(link, b"newest")
        assert reader.read() == b"newer"
    assert list((tmp_path / "folder").iterdir()) == [target]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit((tmp_path / "pipe").read_bytes)
        write_output(tmp_path / "pipe", b"x" * 200_000)
        assert reading.result(30) == b"x" * 200_000
    assert (tmp_path / "pipe").is_fifo()


def test_a_nameless_pipe_is_written_to() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reader:
        with os.fdopen(write, "wb"):
            write_output(Path(f"/dev/fd/{write}"), b"x")
        assert reader.read() == b"x"


def test_a_device_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    write_output(tmp_path / "null", b"x")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(OSError, match="No space left"):
        write_output(Path("/dev/full"), b"x")


def test_a_file_that_has_no_name_any_more_is_written_to(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w+b") as file:
        (tmp_path / "a").unlink()
        write_output(Path(f"/dev/fd/{file.fileno()}"), b"x")
        file.seek(0)
        assert file.read() == b"x"
    assert list(tmp_path.iterdir()) == []


FORMS = ["/dev/fd/{fd}", "/proc/self/fd/{fd}", "/proc/{pid}/fd/{fd}", "/proc/thread-self/fd/{fd}", "{folder}/link"]


@pytest.mark.parametrize("form", FORMS)
def test_a_log_that_is_open_goes_on_where_it_stands(form: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"old\n")
    with log.open("ab", buffering=0) as file:
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        write_output(Path(form.format(fd=file.fileno(), pid=os.getpid(), folder=tmp_path)), b"new\n")
        file.write(b"later\n")
    assert log.read_bytes() == b"old\nnew\nlater\n"


def test_a_file_that_is_open_is_written_at_its_position(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"0123456789")
    with log.open("r+b", buffering=0) as file:
        file.seek(2)
        write_output(Path(f"/dev/fd/{file.fileno()}"), b"xyz")
        file.write(b"!")
    assert log.read_bytes() == b"01xyz!6789"


def test_standard_error_by_its_name_is_written_to(tmp_path: Path) -> None:
    program = "from pathlib import Path; from webhook.cli.attest_writing import write_output as w; "
    log = tmp_path / "log"
    log.write_bytes(b"old\n")
    for name in ("/dev/stderr", "/proc/self/fd/2"):
        with log.open("ab") as file:
            subprocess.run([sys.executable, "-c", f"{program}w(Path('{name}'), b'new\\n')"], stderr=file, check=True)
    assert log.read_bytes() == b"old\nnew\nnew\n"


def test_what_another_process_has_open_is_written_behind_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"old\n")
    with log.open("ab") as file, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file) as other:
        write_output(Path(f"/proc/{other.pid}/fd/1"), b"new\n")
        other.communicate(b"later\n")
    assert log.read_bytes() == b"old\nnew\nlater\n"


def test_what_is_only_open_to_be_read_stays_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"old")
    with log.open("rb") as file, pytest.raises(OSError, match="Bad file descriptor"):
        write_output(Path(f"/dev/fd/{file.fileno()}"), b"new")
    assert log.read_bytes() == b"old"
    with pytest.raises(OSError, match="Bad file descriptor"):
        write_output(Path("/dev/fd/987654"), b"new")


NAMES = {
    "/dev/stdin": 0,
    "/dev/stdout": 1,
    "/dev/fd/1": 1,
    "/proc/self/fd/1": 1,
    "/dev/../dev/stdout": 1,
    "/dev/stderr": 2,
    "/dev/fd/17": 17,
    "/proc/1/fd/1": None,
    "/dev/fd": None,
    "/dev/null": None,
    "/proc/self/fd/1/x": None,
    "1": None,
    "-": None,
    "a\x00b": None,
    "x" * 5000: None,
}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name)[:30])
def test_a_descriptor_is_known_by_every_name(name: str) -> None:
    assert own_descriptor(Path(name)) == NAMES[name]
    assert is_stdout(Path(name)) is (NAMES[name] == 1 or name == "-")


def test_a_link_that_leads_to_itself_is_no_descriptor(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert own_descriptor(tmp_path / "loop") is None
