"""What the evidence service counts, in Prometheus' form."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class QueryMetrics:
    """Requests to the evidence service."""

    def __init__(self, prefix: str, registry: CollectorRegistry) -> None:
        """Creates the metrics.

        Args:
            prefix: What their names begin with.
            registry: Where they are registered.
        """
        self._queries = Counter(
            f"{prefix}_queries", "Requests to the evidence service", ["surface", "outcome"], registry=registry
        )
        self._seconds = Histogram(
            f"{prefix}_query_seconds", "Time to answer them", buckets=_SECONDS, registry=registry
        )

    def count(self, surface: str, outcome: str, seconds: float) -> None:
        """Counts a request.

        Args:
            surface: Its path, or `other`.
            outcome: `answered`, `failed`, `listed`, or the kind of the fault.
            seconds: Time from its headers to the answer.
        """
        self._queries.labels(surface, outcome).inc()
        self._seconds.observe(seconds)
