"""The trusted keys in force: the webhook's own configuration file, followed while it changes."""

import asyncio
import logging
from collections.abc import Callable

from webhook.errors import ConfigurationError
from webhook.files import Fingerprint, Watch, fingerprint
from webhook.operator.metrics import OperatorMetrics
from webhook.settings.loading import Settings, load_settings
from webhook.trust.policy import TrustPolicy

_LOG = logging.getLogger(__name__)
_WORK = "configuration"


class TrustFile:
    """Follows the configuration file and the keys that it names.

    Args:
        settings: The configuration at start.
        metrics: Told of files that are refused.
    """

    def __init__(self, settings: Settings, metrics: OperatorMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._problem: str | None = None
        self._on_change: Callable[[], None] = _nothing
        self._on_any_change: Callable[[], None] = _nothing
        self._watch = Watch(self._fingerprint, self._reload)

    @property
    def policy(self) -> TrustPolicy:
        """The trusted keys in force."""
        return self._settings.trust

    @property
    def settings(self) -> Settings:
        """The whole configuration in force."""
        return self._settings

    async def start(self, on_change: Callable[[], None], on_any_change: Callable[[], None] | None = None) -> None:
        """Begins to follow.

        Args:
            on_change: Called after the trusted keys have changed.
            on_any_change: Called after anything has changed, the trusted keys included.
        """
        self._on_change = on_change
        self._on_any_change = on_any_change or _nothing
        await self._watch.start()

    async def stop(self) -> None:
        """Stops following."""
        await self._watch.stop()

    async def _reload(self) -> bool:
        try:
            settings = await asyncio.to_thread(load_settings, self._settings.path)
        except ConfigurationError as error:
            self._refuse(str(error))
            # It may name a key that is still to come, and nobody knows which; so it is tried again.
            return False
        changed, any_change = settings.trust.digest != self.policy.digest, settings != self._settings
        self._settings, self._problem = settings, None
        self._metrics.healthy.labels(_WORK).set(1)
        if changed:
            _LOG.info("trusted keys reloaded", extra={"trust": self.policy.digest})
            self._on_change()
        if any_change:
            self._on_any_change()
        return True

    def _refuse(self, problem: str) -> None:
        self._metrics.healthy.labels(_WORK).set(0)
        if problem != self._problem:
            self._problem = problem
            self._metrics.failures.labels(_WORK).inc()
            _LOG.error("configuration not reloaded, the old one stays in force", extra={"problem": problem})

    def _fingerprint(self) -> Fingerprint:
        return fingerprint(self._settings.files())


def _nothing() -> None:
    """What happens after a change before anybody asked to be told."""
