"""What the sinks of records did, in Prometheus' form."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from webhook.records.log import RecordLog


class RecordMetrics:
    """Reads the sinks' own counts when it is asked."""

    def __init__(self, prefix: str, registry: CollectorRegistry) -> None:
        """Registers the metrics, without samples until there are sinks.

        Args:
            prefix: What their names begin with.
            registry: Where they are registered.
        """
        self._prefix = prefix
        self._log: RecordLog | None = None
        registry.register(self)

    def watch(self, log: RecordLog) -> None:
        """Reads these sinks from now on.

        Args:
            log: The sinks.
        """
        self._log = log

    def collect(self) -> Iterator[Metric]:
        """Reads the counts, as the registry asks for it.

        Yields:
            The metrics.
        """
        written = CounterMetricFamily(f"{self._prefix}_records_written", "Entries written", labels=["sink"])
        lost = CounterMetricFamily(f"{self._prefix}_records_lost", "Entries lost", labels=["sink"])
        failures = CounterMetricFamily(f"{self._prefix}_record_write_failures", "Writes failed", labels=["sink"])
        for writer in self._log.writers if self._log is not None else ():
            written.add_metric([writer.name], writer.written)
            lost.add_metric([writer.name], writer.lost)
            failures.add_metric([writer.name], writer.failures)
        yield from (written, lost, failures)
        collector = None if self._log is None else self._log.collector
        counts = (0, 0, 0) if collector is None else (collector.delivered, collector.refused, collector.failures)
        names = ("records_delivered", "records_refused", "record_delivery_failures")
        for name, value in zip(names, counts, strict=True):
            yield CounterMetricFamily(f"{self._prefix}_{name}", "Entries, or batches, of the collector", value=value)
        waiting = 0 if collector is None else collector.waiting
        yield GaugeMetricFamily(f"{self._prefix}_records_waiting_bytes", "Bytes in the spool", value=waiting)
