"""Handshakes with a client CA: who gets a connection, and that no session and no reload is a way around."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from cryptography.x509 import ObjectIdentifier

from tests.harness.clients import CLIENT, SERVER, ClientAuthority
from tests.harness.polling import poll_async
from webhook.errors import ConfigurationError
from webhook.server.clients import ClientRule
from webhook.server.tls import ReloadingCertificate

SERVING = trustme.CA(organization_name="test")
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [TLS12, TLS13])
OURS, SECOND = ClientAuthority(), ClientAuthority()
PRETENDER = ClientAuthority(OURS, is_authority=False)
WORD = b"may I ask?\n"


class Call(NamedTuple):
    """What became of a connection."""

    answered: bool
    resumed: bool = False
    session: ssl.SSLSession | None = None


class Server:
    """Answers each line with the same line."""

    def __init__(self, folder: Path, *authorities: ClientAuthority) -> None:
        leaf = SERVING.issue_cert("127.0.0.1")
        leaf.private_key_pem.write_to_path(str(folder / "tls.key"))
        leaf.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
        self.folder = folder
        self.ca_file = folder / "client-ca.pem"
        self.believe(*authorities)
        rule = ClientRule(self.ca_file)
        self.certificate = ReloadingCertificate(folder / "tls.crt", folder / "tls.key", rule)
        self.port = 0

    def believe(self, *authorities: ClientAuthority) -> None:
        """Replaces the client CA file."""
        self.ca_file.write_bytes(b"".join(one.pem for one in authorities))

    async def call(self, client: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Call:
        """A new connection and one line; in TLS 1.3 only the line shows whether the server likes the certificate."""
        return await asyncio.to_thread(self._call, client, session)

    async def answers(self, identity: Path | None, version: ssl.TLSVersion = TLS13) -> bool:
        """Whether a client that has never been here gets an answer."""
        return (await self.call(client(identity, version))).answered

    def _call(self, client: ssl.SSLContext, session: ssl.SSLSession | None) -> Call:
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), 5) as plain,
                client.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as line,
            ):
                line.sendall(WORD)
                answer = line.recv(len(WORD))
                return Call(answer == WORD, bool(line.session_reused), line.session)
        except (ssl.SSLError, ConnectionError):
            return Call(answered=False)


def client(identity: Path | None, version: ssl.TLSVersion = TLS13, *, tickets: bool = True) -> ssl.SSLContext:
    """A client with its certificate, or without any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    SERVING.configure_trust(context)
    context.minimum_version = context.maximum_version = version
    if not tickets:
        context.options |= ssl.OP_NO_TICKET
    if identity is not None:
        context.load_cert_chain(identity)
    return context


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


