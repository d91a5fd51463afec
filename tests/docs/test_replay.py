"""The page on replay: its sessions are typed in a folder in which a webhook has decided."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.api_server import ask
from demo.webhook_process import WebhookProcess
from demo.workshop import ATTESTATIONS, Workshop
from tests.docs.console import ROOT, sessions

PAGE = (ROOT / "docs" / "replay.md").read_text("utf-8")
EXIT_CODES = {"replay": [0, 0], "tampered": [0, 1, 1], "what-if": [0, 1, 0, 3, 1]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configuration, keys, evidence, and the log of a webhook that has decided twice."""
    workshop = Workshop.furnish(tmp_path_factory.mktemp("replay"))
    for attestation in ATTESTATIONS:
        workshop.run(workshop.attest_arguments(attestation))
    with WebhookProcess(workshop) as webhook:
        for manifest in ("deployment-observed.yaml", "deployment-hardly-observed.yaml"):
            ask(webhook.url, "production", manifest, workshop.ca_file)
    return workshop.folder


@pytest.mark.parametrize("mark", EXIT_CODES)
def test_each_session_prints_what_the_page_shows(folder: Path, mark: str) -> None:
    (session,) = sessions(PAGE, mark)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command, expected in zip(session, EXIT_CODES[mark], strict=True):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command.text],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert command.printed(done.stdout), f"{command.text}\n{done.stdout}{done.stderr}"
        assert done.returncode == expected, command.text
