"""`evidence-gate mcp` over standard input and output: the real process, spoken to by the SDK's own client."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from tests.cli.reviewing import GOOD, POOR, site, workload
from tests.server.query.asking import question
from tests.support.json_schema import accepts
from webhook.cli.main import main
from webhook.cli.mcp_review import INPUT_SCHEMA as REVIEW_INPUT
from webhook.cli.mcp_review import OUTPUT_SCHEMA as REVIEW_OUTPUT
from webhook.limits import LIMITS
from webhook.model.evidence_schema import INPUT_SCHEMA, OUTPUT_SCHEMA

COMMAND = Path(sys.executable).with_name("evidence-gate")
PING = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
MODES = ["legacy", "auto"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site(tmp_path_factory.mktemp("site"))


def arguments(folder: Path) -> list[str]:
    return ["mcp", "--config", str(folder / "gate.json")]


def agent(folder: Path, mode: str = "auto") -> Client:
    """A client that starts the process, as an agent does."""
    server = StdioServerParameters(command=str(COMMAND), args=arguments(folder), env=dict(os.environ))
    return Client(server, mode=mode, read_timeout_seconds=30)


def run(folder: Path, data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([COMMAND, *arguments(folder)], input=data, check=False, capture_output=True, timeout=30)


def start(folder: Path) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    # A test run in the background of a shell ignores Ctrl-C, and so would whatever it starts.
    listening = ["env", "--default-signal=INT", str(COMMAND), *map(str, arguments(folder))]
    return subprocess.Popen(listening, stdin=pipe, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize("mode", MODES)
async def test_the_tools_are_two_and_only_read(folder: Path, mode: str) -> None:
    async with agent(folder, mode) as session:
        tools = (await session.list_tools()).tools
    schemas = [(tool.name, tool.input_schema, tool.output_schema) for tool in tools]
    assert schemas == [
        ("evidence_query", INPUT_SCHEMA, OUTPUT_SCHEMA),
        ("review", REVIEW_INPUT, REVIEW_OUTPUT),
    ]
    assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("digest", [GOOD, POOR])
async def test_a_query_has_the_answer_of_the_command_line(folder: Path, mode: str, digest: str) -> None:
    request = question(digest)
    async with agent(folder, mode) as session:
        result = await session.call_tool("evidence_query", request)
    asked = await asyncio.to_thread(
        CliRunner().invoke, main, ["query", "-f", "-", *arguments(folder)[1:]], input=json.dumps(request)
    )
    assert result.is_error is False
    assert json.dumps(result.structured_content) == json.dumps(json.loads(asked.stdout))
    assert accepts(OUTPUT_SCHEMA, result.structured_content)


async def test_a_result_whose_error_is_set_is_a_result(folder: Path) -> None:
    async with agent(folder) as session:
        result = await session.call_tool("evidence_query", question(GOOD, provider_id="nobody"))
    assert result.is_error is False
    assert result.structured_content["result"]["error"]["code"] == "provider_missing"


async def test_what_may_not_be_shown_is_not(tmp_path: Path) -> None:
    document = json.loads((site(tmp_path) / "gate.json").read_text())
    (tmp_path / "gate.json").write_text(json.dumps(document | {"disclosure": {}}))
    async with agent(tmp_path) as session:
        result = await session.call_tool("evidence_query", question(GOOD))
        reviewed = await session.call_tool("review", review(GOOD))
    answer = result.structured_content["result"]
    assert (answer["value"], answer["content_type"]) == (None, None)
    assert len(answer["evidence_hash"]["value"]) == 64
    assert reviewed.structured_content["outcome"] == "admitted"
    for text in (result.model_dump_json(), reviewed.model_dump_json()):
        assert "execution_evidence_hot_symbol_count" not in text


def review(digest: str) -> dict[str, str]:
    return {"environment": "production", "manifests": yaml.safe_dump(workload(digest))}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("digest", "outcome"), [(GOOD, "admitted"), (POOR, "denied")])
async def test_a_review_has_its_outcome(folder: Path, mode: str, digest: str, outcome: str) -> None:
    async with agent(folder, mode) as session:
        result = await session.call_tool("review", review(digest))
    assert (result.is_error, result.structured_content["outcome"]) == (False, outcome)
    assert accepts(REVIEW_OUTPUT, result.structured_content)


def without(*path: str) -> dict[str, Any]:
    request = question(GOOD)
    inner: Any = request
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return request


def saying(tenant: Any) -> dict[str, Any]:
    request = question(GOOD)
    request["context"]["tenant_id"] = tenant
    return request


WRONG = "`context.tenant_id` has a wrong type or value"
LARGE = "#" * (LIMITS.mcp_manifest_bytes + 1)
BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("nothing", "evidence_query", {}, "`query` is missing"),
    ("no time", "evidence_query", without("context", "trigger_time"), "`context.trigger_time` is missing"),
    ("more", "evidence_query", question(GOOD) | {"more": 1}, "`more` is not known"),
    ("a text for a number", "evidence_query", saying("1"), WRONG),
    ("a fraction", "evidence_query", saying(1.0), WRONG),
    ("true", "evidence_query", saying(True), WRONG),  # noqa: FBT003 - a JSON value
    ("nobody", "evidence_query", saying(0), WRONG),
    ("no manifests", "review", {"environment": "production"}, "the arguments are `environment` and `manifests`"),
    ("large manifests", "review", review(GOOD) | {"manifests": LARGE}, "`manifests` must have 1 to 262144 bytes"),
]


async def test_bad_arguments_are_named_and_the_talk_goes_on(folder: Path) -> None:
    async with agent(folder) as session:
        for name, tool, given, text in BAD:
            result = await session.call_tool(tool, given)
            assert (result.is_error, result.structured_content) == (True, None), name
            assert text in result.model_dump_json(), name
        with pytest.raises(MCPError, match="the tools are evidence_query, review"):
            await session.call_tool("evidence-query", question(GOOD))
        assert (await session.call_tool("evidence_query", question(GOOD))).is_error is False


def test_a_name_that_stands_twice_is_refused(folder: Path) -> None:
    with start(folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(PING.replace(b'"id": 1', b'"id": 1, "id": 2'))
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(10) == 0
    assert answer["error"] == {"code": -32700, "message": "the message has a duplicate member name"}


def test_the_end_of_the_input_is_the_end(folder: Path) -> None:
    done = run(folder, b"")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_message_that_is_too_long_ends_it(folder: Path) -> None:
    done = run(folder, b" " * (LIMITS.mcp_message_bytes + 1))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"a message is longer than 1048576 bytes\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_it_waits(folder: Path, number: signal.Signals) -> None:
    with start(folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(PING)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        process.send_signal(number)
        assert process.wait(10) != 0


def test_a_client_that_goes_away_is_no_trouble(folder: Path) -> None:
    with start(folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(PING)
        process.stdin.flush()
        assert process.wait(10) == 0
        assert process.stderr.read() == b""


def test_a_configuration_that_cannot_be_used_ends_it_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text('{"more": 1}')
    done = run(tmp_path, PING)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1


BLOCKED = """
import sys
sys.modules["mcp"] = None
from webhook.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("more", [[], ["--listen", "127.0.0.1:0"]])
def test_without_the_extra_it_says_what_to_install(folder: Path, more: list[str]) -> None:
    command = [sys.executable, "-c", BLOCKED, *arguments(folder), *more]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "evidence-gate mcp needs the extra `mcp`: pip install 'execution-evidence-gate[mcp]'\n"


