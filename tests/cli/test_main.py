import errno
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import webhook.cli
from tests.attest.keys import private_pem, public_pem
from webhook.cli.main import main

COMMAND = Path(sys.executable).with_name("evidence-gate")
COMMANDS = [
    *(
        "attest",
        "config",
        "evidence",
        "gate",
        "log",
        "mcp",
        "observe",
        "operator",
        "provider",
        "query",
        "replay",
        "review",
        "scan",
    ),
    *("verify", "webhook"),
]


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_lists_every_command_with_one_sentence(option: str) -> None:
    listed = dict(re.findall(r"^  (\w+)  +(\S.*\.)$", shown(option).split("Commands:")[1], re.MULTILINE))
    assert sorted(listed) == COMMANDS


def test_every_command_that_exists_can_be_called() -> None:
    modules = [
        importlib.import_module(f"webhook.cli.{entry.name}") for entry in pkgutil.iter_modules(webhook.cli.__path__)
    ]
    commands = [module for module in modules if isinstance(getattr(module, "command", None), click.Command)]
    assert sorted(module.__name__.rsplit(".", 1)[1] for module in commands) == COMMANDS


@pytest.mark.parametrize(
    "arguments",
    [
        *([name] for name in COMMANDS),
        ["config", "check"],
        ["log", "verify"],
        ["evidence", "list"],
        ["evidence", "show"],
    ],
    ids=" ".join,
)
def test_every_command_explains_itself(arguments: list[str]) -> None:
    text = shown(*arguments, "--help")
    assert text.startswith(f"Usage: main {' '.join(arguments)} ")
    assert "-h, --help" in text


@pytest.mark.parametrize("name", ["config check", "gate", "log verify", "replay", "review", "verify"])
def test_the_help_of_a_command_that_decides_explains_its_exit_codes(name: str) -> None:
    assert "xit code" in shown(*name.split(), "--help")


def test_the_version_is_the_distributions() -> None:
    assert shown("--version") == f"evidence-gate, version {version('execution-evidence-gate')}\n"


@pytest.mark.parametrize("arguments", [["revue"], ["Gate"], ["options"], ["--halp"]])
def test_what_is_no_command_is_a_usage_error(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "No such" in result.stderr
    assert result.stdout == ""


def test_the_installed_command_is_called_evidence_gate() -> None:
    result = subprocess.run([str(COMMAND), "--help"], capture_output=True, text=True, check=False)
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: evidence-gate ")
    assert result.stderr == ""


LOADED = """
import sys
from webhook.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print([name for name in ("kubernetes", "aiohttp", "prometheus_client") if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["gate", "--environment", "production"], ["gate", "--help"]])
def test_what_needs_no_cluster_loads_no_client(arguments: list[str]) -> None:
    command = [sys.executable, "-c", LOADED, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0
    assert result.stderr == "[]\n"


EXAMPLES = Path(__file__).parents[2] / "manifests" / "examples"
PROFILE = EXAMPLES / "profiles" / "cart.folded"
DIGEST = "sha256:" + "0" * 64
IMAGE = f"--image-digest={DIGEST}"
KEY = f"--key={EXAMPLES / 'evidence' / 'staging.pub'}"
PASS, FAIL = ("gate", "--environment=staging"), ("verify", "/dev/null", KEY, IMAGE)
REHEARSAL = ("attest", "--dry-run", f"--profile={PROFILE}")
TELLING = [("--help",), ("--version",), ("verify", "--help"), PASS, FAIL, REHEARSAL]


def in_shell(redirection: str, *arguments: str) -> tuple[int, str, str]:
    """Runs the command with a redirection of its streams."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", str(COMMAND), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_an_answer_that_is_told_is_a_verdict() -> None:
    assert (in_shell("", *PASS)[0], in_shell("", *FAIL)[0]) == (0, 1)


@pytest.mark.parametrize("arguments", TELLING, ids=lambda arguments: arguments[0])
def test_an_answer_that_finds_no_room_is_no_verdict(arguments: tuple[str, ...]) -> None:
    told = "Error: standard output cannot be written: No space left on device\n"
    assert in_shell(">/dev/full", *arguments) == (3, "", told)
    assert in_shell(">/dev/full 2>/dev/full", *arguments) == (3, "", "")


@pytest.mark.parametrize("arguments", TELLING, ids=lambda arguments: arguments[0])
def test_an_answer_that_nobody_reads_is_no_verdict_and_no_trouble(arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        command = [str(COMMAND), *arguments]
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (3, b"")


def test_another_trouble_is_not_taken_for_that_of_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def broken() -> None:
        raise OSError(errno.ENOSPC, "elsewhere")

    monkeypatch.setattr("webhook.cli.gate.command", broken)
    result = CliRunner().invoke(main, ["gate"])
    assert isinstance(result.exception, OSError)
    assert result.exception.strerror == "elsewhere"


def test_standard_input_that_is_closed_is_empty() -> None:
    nothing = in_shell("</dev/null", "attest", "--dry-run", "--profile=-")
    assert nothing[0] == 2
    assert in_shell("<&-", "attest", "--dry-run", "--profile=-") == nothing
    code, told, trouble = in_shell("<&-", "verify", "-", KEY, IMAGE)
    assert (code, told.splitlines()[0], trouble) == (1, "Not verified", "")


@pytest.mark.parametrize("closed", ["<&-", "2>&-"])
def test_a_stream_that_is_closed_and_not_needed_is_no_matter(closed: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(private_pem("P-256"))
    what = (
        f"--image=registry.example.com/shop/cart@{DIGEST}",
        "--environment=staging",
        "--observed-until=2026-01-24T06:36:35Z",
    )
    code, _, told = in_shell(closed, "attest", f"--profile={PROFILE}", *what, f"--key={tmp_path}/key", "--output=-")
    assert code == 0
    assert told == ("" if closed == "2>&-" else "hot symbols: 22, call paths: 88\n")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["verify", "{path}", "--key={key}", IMAGE], "FILE"),
        (["verify", "{key}", "--key={path}", IMAGE], "--key"),
        (["query", "--filename={path}", "--server=https://localhost:1"], "-f' / '--filename"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else value,
)
def test_a_file_that_cannot_be_read_is_told_with_its_option_and_why(
    arguments: list[str], name: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(public_pem("P-256"))
    for path, why in ((tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory")):
        result = CliRunner().invoke(main, [part.format(path=path, key=tmp_path / "key") for part in arguments])
        assert result.exit_code == 2
        assert f"Invalid value for '{name}': {path} cannot be read: {why}\n" in result.stderr
