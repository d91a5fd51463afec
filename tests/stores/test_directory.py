import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.polling import poll_async
from tests.stores.looking import candidates, gap
from tests.support.envelopes import bundle, dump, envelope
from tests.support.keys import ecdsa
from tests.support.statements import IMAGE, OTHER_IMAGE, statement
from webhook import files
from webhook.limits import LIMITS
from webhook.stores import directory
from webhook.stores.directory import DirectoryStore
from webhook.stores.protocol import Candidate

NOBODY = 65534
SIGNER = ecdsa()


def evidence(*subjects: str, note: str = "") -> bytes:
    return dump(envelope(statement(subjects=subjects or (IMAGE,), note=note), [SIGNER]))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "INTERVAL_SECONDS", 0.01)


@asynccontextmanager
async def following(folder: Path) -> AsyncIterator[DirectoryStore]:
    store = DirectoryStore(folder)
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def found(folder: Path, digest: str = IMAGE) -> list[Candidate]:
    """What a store finds that has just been started."""
    async with following(folder) as store:
        return await candidates(store, digest)


async def trouble(folder: Path, digest: str = IMAGE) -> str:
    """What a store cannot see that has just been started."""
    async with following(folder) as store:
        return await gap(store, digest)


async def uris(folder: Path, digest: str = IMAGE) -> list[str]:
    return [entry.uri for entry in await found(folder, digest)]


async def becomes(store: DirectoryStore, expected: list[bytes], why: str = "") -> None:
    """Waits until the store gives these bytes, and why there may be more."""

    async def look() -> bool:
        raws = [entry.raw for entry in await candidates(store, IMAGE)]
        return (raws, await gap(store, IMAGE)) == (expected, why)

    await poll_async(look, 5, why or f"{len(expected)} candidates")


async def test_a_file_is_given_as_it_lies_with_its_digest_and_place(tmp_path: Path) -> None:
    raw = evidence()
    (tmp_path / "cart.json").write_bytes(raw)
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    assert await found(tmp_path) == [Candidate(raw, digest, "directory:cart.json")]


async def test_a_statement_is_filed_under_each_of_its_subjects(tmp_path: Path) -> None:
    (tmp_path / "both").write_bytes(evidence(IMAGE, OTHER_IMAGE))
    (tmp_path / "other").write_bytes(evidence(OTHER_IMAGE))
    (tmp_path / "bundle").write_bytes(dump(bundle(envelope(statement(), [SIGNER]))))
    assert await uris(tmp_path) == ["directory:both", "directory:bundle"]
    assert await uris(tmp_path, OTHER_IMAGE) == ["directory:both", "directory:other"]


async def test_an_image_that_nobody_names_has_no_candidates(tmp_path: Path) -> None:
    (tmp_path / "cart").write_bytes(evidence())
    assert await found(tmp_path, OTHER_IMAGE) == []


async def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert await found(tmp_path) == []


async def test_candidates_are_ordered_by_file_name(tmp_path: Path) -> None:
    names = ["b", "a", "C", "10", "9", "ä"]
    for name in names:
        (tmp_path / name).write_bytes(evidence())
    assert await uris(tmp_path) == [f"directory:{name}" for name in sorted(names)]


async def test_the_name_of_a_file_decides_nothing_else(tmp_path: Path) -> None:
    for name in ("cart", "cart.txt", "cart.json.bak", "with space"):
        (tmp_path / name).write_bytes(evidence())
    assert len(await found(tmp_path)) == 4


async def test_a_name_that_is_not_utf_8_is_shown_so_that_it_can_be_sent(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.json")).write_bytes(evidence())
    assert await uris(tmp_path) == ["directory:\ufffd.json"]


async def test_hidden_files_and_sub_folders_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".hidden.json").write_bytes(evidence())
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "cart.json").write_bytes(evidence())
    os.mkfifo(tmp_path / "pipe")
    assert await found(tmp_path) == []


NO_ENVELOPE = {
    "empty": b"",
    "text": b"hello",
    "list": b"[]",
    "no statement": dump(envelope(b"hello", [SIGNER])),
    "too many subjects": dump(envelope(statement(subjects=[IMAGE] * (LIMITS.subjects + 1)), [SIGNER])),
    "too large": evidence().ljust(LIMITS.envelope_bytes + 1),
}


@pytest.mark.parametrize("case", NO_ENVELOPE)
async def test_a_file_that_is_no_envelope_is_logged_and_passed_over(
    case: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a-bad").write_bytes(NO_ENVELOPE[case])
    (tmp_path / "b-good").write_bytes(evidence())
    async with following(tmp_path) as store:
        assert [entry.uri for entry in await candidates(store, IMAGE)] == ["directory:b-good"]
        assert await candidates(store, OTHER_IMAGE) == []
    assert "evidence file is no envelope" in caplog.text
    assert {record.__dict__.get("file") for record in caplog.records} == {"a-bad"}


async def test_a_file_of_exactly_the_largest_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "cart").write_bytes(evidence().ljust(LIMITS.envelope_bytes))
    assert len(await found(tmp_path)) == 1


