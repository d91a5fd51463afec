"""What waits for the collector: nothing is lost by a crash, and what is delivered makes room."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webhook.errors import ConfigurationError
from webhook.records.spool import Spool

MEBIBYTE = 1024 * 1024


def opened(folder: Path, max_bytes: int = MEBIBYTE) -> Spool:
    return Spool(folder / "spool", max_bytes)


def killed(spool: Spool) -> None:
    """What the kernel does for a process that is gone: its locks end."""
    spool.release()


def line(number: int, size: int = 0) -> bytes:
    return json.dumps({"n": number, "x": "x" * size}).encode()


def numbers(data: bytes) -> list[int]:
    return [json.loads(text)["n"] for text in data.splitlines()]


def rest(spool: Spool, limit: int = 4096) -> list[int]:
    """Delivers everything."""
    taken: list[int] = []
    while (batch := spool.read(limit)) is not None:
        assert batch.entries == len(batch.data.splitlines())
        taken += numbers(batch.data)
        spool.acknowledge(batch)
    return taken


def segments(folder: Path) -> list[Path]:
    return sorted((folder / "spool").glob("0*.jsonl"))


def test_an_empty_spool_has_nothing_to_deliver(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    assert spool.read(100) is None
    assert (spool.waiting, spool.room()) == (0, MEBIBYTE)


def test_lines_are_delivered_in_order(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(0, 100, 2):
        spool.write([line(number), line(number + 1)])
    assert rest(spool, limit=100) == list(range(100))
    assert spool.waiting == 0


def test_what_is_not_acknowledged_is_read_again(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([line(0), line(1)])
    assert spool.read(1000) == spool.read(1000)


def test_a_batch_keeps_to_its_limits_unless_one_line_is_longer(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([line(0), line(1), line(2, 500), line(3)])
    sizes = []
    while (batch := spool.read(60)) is not None:
        sizes.append(numbers(batch.data))
        spool.acknowledge(batch)
    assert sizes == [[0, 1], [2], [3]]


def test_a_batch_has_a_number_of_entries_at_most(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([line(number) for number in range(600)])
    batch = spool.read(MEBIBYTE)
    assert batch is not None
    assert batch.entries == 500


def test_what_is_delivered_is_deleted(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(20):
        spool.write([line(number, 30_000)])
    assert len(segments(tmp_path)) > 3
    assert rest(spool) == list(range(20))
    assert segments(tmp_path) == []
    assert spool.room() == MEBIBYTE
    spool.write([line(20)])
    assert rest(spool) == [20]


def test_a_full_spool_says_how_much_it_takes(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    while spool.room() > 30_100:
        spool.write([line(0, 30_000)])
    held = sum(path.stat().st_size for path in segments(tmp_path))
    assert spool.room() == MEBIBYTE - held
    assert spool.waiting == held
    rest(spool)
    assert spool.room() == MEBIBYTE


def test_a_killed_process_leaves_what_was_not_acknowledged(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([line(number) for number in range(10)])
    batch = spool.read(60)
    assert batch is not None
    spool.acknowledge(batch)
    killed(spool)
    again = opened(tmp_path)
    again.write([line(10)])
    assert rest(again) == list(range(len(numbers(batch.data)), 11))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(["write", "large", "take", "lose", "kill"]), max_size=30))
def test_whatever_happens_each_line_is_delivered_at_least_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool, count, taken = opened(folder), 0, []
    for step in steps:
        match step:
            case "write" | "large":
                spool.write([line(count, 40_000 if step == "large" else 0), line(count + 1)])
                count += 2
            case "kill":
                killed(spool)
                spool = opened(folder)
            case _:
                batch = spool.read(50)
                if batch is not None:
                    taken += numbers(batch.data)
                    if step == "take":
                        spool.acknowledge(batch)
    taken += rest(spool)
    killed(spool)
    firsts = list(dict.fromkeys(taken))
    assert firsts == list(range(count))


TORN = [b'{"n": 2', b'{"n": 2}', b"\0" * 4096, b'{"n": 2}\n{"n', b'{"n": 2}\n\0\0\0\n', b"[1]\n"]


@pytest.mark.parametrize("end", TORN)
def test_a_torn_end_is_cut_to_the_last_whole_entry(
    tmp_path: Path, end: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path)
    spool.write([line(0), line(1)])
    killed(spool)
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(end)
    again = opened(tmp_path)
    assert [entry.message for entry in caplog.records] == ["the spool's end was torn, and is cut"]
    again.write([line(9)])
    whole = [2] if end.startswith(b'{"n": 2}\n') else []
    assert rest(again) == [0, 1, *whole, 9]


def test_half_a_line_in_the_middle_stops_none_behind_it(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / f"{1:020d}.jsonl").write_bytes(line(0) + b'\n{"half')
    (tmp_path / "spool" / f"{2:020d}.jsonl").write_bytes(line(1) + b"\n")
    spool, taken = opened(tmp_path), b""
    while (batch := spool.read(4096)) is not None:
        taken += batch.data
        spool.acknowledge(batch)
    assert taken == line(0) + b'\n{"half' + line(1) + b"\n"


def test_a_spool_of_nothing_but_rubbish_is_empty(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / f"{7:020d}.jsonl").write_bytes(b"\0" * 100)
    spool = opened(tmp_path)
    assert spool.read(100) is None
    assert segments(tmp_path) == []


POSITIONS = [
    b"",
    b"rubbish",
    b"[]",
    b'{"segment": 1}',
    b'{"segment": "x", "offset": 0}',
    b'{"segment": 1, "offset": -5}',
    b'{"segment": 1, "offset": 99999999}',
    b'{"segment": 999, "offset": 0}',
    b'{"segment": -1, "offset": 0}',
    b" " * 5000,
]


@pytest.mark.parametrize("content", POSITIONS)
def test_a_position_that_makes_no_sense_means_the_beginning(tmp_path: Path, content: bytes) -> None:
    spool = opened(tmp_path)
    spool.write([line(0), line(1)])
    killed(spool)
    (tmp_path / "spool" / "position.json").write_bytes(content)
    assert rest(opened(tmp_path)) == [0, 1]


def test_numbers_go_on_after_everything_was_delivered_and_the_process_was_killed(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(10):
        spool.write([line(number, 70_000)])
    rest(spool)
    killed(spool)
    # Another process writes two segments and is killed before it has delivered anything.
    spool = opened(tmp_path)
    spool.write([line(10, 70_000)])
    spool.write([line(11)])
    killed(spool)
    assert rest(opened(tmp_path)) == [10, 11]


def test_a_segment_that_was_delivered_and_not_deleted_is_not_delivered_again(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(3):
        spool.write([line(number, 70_000)])
    first = segments(tmp_path)[0]
    content = first.read_bytes()
    batch = spool.read(100_000)
    assert batch is not None
    spool.acknowledge(batch)
    killed(spool)
    first.write_bytes(content)
    assert rest(opened(tmp_path)) == [1, 2]
    assert not first.exists()


def test_what_is_set_aside_is_kept_and_takes_room(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.write([line(0), line(1)])
    batch = spool.read(1)
    assert batch is not None
    spool.set_aside(batch)
    assert (tmp_path / "spool" / "refused.jsonl").read_bytes() == line(0) + b"\n"
    assert rest(spool) == [1]
    assert spool.room() == MEBIBYTE - len(line(0)) - 1
    killed(spool)
    assert opened(tmp_path).room() == MEBIBYTE - len(line(0)) - 1


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(ConfigurationError, match=r"records\.collector\.spool\.path .*: another process writes there"):
        opened(tmp_path)
    killed(spool)
    opened(tmp_path)
