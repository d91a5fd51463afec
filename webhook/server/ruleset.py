"""The rules in force, and how they change without a restart.

A `Ruleset` is one consistent snapshot: settings, trusted keys and the provider that judges by them. A review takes
it once and uses it to the end; a reload replaces it as a whole.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from webhook.admission.decide import Decider
from webhook.errors import ConfigurationError
from webhook.files import Fingerprint, Watch, fingerprint
from webhook.kube.client import KubeClient
from webhook.limits import LIMITS
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.server.metrics import Metrics
from webhook.settings import Settings, StoreSettings, load_settings
from webhook.stores.cluster import ClusterStore
from webhook.stores.directory import DirectoryStore
from webhook.stores.protocol import EvidenceStore

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """One snapshot of everything that a verdict depends on, apart from the evidence itself.

    Attributes:
        settings: The settings.
        decider: Decides by exactly these settings.
    """

    settings: Settings
    decider: Decider


def build_stores(section: StoreSettings, folder: Path, client: KubeClient | None) -> list[EvidenceStore]:
    """Makes the stores that a configuration names.

    Args:
        section: The section `stores`.
        folder: What relative paths are relative to.
        client: For the cluster store.

    Returns:
        The stores, not started.

    Raises:
        ConfigurationError: The cluster store is wanted and there is no Kubernetes client.
    """
    stores: list[EvidenceStore] = []
    if section.directory is not None:
        stores.append(DirectoryStore(folder / section.directory.path))
    if section.cluster is not None:
        if client is None:
            raise ConfigurationError("stores.cluster needs a cluster: run in a pod, or give --kubeconfig")
        stores.append(ClusterStore(client))
    return stores


def _ruleset(settings: Settings, stores: Sequence[EvidenceStore]) -> Ruleset:
    return Ruleset(settings, Decider(settings, ExecutionEvidenceProvider(settings, stores)))


class RulesetHolder:
    """Keeps the ruleset in force and follows the configuration file and its keys."""

    def __init__(self, settings: Settings, client: KubeClient | None, metrics: Metrics) -> None:
        """Prepares the first ruleset.

        Args:
            settings: The configuration at start.
            client: For the cluster store, or None.
            metrics: Told of reloads.

        Raises:
            ConfigurationError: A store cannot be made.
        """
        self._client = client
        self._metrics = metrics
        self._problem: str | None = None
        self._retiring: list[EvidenceStore] = []
        self._stopping: set[asyncio.Future[None]] = set()
        self._stores: Sequence[EvidenceStore] = build_stores(settings.file.stores, settings.path.parent, client)
        self.current = _ruleset(settings, self._stores)
        self._watch = Watch(self._fingerprint, self.reload)
        metrics.configuration_ok.set(1)
        metrics.gauge("cluster_store_objects", "ExecutionEvidence objects known", self._cluster_objects)
        metrics.gauge("cluster_store_unreadable", "Of these, without readable evidence", self._cluster_unreadable)
        metrics.gauge("store_gaps", "Stores that cannot see all evidence", self._gaps)

    def _cluster_objects(self) -> int:
        return sum(store.objects for store in self._stores if isinstance(store, ClusterStore))

    def _cluster_unreadable(self) -> int:
        return sum(store.unreadable for store in self._stores if isinstance(store, ClusterStore))

    def _gaps(self) -> int:
        return sum(store.gap() is not None for store in self._stores)

    async def start(self) -> None:
        """Starts the stores and begins to follow the configuration."""
        for store in self._stores:
            await store.start()
        await self._watch.start()

    async def stop(self) -> None:
        """Stops everything."""
        await self._watch.stop()
        for store in [*self._stores, *self._retiring]:
            await store.stop()
        await asyncio.gather(*self._stopping)

    async def reload(self) -> bool:
        """Reads the configuration anew; when it is broken, the old one stays in force and is reported.

        Returns:
            False if it is broken, so that it is tried again: it may name a key that is still to come.
        """
        try:
            settings = await asyncio.to_thread(load_settings, self.current.settings.path)
            stores = await self._stores_for(settings)
        except ConfigurationError as error:
            self._report_broken(str(error))
            return False
        self._problem = None
        self._metrics.configuration_ok.set(1)
        if settings == self.current.settings:
            return True
        retired = [store for store in self._stores if store not in stores]
        self._stores = stores
        self.current = _ruleset(settings, stores)
        _LOG.info("configuration reloaded", extra={"settings": settings.digest, "remarks": settings.remarks()})
        if retired:
            self._retiring = [*self._retiring, *retired]
            asyncio.get_running_loop().call_later(LIMITS.deadline_maximum, self._retire, retired)
        return True

    def _retire(self, stores: Sequence[EvidenceStore]) -> None:
        """Stops stores that no review can ask any more: each one's deadline has passed."""
        self._retiring = [store for store in self._retiring if store not in stores]
        self._stopping = {task for task in self._stopping if not task.done()}
        self._stopping |= {asyncio.ensure_future(store.stop()) for store in stores}

    def _report_broken(self, problem: str) -> None:
        self._metrics.configuration_ok.set(0)
        if problem == self._problem:
            return
        self._problem = problem
        self._metrics.reload_failures.inc()
        _LOG.error("configuration not reloaded, the old one stays in force", extra={"problem": problem})

    async def _stores_for(self, settings: Settings) -> Sequence[EvidenceStore]:
        """Keeps the running stores unless their section changed; new ones are read before they are asked."""
        if settings.file.stores == self.current.settings.file.stores:
            return self._stores
        stores = build_stores(settings.file.stores, settings.path.parent, self._client)
        async with AsyncExitStack() as stack:
            for store in stores:
                stack.push_async_callback(store.stop)
                await store.start()
            # All have started: nothing is undone.
            stack.pop_all()
        return stores

    def _fingerprint(self) -> Fingerprint:
        return fingerprint(self.current.settings.files())
