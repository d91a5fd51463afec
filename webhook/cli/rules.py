"""The rules of a configuration, opened for one command."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from webhook.kube.client import KubeClient
from webhook.kube.opening import open_client
from webhook.providers.remote.provider import RemoteProvider
from webhook.scan.scanner import Rules
from webhook.server.objects import ClusterObjects
from webhook.server.providers import build_providers
from webhook.server.ruleset import Ruleset, build_stores, make_ruleset, tag_resolver
from webhook.settings.loading import Settings
from webhook.stores.protocol import EvidenceStore


@asynccontextmanager
async def open_stores(settings: Settings, kubeconfig: Path | None) -> AsyncIterator[Sequence[EvidenceStore]]:
    """Opens the stores of a configuration, in this process.

    Args:
        settings: The configuration.
        kubeconfig: For stores.cluster and pull secrets; None means the pod's own account.

    Yields:
        The stores, started.

    Raises:
        ConfigurationError: A store cannot be made.
    """
    async with AsyncExitStack() as stack:
        section = settings.file.stores
        wants_cluster = section.cluster is not None or (
            section.registry is not None and section.registry.pull_secrets
        )
        client = await stack.enter_async_context(open_client(kubeconfig)) if wants_cluster else None
        yield await _started(build_stores(settings, client), stack)


@asynccontextmanager
async def open_ruleset(settings: Settings, stores: Sequence[EvidenceStore]) -> AsyncIterator[Ruleset]:
    """Opens what decides by a configuration, in this process.

    Args:
        settings: The configuration.
        stores: Its stores, started.

    Yields:
        The rules.

    Raises:
        ConfigurationError: A remote provider cannot be made.
    """
    async with AsyncExitStack() as stack:
        rules = make_ruleset(settings, stores)
        for remote in rules.remotes:
            stack.push_async_callback(remote.stop)
        yield rules


@asynccontextmanager
async def open_rules(settings: Settings, kubeconfig: Path | None) -> AsyncIterator[Ruleset]:
    """Opens what a configuration leads to, in this process.

    Args:
        settings: The configuration.
        kubeconfig: For stores.cluster and pull secrets; None means the pod's own account.

    Yields:
        The rules, with started stores.

    Raises:
        ConfigurationError: A store or a remote provider cannot be made.
    """
    async with open_stores(settings, kubeconfig) as stores, open_ruleset(settings, stores) as rules:
        yield rules


@asynccontextmanager
async def open_scan_rules(settings: Settings, client: KubeClient) -> AsyncIterator[Rules]:
    """Opens what a scan decides by: fresh stores, and the objects that Rollouts refer to.

    Args:
        settings: The configuration.
        client: The cluster that is scanned.

    Yields:
        The rules, with started stores.

    Raises:
        ConfigurationError: A store or a remote provider cannot be made.
    """
    async with AsyncExitStack() as stack:
        stores = await _started(build_stores(settings, client), stack)
        providers = build_providers(settings, stores)
        for provider in providers.values():
            if isinstance(provider, RemoteProvider):
                stack.push_async_callback(provider.stop)
        yield Rules(settings, providers, tag_resolver(settings, stores), ClusterObjects(client))


async def _started(stores: Sequence[EvidenceStore], stack: AsyncExitStack) -> Sequence[EvidenceStore]:
    for store in stores:
        stack.push_async_callback(store.stop)
        await store.start()
    return stores
