"""What a remote's files are good for."""

import re
import ssl

from webhook.errors import ConfigurationError
from webhook.settings.remote_files import Remote

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750 §2.1."""


def client_context(remote: Remote) -> ssl.SSLContext:
    """Says whom to trust.

    Args:
        remote: The remote.

    Returns:
        For a client, TLS 1.2 or newer.

    Raises:
        ConfigurationError: `caFile` could not be read, or holds no certificates.
    """
    if remote.section.ca_file is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=(remote.authorities or b"").decode("ascii", "ignore"))
    except (OSError, ValueError):
        raise _unusable(remote, "caFile", "cannot be read, or holds no PEM certificates") from None
    return context


def read_token(remote: Remote) -> str | None:
    """Reads the token.

    Args:
        remote: The remote.

    Returns:
        The token, None if none is configured.

    Raises:
        ConfigurationError: `tokenFile` could not be read, or does not hold one token.
    """
    if remote.section.token_file is None:
        return None
    token = (remote.token or b"").strip()
    if not _TOKEN.fullmatch(token):
        raise _unusable(remote, "tokenFile", "cannot be read, or does not hold one bearer token")
    return token.decode("ascii")


def _unusable(remote: Remote, key: str, problem: str) -> ConfigurationError:
    file = remote.section.ca_file if key == "caFile" else remote.section.token_file
    return ConfigurationError(f"providers.remote {remote.section.id!r}: {key} {str(file)!r}: {problem}")
