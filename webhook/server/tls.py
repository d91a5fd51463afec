"""The TLS side: certificate and client CA can change while connections stay open."""

import asyncio
import logging
import ssl
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from webhook.errors import ConfigurationError
from webhook.files import Watch, fingerprint, read_capped
from webhook.limits import LIMITS
from webhook.server.clients import ClientRule

_LOG = logging.getLogger(__name__)


class _Following(ssl.SSLContext):
    """Gives each new connection the context that is in force when it begins; for asyncio, which uses `wrap_bio`.

    Not `sni_callback`: OpenSSL has then read the client's ticket or session with the listening context's keys, and
    `SSL_set_SSL_CTX` leaves its verify mode too. A session from before a reload would go on being resumed.

    Attributes:
        current: The context in force.
    """

    current: ssl.SSLContext

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - ssl's own signature
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return self.current.wrap_bio(incoming, outgoing, server_side, server_hostname, session)


class ReloadingCertificate:
    """Certificate, key and client CA from their files, read anew when they change.

    Each change makes a fresh context for new handshakes. Loading a new chain into the live context would be ignored
    when the type of the key changes, and a CA would be added to the old one.

    Attributes:
        context: What the server listens with.
    """

    def __init__(self, cert_file: Path, key_file: Path, clients: ClientRule) -> None:
        """Reads the files for the first time.

        Args:
            cert_file: PEM, the certificate first, then its chain.
            key_file: PEM, not encrypted.
            clients: Which clients get a connection.

        Raises:
            ConfigurationError: They cannot be read or do not belong together.
        """
        self._files = (cert_file, key_file)
        self._clients = clients
        self._problem = ""
        self._not_after = 0.0
        self._context = _Following(ssl.PROTOCOL_TLS_SERVER)
        self._context.current = self._load()
        self.context: ssl.SSLContext = self._context
        watched = (cert_file, key_file, clients.ca_file or cert_file)
        self._watch = Watch(lambda: fingerprint(watched), self.reload)

    async def start(self) -> None:
        """Begins to follow the files."""
        await self._watch.start()

    async def stop(self) -> None:
        """Stops following."""
        await self._watch.stop()

    async def reload(self) -> bool:
        """Reads the files anew; when they do not work, the old ones stay and the log says so.

        Returns:
            False if they do not work, so that they are tried again.
        """
        try:
            self._context.current = await asyncio.to_thread(self._load)
        except ConfigurationError as error:
            if str(error) != self._problem:
                _LOG.error("certificate not reloaded, the old one stays", extra={"problem": str(error)})
            self._problem = str(error)
            return False
        self._problem = ""
        _LOG.info("certificate reloaded")
        return True

    def not_after(self) -> float:
        """Tells when the served certificate ends.

        Returns:
            Unix time, seconds.
        """
        return self._not_after

    def _load(self) -> ssl.SSLContext:
        cert_file, key_file = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # A password function that fails: without one, OpenSSL would ask on the terminal.
            context.load_cert_chain(cert_file, key_file, password=_no_password)
            certificate = load_pem_x509_certificate(read_capped(cert_file, LIMITS.settings_bytes))
        except (OSError, ValueError):
            raise ConfigurationError(f"certificate {cert_file} with key {key_file} cannot be used") from None
        self._clients.demand(context)
        self._not_after = certificate.not_valid_after_utc.timestamp()
        return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")