async def test_a_file_that_cannot_be_read_makes_absence_unknown(tmp_path: Path) -> None:
    (tmp_path / "a-unreadable").symlink_to("/proc/self/mem")
    (tmp_path / "b-good").write_bytes(evidence())
    async with following(tmp_path) as store:
        assert len(await candidates(store, IMAGE)) == 1
        assert "store directory: a file cannot be read" in await gap(store, OTHER_IMAGE)


async def test_a_link_that_points_nowhere_makes_absence_unknown(tmp_path: Path) -> None:
    (tmp_path / "cart").symlink_to("gone")
    assert await trouble(tmp_path)


async def test_a_file_that_can_be_read_again_is_seen(tmp_path: Path) -> None:
    unreadable = tmp_path / "cart"
    unreadable.symlink_to("/proc/self/mem")
    async with following(tmp_path) as store:
        await becomes(store, [], "store directory: a file cannot be read")
        raw = evidence()
        files.write_atomically(unreadable, raw)
        await becomes(store, [raw])


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may read everything; this block may not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


async def test_a_file_whose_permission_was_corrected_is_seen() -> None:
    with tempfile.TemporaryDirectory() as name:
        cart = Path(name) / "cart"
        cart.write_bytes(evidence())
        if os.geteuid() == 0:
            os.chown(name, NOBODY, -1)
        cart.chmod(0)
        store = DirectoryStore(Path(name))
        with ordinary_user():
            await store.start()
            assert "a file cannot be read" in await gap(store, IMAGE)
        cart.chmod(0o600)
        try:
            await becomes(store, [cart.read_bytes()])
        finally:
            await store.stop()


async def test_before_its_start_a_store_knows_nothing(tmp_path: Path) -> None:
    assert await gap(DirectoryStore(tmp_path), IMAGE) == "store directory: the folder has not been read yet"


async def test_a_folder_that_is_missing_makes_absence_unknown_until_it_appears(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    async with following(folder) as store:
        assert "store directory: the folder cannot be read" in await gap(store, IMAGE)
        folder.mkdir()
        await becomes(store, [])
        raw = evidence()
        (folder / "cart").write_bytes(raw)
        await becomes(store, [raw])


async def test_a_folder_that_vanishes_makes_absence_unknown(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "cart").write_bytes(evidence())
    async with following(folder) as store:
        folder.rename(tmp_path / "elsewhere")
        await becomes(store, [], "store directory: the folder cannot be read")


async def test_a_file_in_place_of_the_folder_makes_absence_unknown(tmp_path: Path) -> None:
    (tmp_path / "cart").write_bytes(evidence())
    assert "the folder cannot be read" in await trouble(tmp_path / "cart")


async def test_a_path_that_no_file_system_has_makes_absence_unknown() -> None:
    assert await trouble(Path("a\x00b")) == "store directory: the folder cannot be read"


async def test_a_file_that_arrives_changes_and_vanishes_is_seen(tmp_path: Path) -> None:
    first, second = evidence(note="first"), evidence(note="second, and longer")
    file = tmp_path / "cart"
    async with following(tmp_path) as store:
        assert await candidates(store, IMAGE) == []
        for raw in (first, second):
            files.write_atomically(file, raw)
            await becomes(store, [raw])
        file.unlink()
        await becomes(store, [])


async def test_a_mounted_config_map_is_read_once_and_its_swap_is_seen(tmp_path: Path) -> None:
    # As the kubelet writes it (k8s.io/kubernetes pkg/volume/util/atomic_writer.go).
    old, new = evidence(note="one"), evidence(note="two")
    for version, raw in (("..2026_1", old), ("..2026_2", new)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "cart.json").write_bytes(raw)
    (tmp_path / "..data").symlink_to("..2026_1")
    (tmp_path / "cart.json").symlink_to("..data/cart.json")
    async with following(tmp_path) as store:
        assert [(entry.uri, entry.raw) for entry in await candidates(store, IMAGE)] == [("directory:cart.json", old)]
        (tmp_path / "..data_tmp").symlink_to("..2026_2")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        await becomes(store, [new])


async def test_one_digest_has_at_most_so_many_candidates(tmp_path: Path) -> None:
    for number in range(LIMITS.candidates + 1):
        (tmp_path / f"{number:03}").write_bytes(evidence(note=str(number)))
    assert len(await found(tmp_path)) <= LIMITS.candidates


@pytest.mark.parametrize("count", [3, 4])
async def test_a_folder_of_too_many_files_is_not_read(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "LIMITS", replace(LIMITS, directory_files=3))
    for number in range(count):
        (tmp_path / f"{number}").write_bytes(evidence())
    if count == 3:
        assert len(await found(tmp_path)) == 3
    else:
        assert "more than 3 files" in await trouble(tmp_path)


async def test_a_store_that_has_stopped_follows_no_longer(tmp_path: Path) -> None:
    async with following(tmp_path) as store:
        pass
    assert store._watch._task is not None
    assert store._watch._task.done()


async def test_a_folder_that_holds_too_much_makes_absence_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_bytes(evidence())
    monkeypatch.setattr(directory, "LIMITS", replace(LIMITS, directory_bytes=len(evidence())))
    store = DirectoryStore(tmp_path)
    await store.refresh()
    assert len(await candidates(store, IMAGE)) == 1
    assert store.gap() is not None
