"""What can be done where a registry does not let us in, by where it is set: in a configuration, or at a terminal."""

from dataclasses import dataclass
from pathlib import Path

from webhook.settings.stores import RegistryStoreSettings

NOT_ALLOWED = "is not in stores.registry.allow, so it is not asked"
"""Ends the remark about an image whose repository may not be asked: running the image anew would not help."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What people know the settings by.

    Attributes:
        docker_config: What names the Docker configuration.
        login: What to do where a registry knows nobody who asks; `{host}` stands for the registry.
        https: What to do where a registry seems to want https, and is asked over plain http.
    """

    docker_config: str
    login: str
    https: str


_CONFIGURED = Guidance(
    docker_config="stores.registry.dockerConfig",
    login="check stores.registry.dockerConfig and pullSecrets",
    https="check `insecure` in stores.registry.hosts",
)


class TerminalSettings(RegistryStoreSettings):
    """An image's own registry, as whoever sits at a terminal reaches it: there is no configuration to name."""

    looked_in: Path
    """Where Docker's credentials are, if there are any."""


def guidance(section: RegistryStoreSettings) -> Guidance:
    """Says how to name the settings.

    Args:
        section: How registries are reached.

    Returns:
        The names.
    """
    if not isinstance(section, TerminalSettings):
        return _CONFIGURED
    return Guidance(
        docker_config="Docker's configuration (DOCKER_CONFIG)",
        # The command comes first: a table cuts what is long.
        login=f"run `docker login {{host}}`; looked in {section.looked_in}",
        https="give --registry-secure if it speaks https",
    )
