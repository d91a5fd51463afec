"""The cluster store by itself, in this process: its first list, and look-ups in it."""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bench.machine import SERVER_CORE, on_core
from bench.report import Figure, Title, percentile
from tests.harness.evidence import digest_of
from webhook.kube.opening import open_client
from webhook.stores.cluster import ClusterStore
from webhook.stores.protocol import Found, ImageSubject

_PASSES = 5

Find = Callable[[ImageSubject], Awaitable[Found]]


def measure_lookups(kubeconfig: Path, digests: Sequence[str]) -> Figure:
    """Reads a cluster's evidence and looks every image up, in random order, a few times.

    Args:
        kubeconfig: For the cluster.
        digests: The images that it holds evidence about, one object each.

    Returns:
        The 99th percentile of a look-up; medians, misses and the time of the list are details.

    Raises:
        AssertionError: A look-up gave something else than the one object.
    """
    with on_core(SERVER_CORE):
        return asyncio.run(_measure(kubeconfig, digests))


async def _measure(kubeconfig: Path, digests: Sequence[str]) -> Figure:
    order = list(digests)
    random.Random(0).shuffle(order)  # noqa: S311 - the same order each time, no secret
    absent = [digest_of(f"absent {index}") for index in range(len(order))]
    async with open_client(kubeconfig) as client:
        store = ClusterStore(client)
        began = time.perf_counter()
        await store.start()
        listed = time.perf_counter() - began
        assert store.objects == len(digests), f"{store.objects} objects are known"
        hits = [await _time(store.find, order, 1) for _ in range(_PASSES)]
        misses = await _time(store.find, absent, 0)
        await store.stop()
    details = {
        "median_us": statistics.median(percentile(values, 0.5) for values in hits),
        "miss_p99_us": percentile(misses, 0.99),
        "highest_us": max(max(values) for values in hits),
        "store_start_s": listed,
    }
    how = (
        f"`ClusterStore.find` in process, median {details['median_us']:.1f} µs; "
        f"p99 over all images in random order, median of and spread over {_PASSES} passes"
    )
    title = Title(f"Look-up among {len(digests):,} objects, p99", "µs", 50.0, how)
    return Figure.of(title, [percentile(values, 0.99) for values in hits], details)


async def _time(find: Find, digests: Sequence[str], expected: int) -> list[float]:
    """Gives microseconds, one value a look-up."""
    times = []
    for digest in digests:
        subject = ImageSubject(digest, None)
        began = time.perf_counter_ns()
        found = await find(subject)
        times.append((time.perf_counter_ns() - began) / 1000)
        assert len(found.candidates) == expected, f"{len(found.candidates)} candidates for {digest}"
    return times
