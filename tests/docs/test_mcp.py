"""The page of the MCP server: its configuration starts one, its sessions are run, and its bounds are the code's."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from demo.workshop import ATTESTATIONS, Workshop
from tests.docs.console import ROOT, sessions
from tests.docs.tables import code, rows, section
from tests.harness.polling import poll
from tests.harness.process import Program
from webhook.cli.mcp_review import OUTPUT_SCHEMA
from webhook.limits import LIMITS
from webhook.server.mcp.http import MCP_PATH

PAGE = (ROOT / "docs" / "mcp.md").read_text("utf-8")
((ASK,),) = sessions(PAGE, "run")
((SERVE,),) = sessions(PAGE, "run: server")
BIN = Path(sys.executable).parent
_LISTENING = re.compile(r'"message": "listening".*"address": "([^"]+)"')


def block(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the README's first steps, with the page's script."""
    workshop = Workshop.furnish(tmp_path_factory.mktemp("try"))
    for attestation in ATTESTATIONS:
        workshop.run(workshop.attest_arguments(attestation))
    shutil.copy(ROOT / "manifests" / "examples" / "deployment-unobserved.yaml", workshop.folder)
    (workshop.folder / "ask.py").write_text(block("python"))
    return workshop.folder


def test_the_script_prints_what_the_page_shows(folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f'PATH="{BIN}:$PATH"; {ASK.text}'],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert ASK.printed(done.stdout), done.stdout


async def test_the_agents_file_starts_a_server(folder: Path) -> None:
    (server,) = json.loads(block("json"))["mcpServers"].values()
    given = [str(folder / "config.yaml") if part.endswith("/config.yaml") else part for part in server["args"]]
    command = StdioServerParameters(command=str(BIN / server["command"]), args=given, env=dict(os.environ))
    async with Client(command) as session:
        tools = (await session.list_tools()).tools
    told = [code(cells[0])[0] for cells in rows(PAGE.partition("## ")[0], 3)]
    assert [tool.name for tool in tools] == told


def test_the_server_listens_where_the_page_says(folder: Path, tmp_path: Path) -> None:
    command = re.sub(r":\d{4}\b", ":0", SERVE.text)
    log = tmp_path / "log"
    program = Program(["bash", "-c", f'cd "{folder}" && PATH="{BIN}:$PATH" && exec {command}'], log)
    try:
        address = str(poll(lambda: _LISTENING.search(log.read_text()), 20, "it listens")[1])
    finally:
        program.kill()
    assert re.fullmatch(rf"http://127\.0\.0\.1:\d+{MCP_PATH}", address)
    assert f"at `{MCP_PATH}`" in PAGE


def test_the_outcomes_are_those_of_the_schema() -> None:
    _head, *told = [code(cells[0])[0] for cells in rows(section(PAGE, "## What comes back"), 2)]
    assert told == OUTPUT_SCHEMA["properties"]["outcome"]["enum"]


def test_the_bounds_are_those_in_force() -> None:
    lines = re.findall(r"^\| (.*) \| (.*) \|$", section(PAGE, "## Bounds"), re.MULTILINE)
    bounds = dict(lines)
    assert bounds["One message"].startswith(f"{LIMITS.mcp_message_bytes // 2**20} MiB")
    assert bounds["`manifests` of a review"] == (
        f"{LIMITS.mcp_manifest_bytes // 1024} KiB, {LIMITS.mcp_workloads} workloads"
    )
    assert bounds["Time for an evidence query"] == f"{LIMITS.query_seconds:g} s"
    assert bounds["Time for a review, all its workloads together"].startswith(f"{LIMITS.deadline_maximum:g} s")
    assert bounds["Reviews at once"].startswith(f"{LIMITS.mcp_reviews}; ")
    assert bounds["Requests at once"].startswith(f"{LIMITS.queries_in_flight}; ")
    assert bounds["Requests of one caller over HTTP"] == (
        f"{LIMITS.query_rate:g} a second, after a burst of {LIMITS.query_burst}"
    )


def test_the_image_does_without_it() -> None:
    runtime = (ROOT / "requirements" / "runtime.txt").read_text("utf-8")
    assert not re.search(r"^(mcp|starlette|uvicorn)\b", runtime, re.MULTILINE)
