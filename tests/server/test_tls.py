"""The certificate changes while connections stay open; a broken file changes nothing."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from trustme import KeyType

from tests.harness.polling import poll_async
from webhook.errors import ConfigurationError
from webhook.server.clients import ClientRule
from webhook.server.tls import ReloadingCertificate

AUTHORITY = trustme.CA(organization_name="test")
ECDSA, RSA = KeyType.ECDSA, KeyType.RSA
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NAME = "gate.example.com"


class Files:
    """Certificate and key, as a Secret is mounted."""

    def __init__(self, folder: Path) -> None:
        self.cert = folder / "tls.crt"
        self.key = folder / "tls.key"

    def issue(self, kind: KeyType = ECDSA) -> bytes:
        """Replaces both; gives the certificate in DER."""
        leaf = AUTHORITY.issue_cert("127.0.0.1", NAME, key_type=kind)
        self.key.write_bytes(leaf.private_key_pem.bytes())
        self.cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())

    def encrypt(self) -> None:
        """Puts a passphrase on the key."""
        key = load_pem_private_key(self.key.read_bytes(), None)
        protection = BestAvailableEncryption(b"passphrase")
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))

    def hide(self) -> None:
        """Puts a folder where the certificate was."""
        self.cert.unlink()
        self.cert.mkdir()

    def swap(self) -> None:
        """Puts another certificate's key beside the certificate."""
        before = self.cert.read_bytes()
        self.issue()
        self.cert.write_bytes(before)


class Line:
    """An open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @property
    def certificate(self) -> bytes:
        """The server's, in DER."""
        found: bytes = self._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return found

    async def echo(self) -> bytes:
        """Sends a line and gives what comes back."""
        self._writer.write(b"still there?\n")
        return await self._reader.readline()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


class Server:
    """Answers each line with the same line."""

    def __init__(self, certificate: ReloadingCertificate, port: int) -> None:
        self.certificate = certificate
        self.port = port

    async def connect(self, name: str | None = None, version: ssl.TLSVersion = TLS13) -> Line:
        """A new handshake, with a server name or, as API servers do with an address, without."""
        trust = ssl.create_default_context(cadata=AUTHORITY.cert_pem.bytes().decode())
        trust.minimum_version = trust.maximum_version = version
        return Line(*await asyncio.open_connection("127.0.0.1", self.port, ssl=trust, server_hostname=name))

    async def shown(self, name: str | None = None, version: ssl.TLSVersion = TLS13) -> bytes:
        """The certificate of a new handshake."""
        line = await self.connect(name, version)
        assert await line.echo() == b"still there?\n"
        await line.close()
        return line.certificate


@asynccontextmanager
async def serving(files: Files) -> AsyncIterator[Server]:
    certificate = ReloadingCertificate(files.cert, files.key, ClientRule())
    async with await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=certificate.context) as listener:
        yield Server(certificate, listener.sockets[0].getsockname()[1])
        await certificate.stop()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize("name", [None, NAME], ids=["no name", "name"])
@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize(("before", "after"), [(ECDSA, ECDSA), (RSA, ECDSA), (ECDSA, RSA), (RSA, RSA)])
async def test_a_new_handshake_gets_the_new_certificate(
    files: Files, before: KeyType, after: KeyType, version: ssl.TLSVersion, name: str | None
) -> None:
    first = files.issue(before)
    async with serving(files) as server:
        assert await server.shown(name, version) == first
        second = files.issue(after)
        await server.certificate.reload()
        assert await server.shown(name, version) == second


@pytest.mark.parametrize(("before", "after"), [(RSA, ECDSA), (ECDSA, RSA)])
async def test_an_open_connection_outlives_its_certificate(files: Files, before: KeyType, after: KeyType) -> None:
    first = files.issue(before)
    async with serving(files) as server:
        line = await server.connect()
        files.issue(after)
        await server.certificate.reload()
        assert await line.echo() == b"still there?\n"
        assert line.certificate == first
        await line.close()


async def test_a_change_of_the_files_is_noticed(files: Files) -> None:
    files.issue()
    async with serving(files) as server:
        await server.certificate.start()
        second = files.issue(RSA)

        async def renewed() -> bool:
            return await server.shown() == second

        await poll_async(renewed, 5, "the new certificate is served")


async def test_a_change_between_reading_and_following_is_noticed(files: Files) -> None:
    # Between the two the process opens its client and reads its stores, which can take seconds.
    files.issue()
    async with serving(files) as server:
        second = files.issue()
        await server.certificate.start()

        async def renewed() -> bool:
            return await server.shown() == second

        await poll_async(renewed, 5, "the new certificate is served")


BREAKERS: dict[str, Callable[[Files], object]] = {
    "no certificate": lambda files: files.cert.unlink(),
    "no key": lambda files: files.key.unlink(),
    "an empty certificate": lambda files: files.cert.write_bytes(b""),
    "an empty key": lambda files: files.key.write_bytes(b""),
    "no PEM": lambda files: files.cert.write_bytes(b"\x00\xff" * 1000),
    "half a certificate": lambda files: files.cert.write_bytes(files.cert.read_bytes()[:300]),
    "a certificate for a key": lambda files: files.key.write_bytes(files.cert.read_bytes()),
    "another certificate's key": Files.swap,
    "an encrypted key": Files.encrypt,
    "a folder": Files.hide,
}


@pytest.mark.parametrize("breaker", BREAKERS)
async def test_a_broken_file_keeps_the_old_certificate_and_says_so(
    files: Files, breaker: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = files.issue()
    async with serving(files) as server:
        BREAKERS[breaker](files)
        await server.certificate.reload()
        assert await server.shown() == first
        [entry] = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
        assert entry.getMessage() == "certificate not reloaded, the old one stays"
        assert str(files.cert) in entry.__dict__["problem"]


async def test_a_mended_file_is_taken_after_a_broken_one(files: Files) -> None:
    files.issue()
    async with serving(files) as server:
        files.swap()
        await server.certificate.reload()
        second = files.issue(RSA)
        await server.certificate.reload()
        assert await server.shown() == second


@pytest.mark.parametrize("breaker", BREAKERS)
def test_a_broken_file_at_the_start_is_a_configuration_error(files: Files, breaker: str) -> None:
    files.issue()
    BREAKERS[breaker](files)
    with pytest.raises(ConfigurationError) as caught:
        ReloadingCertificate(files.cert, files.key, ClientRule())
    assert str(caught.value) == f"certificate {files.cert} with key {files.key} cannot be used"


async def test_plain_http_gets_nothing_and_disturbs_nobody(files: Files) -> None:
    first = files.issue()
    async with serving(files) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /admit/production HTTP/1.1\r\nHost: gate\r\n\r\n")
        assert b"HTTP" not in await asyncio.wait_for(reader.read(100), 5)
        writer.close()
        assert await server.shown() == first
