"""No option of `evidence-gate attest` costs somebody a file that another option names."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.attest.keys import private_pem
from tests.cli.test_attest import IMAGE, UNTIL
from webhook.cli.main import main

GATE = str(Path(sys.executable).with_name("evidence-gate"))
NEEDED = [f"--image={IMAGE}", "--environment=staging", f"--observed-until={UNTIL}"]
KEY, PROFILE = ["--key", "key"], ["--profile", "profile"]
INPUTS = {
    "profile": [*PROFILE, *KEY],
    "key": [*PROFILE, *KEY],
    "key-passphrase-file": [*PROFILE, *KEY, "--key-passphrase-file", "key-passphrase-file"],
    "kubeconfig": [*PROFILE, *KEY, "--kubeconfig", "kubeconfig"],
    "identity-token-file": [*PROFILE, "--keyless", "--identity-token-file", "identity-token-file"],
    "trust-config": [*PROFILE, "--keyless", "--trust-config", "trust-config"],
    "config": [*PROFILE, "--dry-run", "--config", "config"],
}
NAMES = ("the same name", "a hard link", "a symbolic link", "another way")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the command works in."""
    monkeypatch.chdir(tmp_path)
    for name in INPUTS:
        (tmp_path / name).write_text("{}")
    (tmp_path / "key").write_bytes(private_pem("P-256"))
    (tmp_path / "profile").write_text("main;price 30\n")
    return tmp_path


def attest(*options: str | Path) -> Result:
    return CliRunner().invoke(main, ["attest", *NEEDED, *map(str, options)])


