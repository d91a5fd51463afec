"""A certificate's names decide who may ask, before anything else is read."""

import asyncio
import io
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.admission.requests import SEEN, deployment, review
from tests.harness.clients import ClientAuthority
from tests.harness.gate import Gate
from tests.server.serving import JSON, Server
from webhook.server.clients import ClientRule

GOOD = review(deployment(SEEN))
AUTHORITY = ClientAuthority()
TEXT = "the client's certificate has none of the names that may ask\n"
MAY_ASK = ("kube-apiserver", "api.example.com")


def serve(gate: Gate, names: Sequence[str]) -> Server:
    path = gate.folder / "client-ca.pem"
    path.write_bytes(AUTHORITY.pem)
    return Server(gate, clients=ClientRule(path, names))


def trust_with(server: Server, identity: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=server.gate.ca_pem.decode())
    context.load_cert_chain(identity)
    return context


async def ask(server: Server, identity: Path, path: str = "/admit/production") -> tuple[int, str]:
    connector = aiohttp.TCPConnector(ssl=trust_with(server, identity))
    async with (
        aiohttp.ClientSession(server.url, connector=connector) as session,
        session.post(path, data=io.BytesIO(GOOD), headers=JSON) as response,
    ):
        return response.status, await response.text()


NAMES: list[tuple[str | None, Sequence[str], int]] = [
    ("kube-apiserver", (), 200),
    ("api.example.com", (), 200),
    (None, ("api.example.com",), 200),
    ("somebody", ("other.example.com", "kube-apiserver"), 200),
    ("Kube-Apiserver", (), 403),
    ("kube-apiserver ", (), 403),
    ("kube-apiserver-2", (), 403),
    ("kube-apiserve", (), 403),
    ("kube-apiserver\0", (), 403),
    ("kube-apiserver,api.example.com", (), 403),
    ("somebody", (), 403),
    (None, ("*.example.com",), 403),
    (None, ("a.api.example.com",), 403),
    ("*", ("*",), 403),
]


@pytest.mark.parametrize(("common_name", "dns", "expected"), NAMES)
async def test_a_name_is_compared_exactly(
    gate: Gate, common_name: str | None, dns: Sequence[str], expected: int
) -> None:
    async with serve(gate, MAY_ASK) as server:
        status, _ = await ask(server, AUTHORITY.identity(gate.folder, common_name, dns=dns))
        assert status == expected


async def test_without_names_the_authority_s_word_is_enough(gate: Gate) -> None:
    async with serve(gate, ()) as server:
        assert (await ask(server, AUTHORITY.identity(gate.folder, "anybody")))[0] == 200


@pytest.mark.parametrize("path", ["/admit/production", "/nowhere"])
async def test_whoever_may_not_ask_hears_nothing_but_that(gate: Gate, path: str) -> None:
    async with serve(gate, MAY_ASK) as server:
        assert await ask(server, AUTHORITY.identity(gate.folder, "somebody"), path) == (403, TEXT)
        assert server.metric("bad_requests_total") == 1
        assert server.lines() == []


async def test_the_answer_comes_before_the_body(gate: Gate) -> None:
    async with serve(gate, MAY_ASK) as server:
        trust = trust_with(server, AUTHORITY.identity(gate.folder, "somebody"))
        address = urlsplit(server.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=trust)
        head = (
            "POST /admit/production HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
        )
        writer.write(f"{head}\r\n".encode())
        answer = await asyncio.wait_for(reader.readline(), 5)
        assert answer == b"HTTP/1.1 403 Forbidden\r\n"
        writer.close()


async def test_the_log_shows_the_names_once_fit_to_print(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    async with serve(gate, MAY_ASK) as server:
        identity = AUTHORITY.identity(gate.folder, "some\nbody", dns=["a.example.com"])
        for _ in range(3):
            await ask(server, identity)
    [entry] = [one for one in caplog.records if one.getMessage() == "client certificate refused"]
    assert entry.__dict__["problem"] == "none of its names may ask: some?body, a.example.com"


async def test_a_long_name_is_cut_in_the_log(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    names = [f"{'n' * 60}.{number}.example.com" for number in range(100)]
    async with serve(gate, MAY_ASK) as server:
        await ask(server, AUTHORITY.identity(gate.folder, "somebody", dns=names))
    [entry] = [one for one in caplog.records if one.getMessage() == "client certificate refused"]
    assert len(entry.__dict__["problem"]) == 512
