"""Where `evidence-gate evidence` looks and whom it believes: a configuration, or the image's registry and keys."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from webhook.cli.own_registry import own_registry
from webhook.cli.rules import open_stores
from webhook.model.evidence import PullIdentity
from webhook.server.ruleset import tag_resolver
from webhook.settings.loading import Settings
from webhook.stores.protocol import EvidenceStore, TagResolver
from webhook.trust.policy import TrustPolicy


class Wanted(NamedTuple):
    """What the command line says of it.

    Attributes:
        settings: The configuration, or None for the image's own registry.
        kubeconfig: For stores.cluster and pull secrets; None means the pod's own account.
        namespace: Whose pull secrets are used where the configuration wants them.
        trust: Who is believed without a configuration.
        insecure: Whether the image's own registry is asked over plain HTTP; None for localhost alone.
    """

    settings: Settings | None
    kubeconfig: Path | None
    namespace: str
    trust: TrustPolicy
    insecure: bool | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The stores, opened.

    Attributes:
        stores: Started.
        resolver: Tells which image a tag points to; None if nobody does.
        trust: Who is believed.
        settings: The gate's configuration, or None.
        pull: Whose pull secrets may be used; None for nobody's.
    """

    stores: Sequence[EvidenceStore]
    resolver: TagResolver | None
    trust: TrustPolicy
    settings: Settings | None = None
    pull: PullIdentity | None = None


@asynccontextmanager
async def open_sources(wanted: Wanted, repository: str) -> AsyncIterator[Sources]:
    """Opens the stores.

    Args:
        wanted: What the command line says.
        repository: The image's host and path.

    Yields:
        The sources.

    Raises:
        ConfigurationError: A store cannot be made.
    """
    settings = wanted.settings
    if settings is not None:
        pull = PullIdentity(wanted.namespace, "default", ())
        async with open_stores(settings, wanted.kubeconfig) as stores:
            yield Sources(stores, tag_resolver(settings, stores), settings.trust, settings, pull)
        return
    # Here, since it loads what a configuration without a registry never needs.
    from webhook.stores.registry.opening import open_registry_store  # noqa: PLC0415 - as said

    section = own_registry(repository, insecure=wanted.insecure)
    store = open_registry_store(section, Path.cwd(), None, wanted.trust.statement_types, None)
    try:
        yield Sources([store], store, wanted.trust)
    finally:
        await store.stop()
