"""`evidence-gate log verify`: files as sinks write them, and what is said of them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.attest.keys import public_pem
from tests.records.making import KEY, whole_log
from webhook.cli.main import main
from webhook.limits import LIMITS

LOG = whole_log(5, key=KEY)


def verify(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["log", "verify", *map(str, arguments)], input=given)


def report(*arguments: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(verify(*arguments, "-o", "json").stdout)
    return document


def written(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return written(tmp_path / "records.jsonl", LOG)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key.pub").write_bytes(public_pem("Ed25519"))
    return tmp_path / "key.pub"


def test_a_whole_log_is_said_to_be_whole(log: Path, key: Path) -> None:
    result = verify(log, "--key", key)
    assert result.exit_code == 0
    assert result.stdout == ("Whole\n  chain ab12-file: entries 0 to 5\n  signatures: verified\n  other lines: 0\n")


def test_standard_input_is_read(key: Path) -> None:
    assert verify("-", "--key", key, given=b"\n".join(LOG)).exit_code == 0


def test_a_removed_entry_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = written(tmp_path / "log", [b"other", *LOG[:2], *LOG[3:]])
    result = verify(path)
    assert result.exit_code == 1
    assert result.stdout.startswith("Not whole\n")
    assert f"  problem: {path}:4: entry 2 is removed or moved: entry 3 follows\n" in result.stdout


def test_the_report_as_json(log: Path, key: Path) -> None:
    assert report(log, "--key", key) == {
        "whole": True,
        "signatures": "verified",
        "problems": [],
        "chains": [
            {
                "instance": "ab12-file",
                "entries": 6,
                "first": 0,
                "last": 5,
                "lost": 0,
                "repeated": 0,
                "closed": True,
                "missing": None,
            }
        ],
        "otherLines": 0,
    }


def test_without_a_key_no_signature_is_said_to_be_verified(log: Path) -> None:
    assert report(log)["signatures"] == "not verified"


def test_another_key_is_not_believed(log: Path, tmp_path: Path) -> None:
    (tmp_path / "other.pub").write_bytes(public_pem("P-256", "stranger"))
    result = verify(log, "--key", tmp_path / "other.pub")
    assert result.exit_code == 1
    assert f"{log}:1: it is signed by none of the keys" in result.stdout


@pytest.mark.parametrize(("part", "missing"), [(LOG[1:], "entry 0 is not here"), (LOG[:-1], "no closing entry")])
def test_a_log_without_beginning_or_end_is_whole_only_as_a_part(
    tmp_path: Path, part: list[bytes], missing: str
) -> None:
    path = written(tmp_path / "log", part)
    result = verify(path)
    assert result.exit_code == 1
    assert f"missing: {missing}" in result.stdout
    assert verify(path, "--partial").exit_code == 0


@pytest.mark.parametrize("order", [["", ".1", ".2.gz"], [".1", ".2.gz", ""], [".2.gz", ".1", ""]])
def test_rotated_files_are_read_from_the_oldest(tmp_path: Path, order: list[str]) -> None:
    base = tmp_path / "records.jsonl"
    written(base, LOG[4:])
    written(tmp_path / "records.jsonl.1", LOG[2:4])
    with gzip.open(tmp_path / "records.jsonl.2.gz", "wb") as file:
        file.write(b"".join(line + b"\n" for line in LOG[:2]))
    assert verify(*(f"{base}{suffix}" for suffix in order)).exit_code == 0


def test_ten_is_older_than_nine(tmp_path: Path) -> None:
    lines = whole_log(10)
    paths = [written(tmp_path / f"log.{10 - index}", [line]) for index, line in enumerate(lines)]
    assert verify(*sorted(paths)).exit_code == 0


def test_a_log_without_entries_is_not_whole(tmp_path: Path) -> None:
    result = verify(written(tmp_path / "log", [b"hello"]), "--partial")
    assert result.exit_code == 1
    assert "problem: there is no entry" in result.stdout


def test_a_line_that_is_too_long_is_never_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    longest = max(map(len, LOG)) + 2
    monkeypatch.setattr("webhook.cli.log.LIMITS", type(LIMITS)(record_line_bytes=longest))
    noise = b'{"chain": ' + b"x" * longest * 3
    path = written(tmp_path / "log", [*LOG[:2], noise, *LOG[2:]])
    assert verify(path).exit_code == 1
    assert report(path)["problems"] == [f"{path}:3: it is too long to be read"]
    grown = LOG[2][:-1] + b" " * longest + b"}"
    assert report(written(tmp_path / "grown", [*LOG[:2], grown, *LOG[3:]]))["problems"] == [
        f"{tmp_path / 'grown'}:3: it is too long to be read",
        f"{tmp_path / 'grown'}:4: entry 2 is removed or moved: entry 3 follows",
    ]


@pytest.mark.parametrize("arguments", [[], ["absent"], ["LOG", "--key", "LOG"], ["LOG", "--key", "absent"]])
def test_what_cannot_be_read_is_a_usage_error(log: Path, arguments: list[str]) -> None:
    assert verify(*(log if argument == "LOG" else argument for argument in arguments)).exit_code == 2


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"x" * 100)[:-9], gzip.compress(b"x" * 100)[:15]])
def test_a_broken_archive_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.gz").write_bytes(content)
    assert verify(tmp_path / "log.gz").exit_code == 2
