"""Putting the registry store together."""

from pathlib import Path
from typing import Protocol

from webhook.kube.client import KubeClient
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.auth.pull_secrets import open_keyrings
from webhook.stores.registry.client.client import Call, RegistryClient
from webhook.stores.registry.store import LookUp, RegistryStore


class Observer(Protocol):
    """Is told what the store does."""

    def call(self, call: Call) -> None:
        """Takes note of a request."""

    def look_up(self, look_up: LookUp) -> None:
        """Takes note of a question about an image."""


def open_registry_store(
    section: RegistryStoreSettings,
    folder: Path,
    client: KubeClient | None,
    predicate_types: frozenset[str],
    observer: Observer | None,
) -> RegistryStore:
    """Makes the store that a configuration describes.

    Args:
        section: The section `stores.registry`.
        folder: What relative paths are relative to.
        client: For pull secrets.
        predicate_types: Those of our statements.
        observer: Told of requests and questions, or None.

    Returns:
        The store, not started.

    Raises:
        ConfigurationError: A file that it names cannot be used, or a Kubernetes client is needed and not there.
    """
    keyrings = open_keyrings(section, folder, client)
    reader = RegistryClient(section, folder, _ignore if observer is None else observer.call)
    return RegistryStore(
        section, reader, keyrings, predicate_types, _ignore if observer is None else observer.look_up
    )


def _ignore(_: object) -> None:
    """Nobody counts."""
