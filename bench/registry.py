"""The registry store: cold look-ups, many images, and a burst of Deployments."""

from bench import registry_burst, registry_cache, registry_cold
from bench.report import Figure
from bench.stage import Stage


def measure(stage: Stage) -> list[Figure]:
    """Measures all of it.

    Args:
        stage: The shared parts.

    Returns:
        The figures of the registry store.
    """
    return [*registry_cold.measure(stage), *registry_burst.measure(stage), *registry_cache.measure(stage)]
