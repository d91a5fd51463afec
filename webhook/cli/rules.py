"""The rules of a configuration, opened for one command."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from webhook.kube.client import open_client
from webhook.server.ruleset import Ruleset, build_stores, make_ruleset
from webhook.settings.loading import Settings


@asynccontextmanager
async def open_rules(settings: Settings, kubeconfig: Path | None) -> AsyncIterator[Ruleset]:
    """Opens what a configuration leads to, in this process.

    Args:
        settings: The configuration.
        kubeconfig: For stores.cluster and pull secrets; None means the pod's own account.

    Yields:
        The rules, with started stores.

    Raises:
        ConfigurationError: A store cannot be made.
    """
    async with AsyncExitStack() as stack:
        section = settings.file.stores
        wants_cluster = section.cluster is not None or (
            section.registry is not None and section.registry.pull_secrets
        )
        client = await stack.enter_async_context(open_client(kubeconfig)) if wants_cluster else None
        stores = build_stores(settings, client)
        for store in stores:
            stack.push_async_callback(store.stop)
            await store.start()
        yield make_ruleset(settings, stores)
