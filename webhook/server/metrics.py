"""What the gate counts, in Prometheus' form."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from webhook.model.gate import Verdict
from webhook.server.query.metrics import QueryMetrics
from webhook.server.record_metrics import RecordMetrics
from webhook.server.registry_metrics import RegistryMetrics

_PREFIX = "execution_evidence_gate"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """All metrics, in a registry of their own.

    Attributes:
        reload_failures: Configuration files that were refused.
        configuration_ok: 1 while the file on disk is the one in force.
        incidents: Unexpected exceptions that were turned into an answer.
        break_glass: Claims to be let past the gate where it denies.
        registries: What the registry store did.
        queries: Requests to the evidence service.
        records: What the sinks of records did.
    """

    def __init__(self) -> None:
        """Creates the metrics."""
        self._registry = CollectorRegistry()
        self._reviews = Counter(
            f"{_PREFIX}_reviews",
            "Reviews answered",
            ["environment", "verdict", "reason"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            f"{_PREFIX}_review_seconds", "Time to answer", buckets=_SECONDS, registry=self._registry
        )
        self.bad_requests = Counter(
            f"{_PREFIX}_bad_requests",
            "Requests that were refused: no AdmissionReview, or nobody who may ask",
            registry=self._registry,
        )
        self.incidents = Counter(f"{_PREFIX}_incidents", "Unexpected exceptions", registry=self._registry)
        self.break_glass = Counter(
            f"{_PREFIX}_break_glass",
            "Requests that the gate denies and that claim an emergency",
            ["environment", "outcome"],
            registry=self._registry,
        )
        self.reload_failures = Counter(
            f"{_PREFIX}_configuration_reload_failures", "Configuration files refused", registry=self._registry
        )
        self.configuration_ok = Gauge(
            f"{_PREFIX}_configuration_ok", "1 while the file on disk is in force", registry=self._registry
        )
        self.registries = RegistryMetrics(_PREFIX, self._registry)
        self.queries = QueryMetrics(_PREFIX, self._registry)
        self.records = RecordMetrics(_PREFIX, self._registry)
        self._children: dict[tuple[str, Verdict, str], Counter] = {}

    def review(self, environment: str, verdict: Verdict, reason: str, seconds: float) -> None:
        """Counts an answered review.

        Args:
            environment: The target environment; one that the configuration names, else `other`, so that a
                caller cannot make up label values.
            verdict: The verdict.
            reason: The first reason code.
            seconds: Time from body to answer.
        """
        key = (environment, verdict, reason)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._reviews.labels(environment, verdict.value, reason)
        child.inc()
        self._seconds.observe(seconds)

    def expose(self, name: str, help_text: str, read: Callable[[], int]) -> None:
        """Adds a counter that another part keeps.

        Args:
            name: Without prefix and `_total`.
            help_text: What it counts.
            read: Gives the current value.
        """
        self._registry.register(_Reading(f"{_PREFIX}_{name}", help_text, read, CounterMetricFamily))

    def gauge(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """Adds a value that another part keeps.

        Args:
            name: Without prefix.
            help_text: What it tells.
            read: Gives the current value.
        """
        self._registry.register(_Reading(f"{_PREFIX}_{name}", help_text, read, GaugeMetricFamily))

    def render(self) -> bytes:
        """Gives everything in the text exposition format."""
        return generate_latest(self._registry)


_Family = type[CounterMetricFamily] | type[GaugeMetricFamily]


class _Reading:
    """A metric that is read when it is asked for."""

    def __init__(self, name: str, help_text: str, read: Callable[[], float], family: _Family) -> None:
        self._name, self._help, self._read, self._family = name, help_text, read, family

    def collect(self) -> list[Metric]:
        return [self._family(self._name, self._help, value=self._read())]
