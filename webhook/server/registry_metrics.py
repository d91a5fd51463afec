"""What the registry store did, in Prometheus' form."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram

from webhook.settings.stores import RegistryStoreSettings

if TYPE_CHECKING:
    # At run time this would load aiohttp for commands that ask no registry.
    from webhook.stores.registry.client.client import Call
    from webhook.stores.registry.store import LookUp

_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OTHER_HOST = "other"


class RegistryMetrics:
    """Calls, bytes, time and the cache's work, per registry.

    A host is named only if the configuration names it. What a pattern such as `*.example.com/*` lets in is `other`:
    whoever writes a pod must not be able to make up label values.
    """

    def __init__(self, prefix: str, registry: CollectorRegistry) -> None:
        """Creates the metrics.

        Args:
            prefix: What their names begin with.
            registry: Where they are registered.
        """
        self._calls = Counter(
            f"{prefix}_registry_calls",
            "Requests to registries",
            ["host", "operation", "outcome"],
            registry=registry,
        )
        self._bytes = Counter(
            f"{prefix}_registry_received_bytes", "Bytes of their answers", ["host"], registry=registry
        )
        self._seconds = Histogram(
            f"{prefix}_registry_call_seconds", "Time they took", ["host"], buckets=_SECONDS, registry=registry
        )
        self._look_ups = Counter(
            f"{prefix}_registry_look_ups",
            "Questions about an image",
            ["host", "kind", "source"],
            registry=registry,
        )

    def observer(self, section: RegistryStoreSettings) -> "RegistryObserver":
        """Gives what a store tells its doings to.

        Args:
            section: The store's settings.

        Returns:
            The observer; it knows which hosts may be named.
        """
        return RegistryObserver(self, frozenset(_hosts(section)))

    def count_call(self, host: str, call: "Call") -> None:
        """Counts a request.

        Args:
            host: The label.
            call: The request.
        """
        self._calls.labels(host, call.operation, call.outcome).inc()
        self._bytes.labels(host).inc(call.received)
        self._seconds.labels(host).observe(call.seconds)

    def count_look_up(self, host: str, look_up: "LookUp") -> None:
        """Counts a question about an image.

        Args:
            host: The label.
            look_up: The question.
        """
        self._look_ups.labels(host, look_up.kind, "cache" if look_up.cached else "registry").inc()


@dataclass(frozen=True, slots=True)
class RegistryObserver:
    """Counts what one store does.

    Attributes:
        metrics: Where.
        hosts: Those that are named.
    """

    metrics: RegistryMetrics
    hosts: frozenset[str]

    def call(self, call: "Call") -> None:
        """Takes note of a request.

        Args:
            call: The request.
        """
        self.metrics.count_call(self._label(call.host), call)

    def look_up(self, look_up: "LookUp") -> None:
        """Takes note of a question about an image.

        Args:
            look_up: The question.
        """
        self.metrics.count_look_up(self._label(look_up.host), look_up)

    def _label(self, host: str) -> str:
        return host if host in self.hosts else _OTHER_HOST


def _hosts(section: RegistryStoreSettings) -> Iterator[str]:
    names = [*section.allow, *section.hosts, *section.mirrors]
    names += [prefix for prefixes in section.mirrors.values() for prefix in prefixes]
    names += [section.evidence_repository] if section.evidence_repository else []
    # A pattern's host stands here as it is written: `*.example.com` is nobody's name.
    yield from (name.partition("/")[0] for name in names)
