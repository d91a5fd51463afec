"""A remote provider on the command line."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.model.test_evidence_wire import EXAMPLE
from tests.providers.remote.asking import section
from tests.simulators.decision_gate import DecisionGateSimulator
from webhook.cli.main import main

COMMAND = Path(sys.executable).with_name("evidence-gate")
ASKED = EXAMPLE | {"query": {"provider_id": "board", "check_id": "status"}}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[DecisionGateSimulator]:
    """A Decision Gate that answers."""
    with DecisionGateSimulator(tmp_path) as running:
        yield running


def written(folder: Path, host: str, **changes: Any) -> Path:
    file = folder / "gate.json"
    remote = section(host, allowRaw=True, **changes)
    document = {
        "providers": {"remoteHosts": [host], "remote": [remote]},
        "disclosure": {"allowRawValues": True},
    }
    file.write_text(json.dumps(document))
    return file


def test_its_answer_is_printed_and_nothing_is_left_open(board: DecisionGateSimulator, tmp_path: Path) -> None:
    config = written(tmp_path, board.host, caFile=str(board.ca_file))
    done = subprocess.run(
        [sys.executable, "-X", "dev", COMMAND, "query", "-f", "-", "--config", config],
        input=json.dumps(ASKED).encode(),
        check=False,
        capture_output=True,
        timeout=30,
    )
    assert (done.returncode, b"nclosed" in done.stderr) == (0, False), done.stderr
    assert json.loads(done.stdout) == {"result": board.result}
    context = board.asked[0].arguments["context"]
    assert (context["tenant_id"], context["namespace_id"]) == (1, 1)


@pytest.mark.parametrize("key", ["caFile", "tokenFile"])
@pytest.mark.parametrize("command", ["config", "query"])
def test_a_file_that_it_cannot_use_is_a_mistake_in_the_configuration(tmp_path: Path, key: str, command: str) -> None:
    config = str(written(tmp_path, "gate.example.com", **{key: "nowhere"}))
    arguments = {"config": ["config", "check", config], "query": ["query", "-f", "-", "--config", config]}[command]
    result = CliRunner().invoke(main, arguments, input=json.dumps(ASKED))
    assert result.exit_code == 2
    assert f"providers.remote 'board': {key} 'nowhere': cannot be read" in result.stderr


def test_a_remote_that_can_be_made_is_valid(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["config", "check", str(written(tmp_path, "gate.example.com"))])
    assert result.exit_code == 0, result.stderr
