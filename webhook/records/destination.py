"""Where a collector is, whom to trust there, and what to show it."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.limits import LIMITS

_HEADERS = {"Content-Type": "application/x-ndjson", "User-Agent": "execution-evidence-gate"}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where and how batches are posted.

    Attributes:
        url: `https://…`.
        ca_file: PEM, whom to trust; None for the system's authorities.
        token_file: The bearer token; None for none.
        timeout: Seconds that one batch gets.
    """

    url: str
    ca_file: Path | None
    token_file: Path | None
    timeout: float

    def context(self) -> ssl.SSLContext:
        """Reads the authorities.

        Returns:
            For a client.

        Raises:
            ConfigurationError: The file cannot be used.
        """
        if self.ca_file is None:
            return ssl.create_default_context()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            text = read_capped(self.ca_file, LIMITS.registry_file_bytes).decode("ascii", "ignore")
            context.load_verify_locations(cadata=text)
        except (OSError, ValueError):
            where = f"records.collector.caFile {str(self.ca_file)!r}"
            raise ConfigurationError(f"{where}: cannot be read, or holds no PEM certificates") from None
        return context

    def headers(self) -> dict[str, str]:
        """Reads the token.

        Returns:
            The headers of a request.

        Raises:
            ConfigurationError: The file does not hold one token.
        """
        if self.token_file is None:
            return _HEADERS
        try:
            token = read_capped(self.token_file, LIMITS.bearer_token_bytes).decode("ascii").strip()
        except (OSError, ValueError):
            token = ""
        if not token or not token.isprintable() or " " in token:
            raise ConfigurationError(f"records.collector.tokenFile {str(self.token_file)!r}: does not hold one token")
        return {**_HEADERS, "Authorization": f"Bearer {token}"}
