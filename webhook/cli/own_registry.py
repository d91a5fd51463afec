"""An image's own registry, as whoever sits at the terminal reaches it: without a configuration of the gate."""

import ipaddress
import os
import ssl
from pathlib import Path
from typing import Any

from webhook.errors import ConfigurationError
from webhook.stores.registry.guidance import TerminalSettings

_LOOPBACK = ("127.0.0.0/8", "::1/128")


def own_registry(repository: str, *, insecure: bool | None = None) -> TerminalSettings:
    """Says how the registry of an image is asked.

    Args:
        repository: The image's host and path, as `ImageReference.repository` gives them.
        insecure: Whether it is asked over plain HTTP; by default a registry on this machine is, as Docker and cosign
            do, and no other.

    Returns:
        Settings that allow this repository alone, with the user's Docker credentials, which are never sent over
        plain HTTP.

    Raises:
        ConfigurationError: The authorities that the user wants to trust cannot be read.
    """
    host = repository.partition("/")[0]
    here = _is_here(host)
    plain = here if insecure is None else insecure
    if not plain:
        _check_authorities()
    file = docker_config()
    section: dict[str, Any] = {"allow": [repository], "lookedIn": file}
    if here or plain:
        section["hosts"] = {host: {"insecure": plain} | ({"addresses": list(_LOOPBACK)} if here else {})}
    if file.is_file():
        section["dockerConfig"] = file
    return TerminalSettings.model_validate(section)


def docker_config() -> Path:
    """Says where the user's Docker credentials are, if there are any.

    Returns:
        `config.json` in the folder that DOCKER_CONFIG names, or else in `~/.docker`.
    """
    named = os.environ.get("DOCKER_CONFIG")
    folder = Path(named) if named else Path(os.path.expanduser("~"), ".docker")  # noqa: PTH111 - `Path.home` raises where there is none
    return folder.absolute() / "config.json"


def _check_authorities() -> None:
    """Reads the file of authorities that OpenSSL is told to trust; OpenSSL itself passes over what it cannot read."""
    file = os.environ.get("SSL_CERT_FILE")
    if not file:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError:
        raise ConfigurationError(f"SSL_CERT_FILE {file!r}: holds no PEM certificate") from None
    except OSError as error:
        raise ConfigurationError(f"SSL_CERT_FILE {file!r}: cannot be read: {error.strerror}") from None


def _is_here(host: str) -> bool:
    """Tells whether a host, as a reference has it, is this machine by its very name."""
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
