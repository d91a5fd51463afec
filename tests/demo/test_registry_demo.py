import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from demo.registry import SCENES, main

ROOT = Path(__file__).resolve().parents[2]
DEMO = [sys.executable, "-m", "demo.registry"]
LISTENING = re.compile(r"referrers-registry -listen (\S+):(\d+)$", re.MULTILINE)

# What the demo is for: evidence that suffices by either tool, what does not, and a registry that is down.
OUTCOMES = [
    ("admitted", "EvidenceSufficient"),
    ("admitted", "EvidenceSufficient"),
    ("denied", "EvidenceInsufficient"),
    ("admitted with a warning", "EvidenceMissing"),
    ("denied", "EvidenceMissing"),
    ("not decided", "EvidenceUnavailable"),
]

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def shown() -> str:
    """What `python -m demo.registry` prints, from another folder and into a pipe."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        DEMO, cwd="/", env=environment, check=False, capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    return result.stdout


def accepts_connections(host: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0


def test_it_shows_the_outcomes_in_order(shown: str) -> None:
    assert re.findall(r"=> (.+) \((\w+)\)$", shown, re.MULTILINE) == OUTCOMES


def test_it_shows_the_commands_of_people_who_attach_evidence(shown: str) -> None:
    commands = re.findall(r"^   \$ (\S+ \S+)", shown, re.MULTILINE)
    attached = [command for command in commands if command.startswith(("cosign", "oras"))]
    assert attached == ["cosign attest", "oras attach", "cosign attach"]


def test_it_ends_with_one_line_that_sums_up(shown: str) -> None:
    assert shown.splitlines()[-1] == "6 of 6 verdicts as expected."


def test_a_verdict_that_is_not_expected_fails_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([replace(SCENES[0], reason="EvidenceMissing")]) == 1
    shown = capsys.readouterr().out
    assert "not as expected: admitted (EvidenceMissing)" in shown
    assert shown.splitlines()[-1] == "1 of 2 verdicts as expected."


def test_when_it_is_stopped_the_registry_ends_with_it() -> None:
    with subprocess.Popen(DEMO, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8") as demo:
        assert demo.stdout is not None
        host, port = next(found.groups() for line in demo.stdout if (found := LISTENING.search(line)))
        demo.send_signal(signal.SIGTERM)
        demo.stdout.read()
        demo.wait(30)
    assert not accepts_connections(host, int(port))
