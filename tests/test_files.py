import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness.polling import poll_async
from webhook import files
from webhook.files import Fingerprint, Watch, fingerprint, read_capped, write_atomically


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "INTERVAL_SECONDS", 0.01)


@pytest.mark.parametrize(("size", "limit"), [(0, 0), (0, 1), (9, 10), (10, 10)])
def test_a_file_within_the_limit_is_read_whole(size: int, limit: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * size)
    assert read_capped(tmp_path / "a", limit) == b"x" * size


@pytest.mark.parametrize(("size", "limit"), [(1, 0), (11, 10), (1_000_000, 10)])
def test_a_file_above_the_limit_is_refused(size: int, limit: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * size)
    with pytest.raises(ValueError, match=f"larger than {limit} bytes"):
        read_capped(tmp_path / "a", limit)


def test_an_endless_file_is_read_no_further_than_the_limit() -> None:
    with pytest.raises(ValueError, match="larger than 10 bytes"):
        read_capped(Path("/dev/zero"), 10)


@pytest.mark.parametrize("target", ["missing", ".", "/proc/self/mem"])
def test_a_file_that_cannot_be_read_is_an_os_error(target: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Errno"):
        read_capped(tmp_path / target, 10)


def test_writing_replaces_the_whole_content_and_leaves_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"a longer, older content")
    write_atomically(file, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_a_reader_sees_the_old_content_or_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "a"
    contents = {bytes([letter]) * 200_000 for letter in b"ab"}
    write_atomically(file, b"a" * 200_000)
    done = threading.Event()

    def write() -> None:
        for _ in range(100):
            for content in contents:
                write_atomically(file, content)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(file.read_bytes())
    writer.join()
    assert seen <= contents


def test_a_file_that_is_open_keeps_its_old_content(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")
    with file.open("rb") as reader:
        write_atomically(file, b"new")
        assert reader.read() == b"old"


def test_writing_that_fails_leaves_no_part_behind(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "inside").touch()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "a", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_writing_into_no_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "missing" / "a", b"new")


def _appear(file: Path) -> None:
    file.with_name("second").write_bytes(b"x")


def _grow(file: Path) -> None:
    before = file.stat()
    file.write_bytes(b"longer")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _same_size(file: Path) -> None:
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))


def _replace(file: Path) -> None:
    before = file.stat()
    other = file.with_name("other")
    other.write_bytes(b"two")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


def _old_time_put_back(file: Path) -> None:
    """As `rsync --inplace --times` and `cp -p` do."""
    before = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: list[Callable[[Path], None]] = [
    Path.unlink,
    _appear,
    _grow,
    _same_size,
    _replace,
    _old_time_put_back,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_fingerprint_shows_every_change(change: Callable[[Path], None], tmp_path: Path) -> None:
    file = tmp_path / "first"
    file.write_bytes(b"one")
    paths = [file, tmp_path / "second"]
    before = fingerprint(paths)
    assert fingerprint(paths) == before
    change(file)
    assert fingerprint(paths) != before


def test_a_fingerprint_describes_a_name_that_no_file_system_has() -> None:
    assert fingerprint([Path("a\x00b")]) == fingerprint([Path("a\x00b")])


def test_a_fingerprint_follows_symbolic_links(tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "key").write_bytes(b"same size")
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "key").symlink_to("..data/key")
    before = fingerprint([tmp_path / "key"])
    (tmp_path / "..next").symlink_to("v2")
    (tmp_path / "..next").replace(tmp_path / "..data")
    assert fingerprint([tmp_path / "key"]) != before


class Reactions:
    """Counts reactions; one may be told to fail."""

    def __init__(self) -> None:
        self.count = 0
        self.problem: Exception | None = None
        self.refuses = False

    async def react(self) -> bool:
        self.count += 1
        if self.problem is not None:
            raise self.problem
        return not self.refuses

    def reached(self, count: int) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return self.count >= count

        return look


@asynccontextmanager
async def watching(take: Callable[[], Fingerprint], reactions: Reactions) -> AsyncIterator[None]:
    watch = Watch(take, reactions.react)
    await watch.start()
    assert reactions.count == 1  # To whatever changed before anybody looked.
    reactions.count = 0
    try:
        yield
    finally:
        await watch.stop()


async def test_each_change_is_reacted_to_once(tmp_path: Path) -> None:
    file, reactions, takes = tmp_path / "a", Reactions(), [0]

    def take() -> Fingerprint:
        takes[0] += 1
        return fingerprint([file])

    async def quiet_for_ten(since: int) -> bool:
        return takes[0] > since + 10

    async with watching(take, reactions):
        for number in (1, 2):
            write_atomically(file, b"%d" % number)
            await poll_async(reactions.reached(number), 5, f"reaction {number}")
            since = takes[0]
            await poll_async(lambda since=since: quiet_for_ten(since), 5, "ten more looks")  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            assert reactions.count == number


async def test_a_reaction_that_fails_does_not_end_the_watch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, reactions = tmp_path / "a", Reactions()
    reactions.problem = RuntimeError("no")
    async with watching(lambda: fingerprint([file]), reactions):
        write_atomically(file, b"1")
        await poll_async(reactions.reached(1), 5, "the reaction that fails")
        write_atomically(file, b"2")
        await poll_async(reactions.reached(2), 5, "the reaction after it")
    assert "the reaction to a change failed" in caplog.text


async def test_a_look_that_fails_does_not_end_the_watch(tmp_path: Path) -> None:
    file, reactions, takes = tmp_path / "a", Reactions(), [0]

    def take() -> Fingerprint:
        takes[0] += 1
        if takes[0] == 2:
            raise RuntimeError("can't start new thread")
        return fingerprint([file])

    async with watching(take, reactions):
        write_atomically(file, b"1")
        await poll_async(reactions.reached(1), 2, "a reaction after the look that failed")


async def test_nothing_is_looked_at_after_the_end(tmp_path: Path) -> None:
    takes: list[int] = []

    def take() -> Fingerprint:
        takes.append(threading.get_ident())
        return fingerprint([tmp_path])

    async with watching(take, Reactions()):
        pass
    before = len(takes)
    watch = Watch(lambda: fingerprint([tmp_path]), Reactions().react)
    await watch.stop()
    assert len(takes) == before


async def test_looking_never_blocks_the_loop(tmp_path: Path) -> None:
    threads: set[int] = set()

    def take() -> Fingerprint:
        threads.add(threading.get_ident())
        return fingerprint([tmp_path])

    async with watching(take, Reactions()):
        pass
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("trouble", [RuntimeError("no"), None], ids=["an exception", "False"])
async def test_a_reaction_that_failed_is_repeated_until_it_succeeds(
    tmp_path: Path, trouble: Exception | None
) -> None:
    # A moment without file descriptors must not leave an old certificate in place for good.
    file, reactions, takes = tmp_path / "a", Reactions(), [0]

    def take() -> Fingerprint:
        takes[0] += 1
        return fingerprint([file])

    async def looked_again(since: int) -> bool:
        return takes[0] > since + 5

    async with watching(take, reactions):
        reactions.problem, reactions.refuses = trouble, True
        file.write_bytes(b"1")
        await poll_async(reactions.reached(3), 5, "two repetitions")
        reactions.problem, reactions.refuses = None, False
        await poll_async(reactions.reached(reactions.count + 1), 5, "the reaction that succeeds")
        since, count = takes[0], reactions.count
        await poll_async(lambda: looked_again(since), 5, "five more looks")
        assert reactions.count == count
