"""The TLS side: a certificate that can change while connections stay open."""

import asyncio
import logging
import ssl
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from webhook.errors import ConfigurationError
from webhook.files import Watch, fingerprint, read_capped
from webhook.limits import LIMITS

_LOG = logging.getLogger(__name__)


class ReloadingCertificate:
    """Certificate and key from two files, read anew when they change.

    Each change makes a fresh context that new handshakes are moved to. Loading a new chain into the live context
    would be ignored when the type of the key changes.

    Attributes:
        context: What the server listens with.
    """

    def __init__(self, cert_file: Path, key_file: Path) -> None:
        """Reads the files for the first time.

        Args:
            cert_file: PEM, the certificate first, then its chain.
            key_file: PEM, not encrypted.

        Raises:
            ConfigurationError: They cannot be read or do not belong together.
        """
        self._files = (cert_file, key_file)
        self._problem = ""
        self._not_after = 0.0
        self._current = self._load()
        self.context = self._load()
        # Called for each handshake, also for clients that name no server.
        self.context.sni_callback = self._choose
        self._watch = Watch(lambda: fingerprint(self._files), self.reload)

    async def start(self) -> None:
        """Begins to follow the files."""
        await self._watch.start()

    async def stop(self) -> None:
        """Stops following."""
        await self._watch.stop()

    async def reload(self) -> bool:
        """Reads the files anew; when they do not work, the old certificate stays and the log says so.

        Returns:
            False if they do not work, so that they are tried again.
        """
        try:
            self._current = await asyncio.to_thread(self._load)
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
        self._not_after = certificate.not_valid_after_utc.timestamp()
        return context

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current


def _no_password() -> str:
    raise ValueError("the key is encrypted")