def test_without_the_extra_everything_else_works(folder: Path) -> None:
    for command in (["mcp", "--help"], ["config", "check", str(folder / "gate.json")]):
        done = subprocess.run([sys.executable, "-c", BLOCKED, *command], check=False, capture_output=True, timeout=30)
        assert (done.returncode, done.stderr) == (0, b"")


def test_pull_secrets_are_not_lent_to_callers(tmp_path: Path) -> None:
    document = json.loads((site(tmp_path) / "gate.json").read_text())
    stores = {"registry": {"allow": ["registry.example.com/*"], "pullSecrets": True}}
    (tmp_path / "gate.json").write_text(json.dumps(document | {"stores": stores}))
    command = [str(COMMAND), *arguments(tmp_path), "--listen", "127.0.0.1:0"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("stores.registry.pullSecrets would lend them to all callers of --listen\n")


OPTIONS: list[tuple[list[str], str]] = [
    (["--tls-cert", "CONFIG"], "--tls-cert and --tls-key go together"),
    (["--listen", "127.0.0.1:0", "--tls-key", "CONFIG"], "--tls-cert and --tls-key go together"),
    (["--token-file", "CONFIG"], "go with --listen"),
    (["--tls-cert", "CONFIG", "--tls-key", "CONFIG"], "go with --listen"),
    (["--listen", "8445"], "HOST:PORT"),
    (["--listen", "0.0.0.0:0"], "other machines can reach this"),
    (["--listen", "[::]:0", "--token-file", "CONFIG"], "other machines can reach this"),
    (["--listen", "localhost.example.com:0"], "other machines can reach this"),
    (["--listen", "0.0.0.0:0", "--tls-cert", "CONFIG", "--tls-key", "CONFIG"], "other machines can reach this"),
    (["--listen", "127.0.0.1:0", "--token-file", "CONFIG"], "token file"),
    (["--listen", "127.0.0.1:0", "--tls-cert", "CONFIG", "--tls-key", "CONFIG"], "certificate"),
]


@pytest.mark.parametrize(("options", "text"), OPTIONS, ids=[" ".join(options) for options, _ in OPTIONS])
def test_options_that_do_not_fit_are_refused(folder: Path, options: list[str], text: str) -> None:
    given = [str(folder / "gate.json") if part == "CONFIG" else part for part in options]
    done = subprocess.run([COMMAND, *arguments(folder), *given], check=False, capture_output=True, timeout=30)
    assert done.returncode == 2
    assert text in done.stderr.decode()
