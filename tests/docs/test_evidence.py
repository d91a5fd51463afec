"""docs/evidence.md: its commands run, its snippets are what they say."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tests.attest.keys import private_pem, public_pem
from tests.docs.console import ROOT
from webhook.attest.reading import FORMATS
from webhook.cli.main import main

PAGE = (ROOT / "docs" / "evidence.md").read_text("utf-8")
EXAMPLES = ROOT / "manifests" / "examples"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLES / "profiles" / "cart.folded", tmp_path)
    shutil.copy(EXAMPLES / "config.yaml", tmp_path)
    (tmp_path / "evidence").mkdir()
    (tmp_path / "staging.pem").write_bytes(private_pem("Ed25519"))
    (tmp_path / "staging.pub").write_bytes(public_pem("Ed25519"))
    return tmp_path


@pytest.mark.parametrize("block", blocks("console"), ids=["look first", "then sign"])
def test_a_command_prints_what_the_page_shows(block: str, folder: Path) -> None:
    command, _, shown = block.removeprefix("$ ").partition("\n")
    program = Path(sys.executable).with_name("evidence-gate")
    typed = [str(program), *shlex.split(command)[1:]]
    result = subprocess.run(typed, cwd=folder, check=True, capture_output=True, text=True)
    lines = [*result.stdout.splitlines(), *result.stderr.splitlines()]
    for line in shown.splitlines():
        assert line == "…" or line in lines
    assert all((folder / name).is_file() for name in re.findall(r"--(?:output|flamegraph) (\S+)", command))


@pytest.mark.parametrize("block", blocks("sh"))
def test_a_script_is_one(block: str) -> None:
    result = subprocess.run(["sh", "-n"], input=block, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("block", blocks("yaml"))
def test_a_snippet_is_yaml(block: str) -> None:
    assert isinstance(yaml.safe_load(block), dict)


def test_the_page_uses_options_that_there_are() -> None:
    help_ = CliRunner().invoke(main, ["attest", "--help"]).stdout
    calls = re.findall(r"evidence-gate attest((?:[^\n]|\\\n)*)", PAGE)
    assert len(calls) >= 4
    for option in {option for call in calls for option in re.findall(r"(--[a-z-]+)", call)}:
        assert option in help_


def test_the_helps_formats_are_all_there_are() -> None:
    assert all(name in CliRunner().invoke(main, ["attest", "--help"]).stdout for name in FORMATS)
