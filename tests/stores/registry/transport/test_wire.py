"""What comes around a body is bounded as the body is; red too if aiohttp lets nobody count them any more."""

import asyncio
import socket

import pytest

from tests.simulators.api_server import Fault
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_faults import answers, babbles
from tests.stores.registry.simulated import NOBODY, Authority, Client, at, plain, secure
from webhook.stores.registry.client.client import RegistryError
from webhook.stores.registry.transport.wire import CountingHandler, WireError

HINT = b"HTTP/1.1 103 \r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MANY = 2 * 1024 * 1024
"""Bytes, of which 64 KiB may lie around a body."""
FAULTS = {
    "informational responses": babbles(b"", HINT, MANY // len(HINT)),
    "chunks of one byte": babbles(CHUNKED, b"1\r\nx\r\n", MANY // 6),
    "chunks of one byte, after a megabyte": babbles(
        CHUNKED + b"100000\r\n" + bytes(0x100000) + b"\r\n", b"1\r\nx\r\n", MANY // 6
    ),
    "chunks of 16 bytes": babbles(CHUNKED, b"10\r\n" + bytes(16) + b"\r\n", MANY // 22),
    "extensions of chunks": babbles(CHUNKED, b"1;" + b"a" * 1000 + b"\r\nx\r\n", MANY // 1000),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("tls", [False, True])
async def test_connection_that_brings_little_but_its_own_overhead_is_cut(
    name: str,
    tls: bool,  # noqa: FBT001 - a column of the table
    authority: Authority,
) -> None:
    async with (
        RegistrySimulator(authority.server() if tls else None) as registry,
        Client({registry.host: secure(authority) if tls else plain()}) as asker,
    ):
        registry.faults["manifest"].append(FAULTS[name])
        with pytest.raises(RegistryError, match="sends headers or tiny chunks without end") as caught:
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert not caught.value.content
        assert [call.outcome for call in asker.calls] == ["invalid"]


HONEST: dict[str, tuple[Fault, bytes]] = {
    "a few informational responses": (
        babbles(HINT * 100 + OK + b"Content-Length: 2\r\n\r\n", b"{}", 1),
        b"{}",
    ),
    "headers of 60 KiB": (
        babbles(OK + b"Content-Length: 2\r\n", b"X: " + b"x" * 6000 + b"\r\n", 10, b"\r\n{}"),
        b"{}",
    ),
    "chunks of 64 bytes": (
        babbles(CHUNKED, b"40\r\n" + bytes(64) + b"\r\n", 0x8000, b"0\r\n\r\n"),
        bytes(64 * 0x8000),
    ),
    "four megabytes": (answers(bytes(4 * 1024 * 1024), {}), bytes(4 * 1024 * 1024)),
}


@pytest.mark.parametrize(("fault", "body"), HONEST.values(), ids=HONEST)
async def test_honest_answer_is_read(fault: Fault, body: bytes) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"].append(fault)
        assert (await asker.client.manifest(at(registry), "1.0", NOBODY)).raw == body


async def test_each_exchange_of_a_connection_is_counted_for_itself() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        # 100 KiB of headers in all.
        registry.faults["manifest"] += [answers(b"{}", {"X": "x" * 5000}) for _ in range(20)]
        for _ in range(20):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert registry.connections == 1


async def test_body_of_an_earlier_exchange_gives_no_allowance() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"] += [answers(bytes(3 * MANY // 2), {}), FAULTS["informational responses"]]
        await asker.client.manifest(at(registry), "1.0", NOBODY)
        with pytest.raises(RegistryError, match="without end"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert registry.connections == 1


def _begun() -> CountingHandler:
    handler = CountingHandler(asyncio.get_running_loop())
    handler.set_response_params()
    return handler


async def test_what_comes_at_once_is_not_taken_apart_as_a_whole() -> None:
    handler = _begun()
    handler.data_received(HINT * 15_000)
    assert isinstance(handler.exception(), WireError)
    # 80 KiB of them: what is allowed, and the piece in which that is exceeded.
    assert len(handler) <= 80 * 1024 // len(HINT)


async def test_body_that_is_not_taken_apart_yet_is_no_overhead() -> None:
    handler = _begun()
    handler.data_received(CHUNKED)
    # A read from a socket is of 256 KiB at most. Reading pauses early in the third.
    for _ in range(3):
        handler.data_received((b"80\r\n" + bytes(128) + b"\r\n") * 1950)
    assert handler.exception() is None


async def test_end_of_a_connection_that_was_cut_does_not_hide_why() -> None:
    handler = _begun()
    handler.data_received(CHUNKED)
    _, payload = await handler.read()
    handler.data_received(b"1\r\nx\r\n" * 40_000)
    while handler.exception() is None:
        await payload.readany()
    handler.connection_lost(None)
    assert isinstance(payload.exception(), WireError)


async def test_connection_is_cut_even_if_nobody_waits_for_it() -> None:
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.settimeout(0)
        transport, handler = await loop.create_connection(lambda: CountingHandler(loop), sock=ours)
        handler.set_response_params()
        try:
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(loop.sock_sendall(theirs, HINT * 200_000), 5)
        finally:
            transport.abort()
