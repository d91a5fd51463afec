"""Scans what runs, again and again, and has reports and metrics say what was found.

The stores are opened for each scan and closed after it: what is fetched is fresh, and nothing is held between two.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from webhook.kube.api_errors import ApiError
from webhook.kube.client import KubeClient
from webhook.operator.metrics import OperatorMetrics
from webhook.operator.report_writer import ReportWriter
from webhook.operator.reports import Findings
from webhook.scan.api import PacedApi
from webhook.scan.finding import Outcome, Place
from webhook.scan.scanner import Rules, Scanner
from webhook.settings.loading import Settings

HOURLY_SECONDS = 3600.0
"""The time between two scans, give or take a tenth: many clusters must not ask one registry at the same minute."""

AGAIN_SECONDS = 300.0
"""The time after a scan that could not find out everything."""

SETTLE_SECONDS = 10.0
"""For how long changes are gathered."""

_SHARE = 4.0  # At least so many times as long as the last scan took, changes are gathered.
_JITTER = random.SystemRandom()
_LOG = logging.getLogger(__name__)

OpenRules = Callable[[Settings, KubeClient], AbstractAsyncContextManager[Rules]]
"""Opens what a scan decides by."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What is scanned, and by what right.

    Attributes:
        role: The ClusterRole that grants it, and that owns the reports.
        label: The label whose value is a namespace's environment.
        excluded: Namespaces that admission is never asked about.
        open_rules: Opens what is decided by.
    """

    role: str
    label: str
    excluded: tuple[str, ...]
    open_rules: OpenRules


class Surveyor:
    """Scans, in a rhythm of its own (`repeat.Rhythm`)."""

    def __init__(
        self, survey: Survey, client: KubeClient, settings: Callable[[], Settings], metrics: OperatorMetrics
    ) -> None:
        """Has scanned nothing yet.

        Args:
            survey: What is scanned.
            client: The cluster.
            settings: Gives the configuration in force.
            metrics: Told what was found.
        """
        self._survey = survey
        self._client = client
        self._settings = settings
        self._metrics = metrics
        self._reports = ReportWriter(survey.role, metrics)
        self._took: float | None = None
        self._outcomes: Mapping[tuple[str, str], int] = {}
        metrics.count_workloads(lambda: self._outcomes)

    def settle(self) -> float:
        """As `Rhythm.settle`: none before the first scan; later so long that scans take a fifth of all time."""
        return 0.0 if self._took is None else max(SETTLE_SECONDS, _SHARE * self._took)

    def rest(self) -> float:
        """As `Rhythm.rest`."""
        unknown = any(result == Outcome.ERROR for _, result in self._outcomes)
        return (AGAIN_SECONDS if unknown else HOURLY_SECONDS) * _JITTER.uniform(0.9, 1.1)

    async def survey(self) -> None:
        """Scans once.

        Raises:
            ApiError: Something could not be read or written; what could is reported, and the metrics stay.
            ConfigurationError: A store cannot be made.
        """
        api, began = PacedApi(self._client), time.monotonic()
        try:
            async with self._survey.open_rules(own_settings(self._settings()), self._client) as rules:
                scanner = Scanner(rules, api)
                try:
                    await self._scan(scanner, api)
                finally:
                    self._metrics.questions.inc(scanner.pace.questions)
        finally:
            self._took = time.monotonic() - began
            self._metrics.api_calls.inc(api.calls)
        self._metrics.scan_seconds.set(self._took)
        self._metrics.scan_end.set_to_current_time()
        extra = {
            "seconds": round(self._took, 1),
            "workloads": sum(self._outcomes.values()),
            "questions": scanner.pace.questions,
            "api_calls": api.calls,
        }
        _LOG.info("scanned", extra=extra)

    async def _scan(self, scanner: Scanner, api: PacedApi) -> None:
        await self._reports.begin(api)
        outcomes: Counter[tuple[str, str]] = Counter()
        reported, trouble = [], None
        for place in await scanner.places(self._survey.label, self._survey.excluded):
            try:
                findings = await self._look(place, scanner, api)
            except ApiError as error:
                # One namespace must not keep the others from their turn; its old report stays.
                reported.append(place.namespace)
                trouble = error
                continue
            if findings.workloads:
                reported.append(place.namespace)
            for outcome, count in findings.workloads.items():
                outcomes[place.environment.casefold(), outcome.value] += count
        await self._reports.end(reported, api)
        if trouble is not None:
            raise trouble
        self._outcomes = outcomes

    async def _look(self, place: Place, scanner: Scanner, api: PacedApi) -> Findings:
        findings = Findings(place)
        async for scanned in scanner.workloads(place):
            findings.add(scanned)
        await self._reports.write(findings, api)
        return findings


def own_settings(settings: Settings) -> Settings:
    """Leaves out of the configuration what the operator has no right or no means to ask.

    It reads no pull secrets, has no tokens of remote providers, and its environment variables are not the webhook's.
    What depends on these is not found out, and is reported so.

    Args:
        settings: The webhook's configuration.

    Returns:
        The configuration to scan by.
    """
    file = settings.file
    registry = file.stores.registry
    if registry is not None:
        registry = registry.model_copy(update={"pull_secrets": False})
    stores = file.stores.model_copy(update={"registry": registry})
    providers = file.providers.model_copy(update={"env": None, "remote": ()})
    return replace(settings, file=file.model_copy(update={"stores": stores, "providers": providers}), remotes=())
