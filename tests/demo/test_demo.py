import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo.__main__ import main
from demo.api_server import ask
from demo.story import SCENES, Scene
from demo.webhook_process import WebhookProcess
from demo.workshop import DemoError, Workshop
from webhook.model.image import is_digest

ROOT = Path(__file__).resolve().parents[2]
DEMO = [sys.executable, "-m", "demo"]
LISTENING = re.compile(r"listening at (https://\S+)")
SUFFICIENT = SCENES[0]

# What the demo is for: design of the product, the six outcomes and their reasons.
OUTCOMES = [
    ("admitted", "EvidenceSufficient"),
    ("admitted with a warning", "EvidenceMissing"),
    ("denied", "EvidenceMissing"),
    ("denied", "EvidenceInsufficient"),
    ("denied", "EvidenceUntrusted"),
    ("admitted", "EnvironmentNotRequired"),
]


@pytest.fixture(scope="module")
def shown() -> str:
    """What `python -m demo` prints, from another folder and into a pipe."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        DEMO, cwd="/", env=environment, check=False, capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def accepts_connections(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as client:
        return client.connect_ex((str(address.hostname), address.port)) == 0


def test_it_shows_the_six_outcomes_in_order(shown: str) -> None:
    assert re.findall(r"=> (.+) \((\w+)\)$", shown, re.MULTILINE) == OUTCOMES


def test_it_shows_a_decision_record_for_each(shown: str) -> None:
    digests = re.findall(r"decision record (\S+)$", shown, re.MULTILINE)
    assert len(set(digests)) == len(OUTCOMES)
    assert all(is_digest(digest) for digest in digests)


def test_it_ends_with_one_line_that_sums_up(shown: str) -> None:
    assert shown.splitlines()[-1] == "6 of 6 verdicts as expected."


def test_it_is_plain_where_there_is_no_terminal(shown: str) -> None:
    assert "\x1b" not in shown


def test_the_webhook_ends_with_it(shown: str) -> None:
    (url,) = LISTENING.findall(shown)
    assert not accepts_connections(url)


def test_the_readme_shows_what_it_prints(shown: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^```text\n(Error from server.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    assert block.splitlines()[0] in [line.strip() for line in shown.splitlines()]
    assert "\n".join(f"   {line}" for line in block.splitlines()) in shown


@pytest.mark.parametrize(
    "wrong",
    [
        replace(SUFFICIENT, outcome="denied"),
        replace(SUFFICIENT, outcome="admitted with a warning"),
        replace(SUFFICIENT, reason="EvidenceMissing"),
        replace(SUFFICIENT, environment="staging"),
    ],
    ids=["outcome", "warning", "reason", "environment"],
)
def test_a_verdict_that_is_not_expected_fails_it(wrong: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([wrong, SUFFICIENT]) == 1
    shown = capsys.readouterr().out
    assert f"not as expected: {wrong.outcome} ({wrong.reason})" in shown
    assert shown.splitlines()[-1] == "1 of 2 verdicts as expected."


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_when_it_is_stopped_the_webhook_ends_with_it(number: signal.Signals) -> None:
    with subprocess.Popen(DEMO, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8") as demo:
        assert demo.stdout is not None
        url = next(found[1] for line in demo.stdout if (found := LISTENING.search(line)))
        demo.send_signal(number)
        demo.stdout.read()
        demo.wait(30)
    assert not accepts_connections(url)


def test_a_webhook_that_does_not_start_is_explained(tmp_path: Path) -> None:
    workshop = Workshop.furnish(tmp_path)
    (tmp_path / "config.yaml").write_text("PolicyGate: {}\n")
    with pytest.raises(DemoError, match=r"does not listen.*\n.*PolicyGate: unknown key"), WebhookProcess(workshop):
        pass


def test_a_command_that_fails_is_explained(tmp_path: Path) -> None:
    workshop = Workshop.furnish(tmp_path)
    with pytest.raises(DemoError, match="evidence-gate verify ended with 2: "):
        workshop.run(["verify"])


def test_the_webhooks_certificate_is_verified(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    other_authority = Workshop.furnish(theirs).ca_file
    with WebhookProcess(Workshop.furnish(ours)) as webhook, pytest.raises(ssl.SSLCertVerificationError):
        ask(webhook.url, "production", SUFFICIENT.manifest, other_authority)
