"""What the operator counts, in Prometheus' form."""

import time
from collections import Counter as Tally
from collections.abc import Callable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

_PREFIX = "execution_evidence_gate_operator"


class OperatorMetrics:
    """All metrics, in a registry of their own.

    Attributes:
        renewals: Certificates issued, by `certificate` (`authority`, `leaf`).
        repairs: Times that the bundle was written.
        failures: Work that failed, by `work` (`certificates`, `evidence`, `scan`, `configuration`).
        deletions: ExecutionEvidence objects deleted by retention.
        healthy: 1 while the last try succeeded, by `work`.
        api_calls: Requests to the API server for scans.
        questions: Questions that scans asked providers of evidence.
        report_writes: Reports written, by `action` (`applied`, `deleted`).
        scan_end: When the last whole scan ended, Unix seconds.
        scan_seconds: How long it took.
    """

    def __init__(self) -> None:
        """Creates the metrics."""
        self._registry = CollectorRegistry()
        self.renewals = self._counter("certificate_renewals", "Certificates issued", "certificate")
        self.repairs = self._counter("bundle_writes", "Times that the trust bundle was written")
        self.failures = self._counter("failures", "Work that failed", "work")
        self.deletions = self._counter("evidence_deletions", "ExecutionEvidence deleted by retention")
        self.healthy = Gauge(
            f"{_PREFIX}_healthy", "1 while the last try succeeded", ["work"], registry=self._registry
        )
        self.api_calls = self._counter("scan_api_calls", "Requests to the API server for scans")
        self.questions = self._counter("scan_questions", "Questions to providers of evidence for scans")
        self.report_writes = self._counter("report_writes", "Reports written", "action")
        self.scan_end = self._gauge("scan_timestamp_seconds", "When the last whole scan ended")
        self.scan_seconds = self._gauge("scan_duration_seconds", "How long the last whole scan took")
        self._expiry = Gauge(
            f"{_PREFIX}_certificate_seconds_left",
            "Seconds until a certificate expires",
            ["certificate"],
            registry=self._registry,
        )

    def expires(self, certificate: str, instant: datetime) -> None:
        """Notes when a certificate expires.

        Args:
            certificate: `authority` or `leaf`.
            instant: Its `notAfter`.
        """
        end = instant.timestamp()
        self._expiry.labels(certificate).set_function(lambda: end - time.time())

    def count_evidence(self, reasons: Callable[[], Mapping[str, str]]) -> None:
        """Adds the number of ExecutionEvidence objects, by the reason of their condition.

        Args:
            reasons: Gives the object's name to the reason.
        """
        self._registry.register(_Evidence(reasons))

    def count_workloads(self, outcomes: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Adds the number of workloads that the last whole scan found.

        Args:
            outcomes: Gives environment and result to the number.
        """
        self._registry.register(_Workloads(outcomes))

    def render(self) -> bytes:
        """Gives everything in the text exposition format."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", help_text, registry=self._registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", help_text, labels, registry=self._registry)


class _Evidence:
    """A gauge that is counted when it is asked for."""

    def __init__(self, reasons: Callable[[], Mapping[str, str]]) -> None:
        self._reasons = reasons

    def collect(self) -> list[Metric]:
        family = GaugeMetricFamily(f"{_PREFIX}_evidence", "ExecutionEvidence objects", labels=["reason"])
        for reason, count in sorted(Tally(self._reasons().values()).items()):
            family.add_metric([reason], count)
        return [family]


class _Workloads:
    """As `_Evidence`, so that an environment that is gone leaves nothing behind."""

    def __init__(self, outcomes: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        self._outcomes = outcomes

    def collect(self) -> list[Metric]:
        family = GaugeMetricFamily(
            f"{_PREFIX}_workloads", "Workloads that run, by what admission would do", labels=["environment", "result"]
        )
        for labels, count in sorted(self._outcomes().items()):
            family.add_metric(list(labels), count)
        return [family]
