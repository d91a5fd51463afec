"""`evidence-gate mcp --listen`: the real process over Streamable HTTP, by the SDK's client and by hand."""

import asyncio
import io
import json
import re
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import httpx2
import pytest
import trustme
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.cli.reviewing import GOOD, POOR, site, workload
from tests.harness.polling import poll, poll_async
from tests.harness.process import Program
from tests.server.query.asking import TOKEN, question
from tests.support.json_schema import accepts
from webhook.cli.mcp_review import OUTPUT_SCHEMA as REVIEW_OUTPUT
from webhook.limits import LIMITS
from webhook.model.evidence_schema import OUTPUT_SCHEMA
from webhook.server.mcp.http import is_loopback

COMMAND = Path(sys.executable).with_name("evidence-gate")
OTHER_TOKEN = "o" * 32
ANYWHERE = "0.0.0.0"  # noqa: S104 - what must not be open to everybody
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
MODES = ["legacy", "auto"]
_LISTENING = re.compile(r'"message": "listening".*"address": "([^"]+)"')


class Server(NamedTuple):
    """A running process.

    Attributes:
        url: Where it listens.
        trust: Who signed its certificate; None for plain HTTP.
        program: The process.
    """

    url: str
    trust: ssl.SSLContext | None
    program: Program


def running(folder: Path, trust: ssl.SSLContext | None, *options: str | Path) -> Iterator[Server]:
    log = folder / "log"
    command = [COMMAND, "mcp", "--config", folder / "gate.json", "--listen", *options]
    program = Program(command, log)
    try:
        yield Server(poll(lambda: _LISTENING.search(log.read_text()), 20, "it listens")[1], trust, program)
    finally:
        program.kill()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Plain HTTP on the loopback address, for everybody on this machine."""
    yield from running(site(tmp_path_factory.mktemp("local")), None, "127.0.0.1:0")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """TLS and tokens, on every address."""
    folder = site(tmp_path_factory.mktemp("secured"))
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(folder / "tls.key")
    (folder / "tls.crt").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    (folder / "tokens").write_text(f"{TOKEN}\n{OTHER_TOKEN}\n")
    trust = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    files: list[str | Path] = [
        "--tls-cert",
        folder / "tls.crt",
        "--tls-key",
        folder / "tls.key",
        "--token-file",
        folder / "tokens",
    ]
    for server in running(folder, trust, f"{ANYWHERE}:0", *files):
        yield server._replace(url=server.url.replace(ANYWHERE, "127.0.0.1"))


@asynccontextmanager
async def agent(server: Server, mode: str = "auto", token: str | None = None) -> AsyncIterator[Client]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    verify = server.trust or True
    async with (
        httpx2.AsyncClient(verify=verify, headers=headers, timeout=30, trust_env=False) as http,
        Client(streamable_http_client(server.url, http_client=http), mode=mode) as session,
    ):
        yield session


class Said(NamedTuple):
    """An answer."""

    status: int
    document: Any
    headers: Any


async def ask(server: Server, body: Any, method: str = "POST", path: str = "", **headers: str) -> Said:
    """Sends a request by hand; what is no bytes is written as JSON."""
    data = None if body is None else io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    given = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
    url = server.url + path
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=data, headers=given, ssl=server.trust or True) as response,
    ):
        text = await response.text()
        return Said(response.status, json.loads(text) if text else None, response.headers)


@pytest.mark.parametrize("mode", MODES)
async def test_both_tools_answer(local: Server, mode: str) -> None:
    async with agent(local, mode) as session:
        assert [tool.name for tool in (await session.list_tools()).tools] == ["evidence_query", "review"]
        found = await session.call_tool("evidence_query", question(GOOD))
        manifests = json.dumps(workload(POOR))
        decided = await session.call_tool("review", {"environment": "production", "manifests": manifests})
        bad = await session.call_tool("evidence_query", {})
    assert accepts(OUTPUT_SCHEMA, found.structured_content)
    assert found.structured_content["result"]["value"]["value"]["has_execution_evidence"] == "true"
    assert accepts(REVIEW_OUTPUT, decided.structured_content)
    assert decided.structured_content["outcome"] == "denied"
    assert (bad.is_error, bad.structured_content) == (True, None)


async def test_with_a_token_it_answers_over_tls(secured: Server) -> None:
    async with agent(secured, token=TOKEN) as session:
        assert (await session.call_tool("evidence_query", question(GOOD))).is_error is False


TOKENS: list[tuple[str, dict[str, str]]] = [
    ("none", {}),
    ("another", {"Authorization": f"Bearer {'x' * 40}"}),
    ("another scheme", {"Authorization": f"Basic {TOKEN}"}),
]


@pytest.mark.parametrize(("_name", "headers"), TOKENS, ids=[name for name, _ in TOKENS])
async def test_without_the_token_nothing_is_told(_name: str, headers: dict[str, str], secured: Server) -> None:
    status, document, answered = await ask(secured, LIST, **headers)
    assert (status, document["error"]["code"], document["id"]) == (401, -32001, None)
    assert answered["WWW-Authenticate"] == "Bearer"


PAGES: list[tuple[str, dict[str, str], int]] = [
    ("a page of another site", {"Origin": "https://evil.example.com"}, 403),
    ("a page of a local server", {"Origin": "http://127.0.0.1:3000"}, 403),
    ("a sandboxed page", {"Origin": "null"}, 403),
    ("a name that leads here", {"Host": "evil.example.com"}, 421),
    ("with a port", {"Host": "evil.example.com:8445"}, 421),
    ("a name that begins as ours", {"Host": "localhost.evil.example.com"}, 421),
    ("an address that begins as ours", {"Host": "127.0.0.1.evil.example.com"}, 421),
    ("a user", {"Host": "localhost@evil.example.com"}, 421),
    ("another address", {"Host": "192.0.2.1:8445"}, 421),
    ("no name", {"Host": ""}, 421),
    ("no name at all", {"Host": ":::"}, 421),
]


@pytest.mark.parametrize(("_name", "headers", "status"), PAGES, ids=[row[0] for row in PAGES])
async def test_no_web_page_gets_an_answer(_name: str, headers: dict[str, str], status: int, local: Server) -> None:
    said = await ask(local, LIST, **headers)
    assert said.status == status
    assert "result" not in said.document


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8445", "127.0.0.1", "127.0.0.1:1", "[::1]:8445", "LOCALHOST"]
)
async def test_this_machine_may_be_called_by_its_names(host: str, local: Server) -> None:
    assert (await ask(local, LIST, Host=host)).status == 200


async def test_elsewhere_any_name_will_do_and_still_no_page(secured: Server) -> None:
    authorization = f"Bearer {TOKEN}"
    assert (await ask(secured, LIST, Authorization=authorization, Host="gate.example.com")).status == 200
    said = await ask(secured, LIST, Authorization=authorization, Origin="https://gate.example.com")
    assert said.status == 403


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("a get, which would wait for news", {"method": "GET", "body": None}, 405),
    ("a delete", {"method": "DELETE", "body": None}, 405),
    ("another path", {"path": "/"}, 404),
    ("a query", {"path": "?a=1"}, 404),
    ("another type", {"Content_Type": "text/plain"}, 415),
    ("encoded", {"Content_Encoding": "gzip"}, 415),
    ("not JSON", {"body": b"{"}, 400),
    ("twice a name", {"body": json.dumps(LIST).replace('"id": 1', '"id": 1, "id": 2').encode()}, 400),
    ("a batch", {"body": [LIST]}, 400),
    ("too large", {"body": b" " * (LIMITS.mcp_message_bytes + 1)}, 413),
]


@pytest.mark.parametrize(("_name", "request_", "status"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_what_is_no_message_is_refused(
    _name: str, request_: dict[str, Any], status: int, local: Server
) -> None:
    said = await ask(local, **({"body": LIST} | request_))
    assert said.status == status
    assert said.document["error"]["message"]
    assert ("Allow" in said.headers) is (status == 405)


async def test_a_notification_is_taken_without_an_answer(local: Server) -> None:
    said = await ask(local, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (said.status, said.document) == (202, None)


async def test_a_body_without_length_is_counted_while_it_comes(local: Server) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    async with aiohttp.ClientSession() as session, session.post(local.url, data=endless(), headers=JSON) as response:
        assert response.status == 413


async def test_there_is_no_session(local: Server) -> None:
    said = await ask(local, LIST, Mcp_Session_Id="somebody-elses")
    assert said.status == 200
    assert "Mcp-Session-Id" not in said.headers


async def test_a_method_that_is_not_there_is_told_so(local: Server) -> None:
    said = await ask(local, LIST | {"method": "resources/list"})
    assert said.document["error"]["code"] == -32601


async def test_who_asks_too_often_is_told_when_to_come_back(secured: Server) -> None:
    async def refused() -> Any:
        said = await asyncio.gather(*(ask(secured, LIST, Authorization=f"Bearer {OTHER_TOKEN}") for _ in range(50)))
        return next((answer for answer in said if answer.status != 200), None)

    said = await poll_async(refused, 20, "the bucket is empty")
    assert (said.status, said.document["error"]["code"]) == (429, -32071)
    assert said.document["error"]["data"]["retry_after_ms"] >= 1
    assert (await ask(secured, LIST, Authorization=f"Bearer {TOKEN}")).status == 200


async def test_the_log_says_who_asked_and_nothing_of_what(secured: Server) -> None:
    async with agent(secured, token=TOKEN) as session:
        await session.call_tool("evidence_query", question(GOOD, provider_id="marker-7a"))
    log = secured.program.log.read_text()
    assert '"caller": "token-1"' in log
    assert "marker-7a" not in log
    assert '"logger": "mcp' not in log
    assert TOKEN not in log


def test_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    for server in running(site(tmp_path), None, "127.0.0.1:0"):
        server.program.terminate()
        assert server.program.wait(10) == 0


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_what_is_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", ANYWHERE, "::", "10.0.0.1", "localhost.", "localhost.example.com", "127.1"])
def test_what_others_may_reach(host: str) -> None:
    assert not is_loopback(host)
