"""Whom to trust at a profile server, and what to show it. Files are read anew, since what they hold changes."""

import base64
import re
import ssl
from pathlib import Path

from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.observer.sources.settings import SourceSettings

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750 §2.1."""


class Access:
    """The files that a section names."""

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        """Reads nothing yet.

        Args:
            settings: The section.
            folder: What relative paths are relative to.
        """
        self._settings = settings
        self._folder = folder

    def context(self) -> ssl.SSLContext:
        """Says whom to trust.

        Returns:
            For a client, TLS 1.2 or newer.

        Raises:
            ConfigurationError: `caFile` cannot be used.
        """
        file = self._settings.ca_file
        if file is None:
            return ssl.create_default_context()
        # Not create_default_context, which trusts the system's authorities when it is given an empty text.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            text = read_capped(self._folder / file, LIMITS.registry_file_bytes).decode("ascii", "ignore")
            context.load_verify_locations(cadata=text)
        except (OSError, ValueError):
            raise _unusable("caFile", file, "cannot be read, or holds no PEM certificates") from None
        return context

    def headers(self) -> dict[str, str]:
        """Says who asks.

        Returns:
            Headers of a request.

        Raises:
            ConfigurationError: `tokenFile` or `passwordFile` cannot be used.
        """
        headers = {} if self._settings.tenant is None else {"X-Scope-OrgID": self._settings.tenant}
        if self._settings.token_file is not None:
            headers["Authorization"] = f"Bearer {self._token(self._settings.token_file)}"
        basic = self._settings.basic_auth
        if basic is not None:
            pair = basic.username.encode() + b":" + self._password(basic.password_file)
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return headers

    def _token(self, file: Path) -> str:
        token = (self._secret(file) or b"").strip()
        if not _TOKEN.fullmatch(token):
            raise _unusable("tokenFile", file, "cannot be read, or does not hold one bearer token")
        return token.decode("ascii")

    def _password(self, file: Path) -> bytes:
        password = (self._secret(file) or b"").removesuffix(b"\n").removesuffix(b"\r")
        if not password or b"\n" in password:
            raise _unusable("passwordFile", file, "cannot be read, or does not hold one password")
        return password

    def _secret(self, file: Path) -> bytes | None:
        try:
            return read_capped(self._folder / file, LIMITS.bearer_token_bytes)
        except (OSError, ValueError):
            return None


def _unusable(key: str, file: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(f"source.{key} {str(file)!r}: {problem}")
