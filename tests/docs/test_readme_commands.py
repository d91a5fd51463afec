"""The README's first steps, typed into a real shell in a folder that looks like a fresh clone after `make dev`."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import trustme

from tests.attest.keys import private_pem, public_pem
from tests.docs.console import ROOT, Command, sessions
from tests.harness.polling import poll
from tests.harness.process import Program

README = (ROOT / "README.md").read_text("utf-8")
ASK_CODE = Command("echo $?", "1")
STEPS = [command for session in sessions(README, "run") for command in session]
((*PREPARE_SERVER, SERVE),) = sessions(README, "run: server")

_LISTENING = re.compile(r'"message": "listening".*"address": "([^"]+)"')


class Step(NamedTuple):
    """A command that was run."""

    command: Command
    code: int
    output: str


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "manifests", folder / "manifests")
    (folder / ".venv").symlink_to(sys.prefix)
    if shutil.which("openssl") is None:
        make_what_openssl_would_make(folder)
    yield folder
    shutil.rmtree(folder)


def make_what_openssl_would_make(clone: Path) -> None:
    """On a machine without openssl, its lines are the only ones that are not run."""
    folder = clone / "build" / "try"
    folder.mkdir(parents=True)
    (folder / "staging.pem").write_bytes(private_pem("Ed25519"))
    (folder / "staging.pub").write_bytes(public_pem("Ed25519"))
    leaf = trustme.CA().issue_cert("localhost")
    leaf.private_key_pem.write_to_path(str(folder / "tls.key"))
    (folder / "tls.crt").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    stand_in = clone / "openssl"
    stand_in.write_text("#!/bin/sh\n")
    stand_in.chmod(0o755)


def type_into_shell(commands: list[Command], folder: Path) -> list[Step]:
    """Runs commands in one shell, as somebody who types them one after the other."""
    marked = [f"{command.text}\n_code=$?; printf '\\n@@%s\\n' $_code; (exit $_code)\n" for command in commands]
    path = f"{os.environ['PATH']}:{folder}"
    shell = subprocess.run(
        ["bash", "-c", "exec 2>&1\n" + "".join(marked)],
        cwd=folder,
        env=os.environ | {"PATH": path},
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    parts = re.split(r"\n@@(\d+)\n", shell.stdout)
    return [Step(command, int(parts[2 * i + 1]), parts[2 * i]) for i, command in enumerate(commands)]


@pytest.fixture(scope="module")
def steps(clone: Path) -> list[Step]:
    return type_into_shell(STEPS, clone)


def test_every_command_prints_what_the_page_shows(steps: list[Step]) -> None:
    shown = [(step.command.text, step.output) for step in steps if not step.command.printed(step.output)]
    assert shown == []


def test_every_command_succeeds_unless_the_page_asks_for_its_exit_code(steps: list[Step]) -> None:
    failed = [step.command.text for step, after in pairwise(steps) if step.code and after.command != ASK_CODE]
    assert failed == []
    assert steps[-1].code == 0


@pytest.mark.parametrize("name", ["attest", "verify", "config check", "gate", "review"])
def test_the_first_steps_use(name: str) -> None:
    assert any(step.text.startswith(f"evidence-gate {name} ") for step in STEPS)


def test_the_webhook_serves_with_what_the_first_steps_made(clone: Path, steps: list[Step], tmp_path: Path) -> None:
    folder = clone / "build" / "try"
    assert steps[-1].code == 0
    made = type_into_shell([Command(f"cd {folder}", ""), *PREPARE_SERVER], clone)
    assert [step.code for step in made] == [0] * len(made)
    with (folder / "config.yaml").open("a") as config:
        config.write("\nserver: {drainSeconds: 0}\n")
    command = re.sub(r":\d{4,5}\b", ":0", SERVE.text)
    server = Program(
        ["bash", "-c", f"cd {folder} && . {clone}/.venv/bin/activate && exec {command}"], tmp_path / "log"
    )
    try:
        url = poll(lambda: _LISTENING.search(server.log.read_text()), 20, "it listens")[1]
        assert verified_handshake(url, folder / "tls.crt")
        server.terminate()
        assert server.wait(10) == 0
    finally:
        server.kill()


def verified_handshake(url: str, certificate: Path) -> bool:
    port = urlsplit(url).port
    context = ssl.create_default_context(cafile=certificate)
    # Trusts the certificate itself, whoever signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        return connection.version() is not None
