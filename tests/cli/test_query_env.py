"""The published example on the command line, and as a process of a Decision Gate."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.test_evidence_wire import EXAMPLE, RESULT
from tests.server.query.asking import call

COMMAND = Path(sys.executable).with_name("evidence-gate")
ENVIRONMENT = os.environb | {b"DEPLOY_ENV": b"production", b"BROKEN": b"\xff"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    document = {
        "providers": {"env": {"allowlist": ["DEPLOY_ENV", "BROKEN"], "allowRaw": True}},
        "disclosure": {"allowRawValues": True},
    }
    file = tmp_path / "gate.json"
    file.write_text(json.dumps(document))
    return file


def run(*arguments: str | Path, data: bytes) -> bytes:
    done = subprocess.run(
        [COMMAND, *arguments], input=data, env=ENVIRONMENT, check=False, capture_output=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def test_the_published_example_is_printed_with_the_true_hash(config: Path) -> None:
    printed = run("query", "-f", "-", "--config", config, data=json.dumps(EXAMPLE).encode())
    assert json.loads(printed) == {"result": RESULT}


def test_a_value_that_is_not_utf_8_is_an_error_of_the_result(config: Path) -> None:
    asked = EXAMPLE | {"query": EXAMPLE["query"] | {"params": {"key": "BROKEN"}}}
    printed = run("query", "-f", "-", "--config", config, data=json.dumps(asked).encode())
    assert json.loads(printed)["result"]["error"]["code"] == "provider_error"


def test_a_decision_gate_gets_it_bare(config: Path) -> None:
    body = json.dumps(call(EXAMPLE)).encode()
    printed = run("provider", "--stdio", "--config", config, data=b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    document = json.loads(printed.partition(b"\r\n\r\n")[2])
    assert document["result"]["content"] == [{"type": "json", "json": RESULT}]
