"""The page of the evidence service: its sessions are run, and its tables are the code's."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.workshop import ATTESTATIONS, Workshop
from tests.docs.console import ROOT, sessions
from tests.docs.provider_contracts import FOLDER, fixed_contracts
from tests.docs.tables import code, rows, section
from tests.harness.polling import poll
from tests.harness.process import Program
from webhook.limits import LIMITS
from webhook.providers.remote.provider import NAMESPACE_NOT_MAPPED, UNTRUSTED
from webhook.server.query.cluster_callers import AUDIENCE, PATH
from webhook.server.query.faults import FAULT_KINDS
from webhook.server.query.openapi import OPENAPI_PATH, openapi_document
from webhook.settings.loading import load_settings

PAGE = (ROOT / "docs" / "evidence-query.md").read_text("utf-8")
(LOCAL,) = sessions(PAGE, "run")
((MAKE_TOKEN, SERVE),) = sessions(PAGE, "run: server")
((ASK,),) = sessions(PAGE, "run: client")
_LISTENING = re.compile(r'"message": "evidence service listening".*"address": "([^"]+)"')


def in_shell(folder: Path, command: str) -> str:
    """Runs a command as the page says it, with our own installation first on the path."""
    done = subprocess.run(
        ["bash", "-c", f'PATH="{Path(sys.executable).parent}:$PATH"; {command}'],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the README's first steps, and the request in it."""
    workshop = Workshop.furnish(tmp_path_factory.mktemp("try"))
    for attestation in ATTESTATIONS:
        workshop.run(workshop.attest_arguments(attestation))
    shutil.copy(ROOT / "manifests" / "examples" / "evidence-query.json", workshop.folder)
    return workshop.folder


@pytest.fixture(scope="module")
def answer(folder: Path) -> str:
    """What the local session prints."""
    make, ask = LOCAL
    assert make.printed(in_shell(folder, make.text))
    printed = in_shell(folder, ask.text)
    assert ask.printed(printed), printed
    return printed


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server as the page starts it, on free ports; its address."""
    if shutil.which("openssl") is None:
        (folder / "token").write_text("0123456789abcdef" * 4)
    else:
        in_shell(folder, MAKE_TOKEN.text)
    command = re.sub(r":\d{4}\b", ":0", SERVE.text)
    path = f"{Path(sys.executable).parent}:$PATH"
    log = tmp_path_factory.mktemp("server") / "log"
    program = Program(["bash", "-c", f'cd "{folder}" && PATH="{path}" && exec {command}'], log)
    try:
        yield str(poll(lambda: _LISTENING.search(log.read_text()), 20, "it listens")[1])
    finally:
        program.kill()


def test_the_local_session_prints_what_the_page_shows(answer: str) -> None:
    assert '"lane": "verified"' in answer


def test_the_server_gives_the_same(folder: Path, answer: str, server: str) -> None:
    assert "https://127.0.0.1:8444" in ASK.text
    assert in_shell(folder, ASK.text.replace("https://127.0.0.1:8444", server)) == answer


def test_the_paths_are_those_of_the_document() -> None:
    # The sections below have tables of their own.
    named = {code(cells[0])[0] for cells in rows(section(PAGE, "## The service").partition("###")[0], 3)}
    assert named == {f"POST {path}" for path in openapi_document()["paths"]} | {f"GET {OPENAPI_PATH}"}


def test_every_fault_is_told_with_its_code_and_status() -> None:
    told = {
        (code(kind)[0], int(number), status.split(",")[0])
        for kind, number, status, _ in rows(section(PAGE, "### What is refused before"), 4)
    }
    assert told == {(kind.name, kind.code, str(kind.status)) for kind in FAULT_KINDS}


def test_the_providers_and_checks_are_those_that_answer() -> None:
    told = [(code(name)[0], code(check)[0]) for name, check, *_ in rows(section(PAGE, "### Providers"), 4)]
    contracts = fixed_contracts()
    assert told == [(entry.provider_id, check.check_id) for entry in contracts for check in entry.checks]
    for entry in contracts:
        assert f"({(FOLDER / entry.provider_id).relative_to(ROOT / 'docs')}.json)" in PAGE
        assert {name for name in entry.checks[0].params_schema["properties"] if f"`{name}`" not in PAGE} == set()


def test_the_bounds_are_those_in_force() -> None:
    assert f"at most {LIMITS.query_bytes // 1024} KiB" in PAGE
    assert f"at most {LIMITS.frame_bytes // 1024 // 1024} MiB" in PAGE
    assert (
        f"More than {LIMITS.query_rate:g} requests a second of one caller, after a burst of {LIMITS.query_burst}"
        in PAGE
    )
    assert f"{LIMITS.queries_in_flight} requests are under way" in PAGE
    assert LIMITS.caller_seconds == 10


def test_the_audience_and_the_right_are_those_that_are_asked_for() -> None:
    assert f"audience `{AUDIENCE}`" in PAGE
    assert f"`post` the non-resource URL `{PATH}`" in PAGE


def test_the_example_that_asks_another_gate_is_valid_and_means_what_it_says(tmp_path: Path) -> None:
    text = section(PAGE, "## Ask another gate").partition("```yaml\n")[2].partition("\n```")[0]
    (tmp_path / "config.yaml").write_text(text)
    settings = load_settings(tmp_path / "config.yaml")
    assert not [remark for remark in settings.remarks() if "remote" in remark]
    assert [remote.section.id for remote in settings.remotes] == ["board"]
    assert f"at most {LIMITS.remote_reply_bytes // 1024} KiB" in section(PAGE, "## Ask another gate")


def test_the_errors_of_other_gates_are_told() -> None:
    told = [code(cells[0]) for cells in rows(section(PAGE, "## Ask another gate"), 2)]
    assert told[1:] == [["evidence_unavailable"], [UNTRUSTED], [NAMESPACE_NOT_MAPPED]]
