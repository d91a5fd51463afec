import importlib
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