@asynccontextmanager
async def serving(folder: Path, *authorities: ClientAuthority) -> AsyncIterator[Server]:
    server = Server(folder, *authorities)
    async with await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=server.certificate.context) as listener:
        server.port = listener.sockets[0].getsockname()[1]
        yield server
        await server.certificate.stop()


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of refused clients."""
    return [
        entry.__dict__["problem"] for entry in caplog.records if entry.getMessage() == "client certificate refused"
    ]


@BOTH
async def test_a_client_of_the_authority_gets_an_answer(tmp_path: Path, version: ssl.TLSVersion) -> None:
    async with serving(tmp_path, OURS) as server:
        assert await server.answers(OURS.identity(tmp_path), version)


@BOTH
async def test_a_client_without_certificate_gets_none_and_the_log_says_so(
    tmp_path: Path, version: ssl.TLSVersion, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path, OURS) as server:
        assert not await server.answers(None, version)
        assert refusals(caplog) == ["there is none"]


WRONG: dict[str, Callable[[Path], Path]] = {
    "of another authority": SECOND.identity,
    "for servers alone": lambda folder: OURS.identity(folder, usages=[SERVER]),
    "that has ended": lambda folder: OURS.identity(folder, life=timedelta(hours=-1)),
    "signed by a certificate that is no authority's": PRETENDER.identity,
}


@BOTH
@pytest.mark.parametrize("kind", WRONG)
async def test_a_certificate_is_refused_that_is(
    tmp_path: Path, version: ssl.TLSVersion, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path, OURS) as server:
        assert not await server.answers(WRONG[kind](tmp_path), version)
        assert len(refusals(caplog)) == 1


@pytest.mark.parametrize("usages", [[CLIENT], [SERVER, CLIENT], []], ids=["clients", "both", "unsaid"])
async def test_a_certificate_that_is_for_clients_too_is_accepted(
    tmp_path: Path, usages: list[ObjectIdentifier]
) -> None:
    async with serving(tmp_path, OURS) as server:
        assert await server.answers(OURS.identity(tmp_path, usages=usages))


async def test_each_authority_of_a_bundle_is_believed(tmp_path: Path) -> None:
    async with serving(tmp_path, OURS, SECOND) as server:
        assert await server.answers(OURS.identity(tmp_path))
        assert await server.answers(SECOND.identity(tmp_path))


@pytest.mark.parametrize("known", ["the root", "the intermediate"])
async def test_an_intermediate_authority_needs_to_be_known_or_to_be_vouched_for(tmp_path: Path, known: str) -> None:
    intermediate = ClientAuthority(OURS)
    async with serving(tmp_path, OURS if known == "the root" else intermediate) as server:
        assert await server.answers(intermediate.identity(tmp_path))


@BOTH
async def test_after_a_reload_the_new_authority_alone_is_believed(tmp_path: Path, version: ssl.TLSVersion) -> None:
    before, after = OURS.identity(tmp_path), SECOND.identity(tmp_path)
    async with serving(tmp_path, OURS) as server:
        assert [await server.answers(one, version) for one in (before, after, None)] == [True, False, False]
        server.believe(SECOND)
        assert await server.certificate.reload()
        assert [await server.answers(one, version) for one in (before, after, None)] == [False, True, False]


@pytest.mark.parametrize(("version", "tickets"), [(TLS12, True), (TLS13, True), (TLS13, False)])
async def test_a_session_from_before_a_reload_opens_nothing(
    tmp_path: Path, version: ssl.TLSVersion, *, tickets: bool
) -> None:
    old = client(OURS.identity(tmp_path), version, tickets=tickets)
    async with serving(tmp_path, OURS) as server:
        first = await server.call(old)
        # Without a reload it would do: else this test would show nothing.
        again = await server.call(old, first.session)
        assert (again.answered, again.resumed) == (True, True)
        server.believe(SECOND)
        assert await server.certificate.reload()
        for session in (first.session, again.session):
            assert not (await server.call(old, session)).answered


@BOTH
async def test_a_session_from_before_a_restart_opens_nothing(tmp_path: Path, version: ssl.TLSVersion) -> None:
    old = client(OURS.identity(tmp_path), version)
    async with serving(tmp_path, OURS) as server:
        session = (await server.call(old)).session
    async with serving(tmp_path, SECOND) as server:
        assert not (await server.call(old, session)).answered


async def test_a_change_of_the_authority_s_file_is_noticed(tmp_path: Path) -> None:
    newcomer = SECOND.identity(tmp_path)
    async with serving(tmp_path, OURS) as server:
        await server.certificate.start()
        assert not await server.answers(newcomer)
        server.believe(SECOND)
        await poll_async(lambda: server.answers(newcomer), 5, "the new authority is believed")


def _hide(path: Path) -> None:
    path.unlink()
    path.mkdir()


BREAKERS: dict[str, Callable[[Path], object]] = {
    "no file": Path.unlink,
    "an empty file": lambda path: path.write_bytes(b""),
    "no PEM": lambda path: path.write_bytes(b"\x00\xff" * 1000),
    "half a certificate": lambda path: path.write_bytes(SECOND.pem[:300]),
    "one and a half": lambda path: path.write_bytes(SECOND.pem + OURS.pem[:300]),
    "a certificate of nothing": lambda path: path.write_bytes(
        b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
    ),
    "more than a mebibyte": lambda path: path.write_bytes(SECOND.pem + b"\n" * 1024 * 1024),
    "a folder": _hide,
}


@pytest.mark.parametrize("breaker", BREAKERS)
async def test_a_broken_authority_keeps_the_old_one_and_says_so(
    tmp_path: Path, breaker: str, caplog: pytest.LogCaptureFixture
) -> None:
    ours, others = OURS.identity(tmp_path), SECOND.identity(tmp_path)
    async with serving(tmp_path, OURS) as server:
        BREAKERS[breaker](server.ca_file)
        assert not await server.certificate.reload()
        [entry] = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
        assert entry.getMessage() == "certificate not reloaded, the old one stays"
        assert entry.__dict__["problem"] == f"client CA {server.ca_file} cannot be used"
        assert [await server.answers(one) for one in (ours, others, None)] == [True, False, False]


@pytest.mark.parametrize("breaker", BREAKERS)
def test_a_broken_authority_at_the_start_is_a_configuration_error(tmp_path: Path, breaker: str) -> None:
    server = Server(tmp_path, OURS)
    BREAKERS[breaker](server.ca_file)
    with pytest.raises(ConfigurationError) as caught:
        ReloadingCertificate(tmp_path / "tls.crt", tmp_path / "tls.key", ClientRule(server.ca_file))
    assert str(caught.value) == f"client CA {server.ca_file} cannot be used"
