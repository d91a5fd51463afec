"""Who may ask: clients with a certificate that one of our authorities signed, and with one of the given names."""

import logging
import ssl
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.kube.pacing import QuietLog
from webhook.limits import LIMITS
from webhook.model.printable import printable

_LOG = logging.getLogger(__name__)

_LOGGED_CHARACTERS = 512


class ClientRule:
    """Which clients may ask.

    Attributes:
        ca_file: PEM, one authority or several; None: everybody may ask, and nobody is asked for a certificate.
    """

    def __init__(self, ca_file: Path | None = None, names: Collection[str] = ()) -> None:
        """Keeps the rule; the file is read by `demand`.

        Args:
            ca_file: The authorities.
            names: Names of clients, compared exactly; none: an authority's word is enough.
        """
        self.ca_file = ca_file
        self._names = frozenset(names)
        self._quiet = QuietLog(_LOG)

    def demand(self, context: ssl.SSLContext) -> None:
        """Makes a server's context refuse handshakes without a client certificate that an authority signed.

        OpenSSL refuses certificates out of time too, and those whose extended key usage leaves clients out. An
        intermediate authority is believed without its root.

        Args:
            context: The context.

        Raises:
            ConfigurationError: The file cannot be read, or holds no certificate or half a one.
        """
        if self.ca_file is None:
            return
        try:
            content = read_capped(self.ca_file, LIMITS.settings_bytes)
            context.load_verify_locations(cadata=content.decode("ascii"))
        except (OSError, ValueError):
            raise ConfigurationError(f"client CA {self.ca_file} cannot be used") from None
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.sslobject_class = self._watched_handshake()

    def may_ask(self, request: web.BaseRequest) -> bool:
        """Looks at the certificate of a request's connection.

        Args:
            request: A request.

        Returns:
            Whether its subject's common name or one of its DNS names is one of ours.
        """
        if not self._names:
            return True
        found = _names_of(request.get_extra_info("peercert") or {})
        if not self._names.isdisjoint(found):
            return True
        self._refused(f"none of its names may ask: {', '.join(found)}")
        return False

    def _refused(self, problem: str) -> None:
        self._quiet.warning("client certificate refused", problem=printable(problem, _LOGGED_CHARACTERS))

    def _watched_handshake(self) -> type[ssl.SSLObject]:
        """Makes handshakes say why they fail: asyncio closes such connections without a word, also to the client."""
        refused = self._refused

        class WatchedHandshake(ssl.SSLObject):
            def do_handshake(self) -> None:
                try:
                    super().do_handshake()
                except ssl.SSLCertVerificationError as error:
                    refused(error.verify_message)
                    raise
                except ssl.SSLError as error:
                    if error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
                        refused("there is none")
                    raise

        return WatchedHandshake


def _names_of(certificate: Mapping[str, Any]) -> list[str]:
    """Reads what `ssl.SSLSocket.getpeercert` gives."""
    subject = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return subject + [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
