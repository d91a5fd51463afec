"""What docs/evidence.md and the schema say of `evidence-gate evidence`, against the command."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.attest.keys import private_pem, public_pem
from tests.cli.listing import SCHEMA
from tests.docs.console import ROOT
from tests.docs.tables import code, rows, section
from webhook.cli.main import main
from webhook.reasons import ReasonCode

PAGE = section((ROOT / "docs" / "evidence.md").read_text("utf-8"), "## What evidence is there?")
EXAMPLES = ROOT / "manifests" / "examples"
(SHOWN,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(IMAGE,) = re.findall(r"^image: (\S+)$", SHOWN, re.MULTILINE)
(ASKED,) = re.findall(r"^evidence-gate (evidence list .*--config .*)$", PAGE, re.MULTILINE)
"""The command with the gate's configuration, as it is typed."""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The examples' gate, with what two people have attested of one profile."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLES / "config.yaml", tmp_path)
    (tmp_path / "evidence").mkdir()
    (tmp_path / "staging.pub").write_bytes(public_pem("Ed25519"))
    for name, owner in (("cart", "staging"), ("stranger", "stranger")):
        (tmp_path / "key.pem").write_bytes(private_pem("Ed25519", owner=owner))
        output = tmp_path / "evidence" / f"{name}.json"
        what = [f"--profile={EXAMPLES / 'profiles' / 'cart.folded'}", f"--image={IMAGE}", "--environment=staging"]
        more = ["--observed-until=2026-11-24T06:00:00Z", "--key=key.pem", f"--output={output}"]
        assert CliRunner().invoke(main, ["attest", *what, *more]).exit_code == 0
    return tmp_path / "config.yaml"


def without_chance(text: str) -> str:
    """Takes out what differs from key to key and from day to day."""
    short = re.sub(r"(?<= )sha256:[0-9a-f]{12}\b", "sha256:SHORT", text)
    return re.sub(r" {2,}", "  ", re.sub(r"(?<= )\d+[dhms](?= )", "AGE", short))


def test_the_command_prints_what_the_page_shows(config: Path) -> None:
    assert config.samefile("config.yaml")
    result = CliRunner().invoke(main, shlex.split(ASKED))
    assert result.exit_code == 0
    assert without_chance(result.stdout) == without_chance(SHOWN)


def test_the_page_uses_options_that_there_are() -> None:
    for command in ("list", "show"):
        told = CliRunner().invoke(main, ["evidence", command, "--help"]).stdout
        calls = re.findall(rf"evidence-gate evidence {command} (.*)", PAGE)
        assert calls
        for option in {option for call in calls for option in re.findall(r"(--[a-z-]+)", call)}:
            assert option in told


def test_every_word_for_a_result_has_its_row() -> None:
    words = {name for cell, _ in rows(PAGE, 2) for name in code(cell)}
    assert words >= {"counts", "verified", ReasonCode.EVIDENCE_UNAVAILABLE.value}


def test_a_listing_has_every_member_that_the_schema_names(config: Path) -> None:
    found = json.loads(
        CliRunner().invoke(main, ["evidence", "show", IMAGE, "--config", str(config), "-o", "json"]).stdout
    )
    assert set(found) == set(SCHEMA["required"])
    named = set(SCHEMA["properties"]["statements"]["items"]["properties"])
    told = {name for entry in found["statements"] for name in entry}
    identity = {"certificateIdentity", "certificateOidcIssuer"}
    assert named - told == identity | {"platform", "observedFrom", "beaconsExpected", "beaconsVerified"}
