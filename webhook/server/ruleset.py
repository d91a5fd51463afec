"""The rules in force, and how they change without a restart.

A `Ruleset` is one consistent snapshot: settings, trusted keys and the provider that judges by them. A review takes
it once and uses it to the end; a reload replaces it as a whole.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from webhook.admission.decide import Decider
from webhook.errors import ConfigurationError
from webhook.files import Fingerprint, Watch, fingerprint
from webhook.kube.client import KubeClient
from webhook.limits import LIMITS
from webhook.providers.protocol import EvidenceProvider
from webhook.providers.remote.provider import RemoteProvider
from webhook.server.metrics import Metrics
from webhook.server.objects import ClusterObjects
from webhook.server.providers import build_providers
from webhook.server.query.desk import Answering
from webhook.server.registry_metrics import RegistryMetrics
from webhook.settings.loading import Settings, load_settings
from webhook.stores.cluster import ClusterStore
from webhook.stores.directory import DirectoryStore
from webhook.stores.protocol import EvidenceStore, TagResolver

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """One snapshot of everything that a verdict depends on, apart from the evidence itself.

    Attributes:
        settings: The settings.
        decider: Decides by exactly these settings.
        providers: Who answers evidence queries by these settings, by id; the decider asks the same objects.
    """

    settings: Settings
    decider: Decider
    providers: Mapping[str, EvidenceProvider]

    @property
    def answering(self) -> Answering:
        """What evidence queries from outside are answered by."""
        return Answering(self.providers, self.settings.disclosure)

    @property
    def remotes(self) -> list[RemoteProvider]:
        """Those providers that hold connections; whoever made the ruleset stops them."""
        return [provider for provider in self.providers.values() if isinstance(provider, RemoteProvider)]


def build_stores(
    settings: Settings, client: KubeClient | None, metrics: RegistryMetrics | None = None
) -> list[EvidenceStore]:
    """Makes the stores that a configuration names.

    Args:
        settings: The configuration.
        client: For the cluster store, and for pull secrets.
        metrics: Told what the registry store does, or None.

    Returns:
        The stores, not started.

    Raises:
        ConfigurationError: A file that a store needs cannot be used, or a Kubernetes client is needed and not there.
    """
    section, folder = settings.file.stores, settings.path.parent
    stores: list[EvidenceStore] = []
    if section.directory is not None:
        stores.append(DirectoryStore(folder / section.directory.path))
    if section.cluster is not None:
        if client is None:
            raise ConfigurationError("stores.cluster needs a cluster: run in a pod, or give --kubeconfig")
        stores.append(ClusterStore(client))
    if section.registry is not None:
        # Here, since commands that ask no registry should not wait for its libraries.
        from webhook.stores.registry.opening import open_registry_store  # noqa: PLC0415 - as said

        observer = None if metrics is None else metrics.observer(section.registry)
        stores.append(open_registry_store(section.registry, folder, client, settings.trust.statement_types, observer))
    return stores


def make_ruleset(settings: Settings, stores: Sequence[EvidenceStore], client: KubeClient | None = None) -> Ruleset:
    """Makes the rules that follow from a configuration.

    Args:
        settings: The configuration.
        stores: Its stores, as `build_stores` has made them.
        client: Reads the objects that pods are made from where a review does not bring them.

    Returns:
        The rules; whoever asked for them stops their `remotes`.

    Raises:
        ConfigurationError: A file that a remote provider needs cannot be used.
    """
    providers = build_providers(settings, stores)
    reader = None if client is None else ClusterObjects(client)
    return Ruleset(settings, Decider(settings, providers, tag_resolver(settings, stores), reader), providers)


def tag_resolver(settings: Settings, stores: Sequence[EvidenceStore]) -> TagResolver | None:
    """Finds who tells which image a tag points to.

    Args:
        settings: The configuration.
        stores: Its stores, as `build_stores` has made them.

    Returns:
        The registry store; None if there is none.
    """
    if settings.file.stores.registry is None:
        return None
    from webhook.stores.registry.store import RegistryStore  # noqa: PLC0415 - as in build_stores

    return next((store for store in stores if isinstance(store, RegistryStore)), None)


def _store_inputs(settings: Settings) -> tuple[object, ...]:
    """Everything that stores are made of."""
    return settings.file.stores, settings.store_files, settings.trust.statement_types


class RulesetHolder:
    """Keeps the ruleset in force and follows the configuration file and its keys."""

    def __init__(
        self,
        settings: Settings,
        client: KubeClient | None,
        metrics: Metrics,
        alarm: Callable[[str], None] | None = None,
    ) -> None:
        """Prepares the first ruleset.

        Args:
            settings: The configuration at start.
            client: For the cluster store, and for the objects that pods are made from; or None.
            metrics: Told of reloads.
            alarm: Told why a new configuration cannot be used, where Events are on.

        Raises:
            ConfigurationError: A store or a remote provider cannot be made.
        """
        self._client = client
        self._metrics = metrics
        self._alarm = alarm
        self._problem: str | None = None
        self._records = settings.file.records
        self._retiring: list[EvidenceStore | RemoteProvider] = []
        self._stopping: set[asyncio.Future[None]] = set()
        self._stores: Sequence[EvidenceStore] = build_stores(settings, client, metrics.registries)
        self.current = make_ruleset(settings, self._stores, client)
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
        for part in [*self._stores, *self.current.remotes, *self._retiring]:
            await part.stop()
        await asyncio.gather(*self._stopping)

    async def reload(self) -> bool:
        """Reads the configuration anew; when it is broken, the old one stays in force and is reported.

        Returns:
            False if it is broken, so that it is tried again: it may name a key that is still to come.
        """
        try:
            settings = await asyncio.to_thread(load_settings, self.current.settings.path)
            stores, rules = await self._made_of(settings)
        except ConfigurationError as error:
            self._report_broken(str(error))
            return False
        self._problem = None
        self._metrics.configuration_ok.set(1)
        if settings == self.current.settings:
            return True
        retired: list[EvidenceStore | RemoteProvider] = [store for store in self._stores if store not in stores]
        retired += self.current.remotes
        self._stores, self.current = stores, rules
        _LOG.info("configuration reloaded", extra={"settings": settings.digest, "remarks": settings.remarks()})
        if settings.file.records != self._records:
            _LOG.warning("the section records has changed, which takes effect at the next start")
        if retired:
            self._retiring = [*self._retiring, *retired]
            asyncio.get_running_loop().call_later(LIMITS.deadline_maximum, self._retire, retired)
        return True

    def _retire(self, parts: Sequence[EvidenceStore | RemoteProvider]) -> None:
        """Stops what no review can ask any more: each one's deadline has passed."""
        self._retiring = [part for part in self._retiring if part not in parts]
        self._stopping = {task for task in self._stopping if not task.done()}
        self._stopping |= {asyncio.ensure_future(part.stop()) for part in parts}

    def _report_broken(self, problem: str) -> None:
        self._metrics.configuration_ok.set(0)
        if problem == self._problem:
            return
        self._problem = problem
        self._metrics.reload_failures.inc()
        if self._alarm is not None and self.current.settings.file.events.enabled:
            self._alarm(problem)
        _LOG.error("configuration not reloaded, the old one stays in force", extra={"problem": problem})

    async def _made_of(self, settings: Settings) -> tuple[Sequence[EvidenceStore], Ruleset]:
        """Keeps the running stores unless what they were made of changed; new ones are read before they are asked."""
        if _store_inputs(settings) == _store_inputs(self.current.settings):
            return self._stores, make_ruleset(settings, self._stores, self._client)
        stores = build_stores(settings, self._client, self._metrics.registries)
        async with AsyncExitStack() as stack:
            for store in stores:
                stack.push_async_callback(store.stop)
                await store.start()
            rules = make_ruleset(settings, stores, self._client)
            # All have started: nothing is undone.
            stack.pop_all()
        return stores, rules

    def _fingerprint(self) -> Fingerprint:
        return fingerprint(self.current.settings.files())