def started(*options: str, stdin: Path = Path(os.devnull), stdout: Path | None = None) -> tuple[int, str]:
    """Runs the command as a process, with files behind its streams."""
    with stdin.open("rb") as source, Path(stdout or os.devnull).open("r+b") as target:
        command = [GATE, "attest", *NEEDED, *options]
        done = subprocess.run(command, stdin=source, stdout=target, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


def renamed(folder: Path, name: str, how: str) -> str:
    """Gives a file another name."""
    match how:
        case "a hard link":
            (folder / "other").hardlink_to(folder / name)
        case "a symbolic link":
            (folder / "other").symlink_to(name)
        case "another way":
            return f"../{folder.name}/./{name}"
        case _:
            return name
    return "other"


@pytest.mark.parametrize("written", ["output", "flamegraph"])
@pytest.mark.parametrize("how", NAMES)
@pytest.mark.parametrize("option", INPUTS)
def test_what_is_read_is_never_written(option: str, how: str, written: str, folder: Path) -> None:
    before = (folder / option).read_bytes()
    elsewhere = ["--output=evidence.json"] if written == "flamegraph" else []
    result = attest(*INPUTS[option], *elsewhere, f"--{written}", renamed(folder, option, how))
    assert result.exit_code == 2
    assert f"Invalid value for --{written}: " in result.stderr
    assert f" is the file of --{option} too, which would be lost; name another" in result.stderr
    assert (folder / option).read_bytes() == before
    assert not (folder / "evidence.json").exists()


@pytest.mark.parametrize("written", ["output", "flamegraph"])
def test_a_rehearsal_refuses_what_the_run_would(written: str, folder: Path) -> None:
    before = (folder / "key").read_bytes()
    result = attest(*PROFILE, *KEY, "--dry-run", f"--{written}=key")
    assert (result.exit_code, result.stdout) == (2, "")
    assert (folder / "key").read_bytes() == before


def test_the_file_behind_standard_input_is_never_written(folder: Path) -> None:
    before = (folder / "key").read_bytes()
    code, told = started(*PROFILE, "--key=-", "--output=key", stdin=folder / "key")
    assert code == 2
    assert "key is the file of --key too" in told
    assert (folder / "key").read_bytes() == before


@pytest.mark.parametrize("other", ["new", "./new", "link"])
def test_two_outputs_that_are_not_there_yet_are_two_files(other: str, folder: Path) -> None:
    (folder / "link").symlink_to("new")
    result = attest(*PROFILE, *KEY, "--output=new", f"--flamegraph={other}")
    assert result.exit_code == 2
    assert f"{Path(other)} is the file of --output too" in result.stderr
    assert not (folder / "new").exists()


@pytest.mark.parametrize("how", NAMES)
def test_two_outputs_that_are_there_are_two_files(how: str, folder: Path) -> None:
    (folder / "old").write_text("old")
    result = attest(*PROFILE, *KEY, "--output=old", "--flamegraph", renamed(folder, "old", how))
    assert result.exit_code == 2
    assert " is the file of --output too" in result.stderr
    assert (folder / "old").read_text() == "old"


def test_the_file_behind_standard_output_is_not_replaced_by_the_other_output(folder: Path) -> None:
    (folder / "out").write_text("old")
    code, told = started(*PROFILE, *KEY, "--output=-", "--flamegraph=out", stdout=folder / "out")
    assert code == 2
    assert "out is the file of --output too" in told
    assert (folder / "out").read_text() == "old"


def test_a_device_may_be_named_twice_since_nothing_is_lost() -> None:
    assert attest(*PROFILE, *KEY, "--output=/dev/null", "--flamegraph=/dev/null").exit_code == 0


def test_a_pipe_may_be_read_and_written_since_nothing_is_lost(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with ThreadPoolExecutor(1) as pool:
        pool.submit((folder / "pipe").write_text, "main;price 30\n")
        assert attest("--dry-run", "--profile=pipe", "--output=pipe").exit_code == 0


TWICE: dict[str, tuple[list[str], str, str]] = {
    "profile and key": (["--profile=-", "--key=-"], "key", "profile"),
    "two profiles": (["--profile=-", "--profile=-", *KEY], "profile", "profile"),
    "another name": (["--profile=/dev/stdin", "--key=-"], "key", "profile"),
    "key and passphrase": ([*PROFILE, "--key=-", "--key-passphrase-file=-"], "key-passphrase-file", "key"),
    "token and trust": (
        [*PROFILE, "--keyless", "--identity-token-file=-", "--trust-config=-"],
        "trust-config",
        "identity-token-file",
    ),
    "a rehearsal": (["--dry-run", "--profile=-", "--profile=/dev/fd/0"], "profile", "profile"),
}


@pytest.mark.parametrize("case", TWICE)
def test_standard_input_is_read_once(case: str, folder: Path) -> None:
    options, second, first = TWICE[case]
    result = attest(*options, "--output=evidence.json")
    assert result.exit_code == 2
    assert f"--{second}: standard input is named twice, by --{first} too; name a file" in result.stderr
    assert not (folder / "evidence.json").exists()


def test_a_file_may_be_called_as_standard_input_is(folder: Path) -> None:
    (folder / "-").write_text("{}")
    result = CliRunner().invoke(main, ["attest", "--dry-run", "--profile=-", "--config=-"], input="main;price 30\n")
    assert "standard input is named twice" not in result.stderr


def test_a_second_key_is_refused_since_one_signs(folder: Path) -> None:
    (folder / "second").write_bytes(private_pem("P-384"))
    result = attest(*PROFILE, *KEY, "--key=second", "--output=evidence.json")
    assert result.exit_code == 2
    assert "'--key': it is given twice, and one key signs; run the command once for each key" in result.stderr
    assert not (folder / "evidence.json").exists()


UNWRITABLE = {
    "none/a": "none/a cannot be written: No such file or directory",
    "profile/a": "profile/a cannot be written: Not a directory",
    "dangling": "dangling cannot be written: No such file or directory",
    ".": "is a directory",
    "/dev/fd/987654": "/dev/fd/987654 cannot be written: Bad file descriptor",
}


@pytest.mark.parametrize("option", ["output", "flamegraph"])
@pytest.mark.parametrize("path", UNWRITABLE)
def test_what_cannot_be_written_is_found_before_a_key_is_looked_for(path: str, option: str, folder: Path) -> None:
    (folder / "dangling").symlink_to("none/a")
    elsewhere = ["--output=/dev/null"] if option == "flamegraph" else []
    result = attest(*PROFILE, "--key=no-such-key", *elsewhere, f"--{option}={path}")
    assert result.exit_code == 2
    assert f"--{option}" in result.stderr
    assert UNWRITABLE[path] in result.stderr


@pytest.mark.parametrize("option", ["output", "flamegraph"])
def test_standard_output_that_is_closed_swallows_nothing(option: str) -> None:
    elsewhere = ["--output=evidence.json"] if option == "flamegraph" else []
    command = [GATE, "attest", *NEEDED, *PROFILE, *KEY, *elsewhere, f"--{option}=-"]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    done = subprocess.run(closed, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert f"--{option}: standard output is closed; name a file" in done.stderr
