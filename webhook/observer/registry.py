"""Manifests of the registries that the gate's configuration allows to be asked (`stores.registry`)."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.auth.pull_secrets import open_keyrings
from webhook.stores.registry.client.client import RegistryClient
from webhook.stores.registry.discovery.routes import Routes
from webhook.stores.registry.transport.failure import NotThereError


class Manifests(AbstractAsyncContextManager["Manifests"]):
    """Fetches manifests by their digests; a `ManifestReader`."""

    def __init__(self, section: RegistryStoreSettings, folder: Path) -> None:
        """Reads what the section names; nothing is connected to yet.

        Args:
            section: Who may be asked, and how. Pull secrets of pods are not used: no account may read them here.
            folder: What relative paths are relative to.

        Raises:
            ConfigurationError: A file that it names cannot be used.
        """
        section = section.model_copy(update={"pull_secrets": False})
        self._routes = Routes(section)
        self._client = RegistryClient(section, folder, _ignore)
        self._keyrings = open_keyrings(section, folder, None)

    async def __aenter__(self) -> Self:
        """Nothing is opened before it is needed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends all connections."""
        await self._client.close()

    async def manifest(self, repository: str, digest: str) -> bytes | None:
        """As `ManifestReader.manifest`."""
        image = self._routes.find(repository).image
        if image is None:
            return None
        try:
            return (await self._client.manifest(image, digest, await self._keyrings.keyring(None))).raw
        except NotThereError:
            return None


class NoManifests:
    """Where no registry may be asked."""

    async def manifest(self, repository: str, digest: str) -> bytes | None:  # noqa: ARG002 - the protocol's
        """As `ManifestReader.manifest`."""
        return None


def _ignore(_: object) -> None:
    """Nobody counts."""
