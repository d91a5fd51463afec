"""An image's own registry, as whoever sits at the terminal reaches it: without a configuration of the gate."""

import ipaddress
import os
from pathlib import Path
from typing import Any

from webhook.settings.stores import RegistryStoreSettings

_LOOPBACK = ("127.0.0.0/8", "::1/128")


def own_registry(repository: str) -> RegistryStoreSettings:
    """Says how the registry of an image is asked.

    Args:
        repository: The image's host and path, as `ImageReference.repository` gives them.

    Returns:
        Settings that allow this repository alone, with the user's Docker credentials. A registry on this machine is
        asked over plain HTTP, as Docker and cosign do, and is then sent no credential.
    """
    host = repository.partition("/")[0]
    section: dict[str, Any] = {"allow": [repository]}
    if _is_here(host):
        section["hosts"] = {host: {"insecure": True, "addresses": list(_LOOPBACK)}}
    config = docker_config()
    if config is not None:
        section["dockerConfig"] = config
    return RegistryStoreSettings.model_validate(section)


def docker_config() -> Path | None:
    """Finds the user's Docker credentials.

    Returns:
        `config.json` in the folder that DOCKER_CONFIG names, or else in `~/.docker`; None if there is none.
    """
    named = os.environ.get("DOCKER_CONFIG")
    folder = Path(named) if named else Path(os.path.expanduser("~"), ".docker")  # noqa: PTH111 - `Path.home` raises where there is none
    file = folder.absolute() / "config.json"
    return file if file.is_file() else None


def _is_here(host: str) -> bool:
    """Tells whether a host, as a reference has it, is this machine by its very name."""
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
