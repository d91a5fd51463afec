"""Very many Deployments at once through the real API server, with nothing cached."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack

import aiohttp

from bench.api import credentials
from bench.process_start import serving
from bench.registry_layouts import LAYOUTS
from bench.registry_site import Site
from bench.report import Figure, Title
from bench.stage import Stage, say
from tests.harness.api_server import ApiServer
from tests.harness.cluster import Namespace, registered
from tests.harness.workloads import deployment

_CREATED = 201
_LATENCY = 0
_SECONDS = 5.0
_PATIENCE_SECONDS = 60


def measure(stage: Stage) -> list[Figure]:
    """Creates Deployments of attested images that nobody has asked about, all at once.

    Args:
        stage: The shared parts.

    Returns:
        How many were admitted, and how long the last one took.
    """
    count, control_plane = stage.effort.burst, stage.control_plane
    say(f"registry: {count} Deployments at once, everything cold")
    with ExitStack() as stack:
        site = Site(stage, stack, "burst", [_LATENCY])
        images = [site.image(LAYOUTS[0], _LATENCY) for _ in range(count)]
        stack.enter_context(serving(site.gate))
        stack.enter_context(registered(control_plane, site.gate, ["production"]))
        namespace = Namespace.new(control_plane, "production")
        statuses, seconds = asyncio.run(_create(control_plane, namespace.name, images))
    admitted = statuses.count(_CREATED)
    say(f"  {admitted} of {count} admitted, the last one after {seconds:.2f} s")
    how = f"{LAYOUTS[0].name}; a real API server, its webhook time-out 10 s, a connection each"
    what = f"{count} Deployments at once, cold"
    return [
        Figure.of(Title(f"{what}: admitted", "", float(count), how, at_least=True), [float(admitted)]),
        Figure.of(Title(f"{what}: until the last one is admitted", "s", _SECONDS, "the same"), [seconds]),
    ]


async def _create(api_server: ApiServer, namespace: str, images: Sequence[str]) -> tuple[list[int], float]:
    """Gives each status, and the seconds until the last one."""
    url = f"{api_server.url}/apis/apps/v1/namespaces/{namespace}/deployments"
    connector = aiohttp.TCPConnector(ssl=credentials(api_server.kubeconfig), limit=len(images))
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_SECONDS)
    headers = {"Content-Type": "application/json"}

    async def create(name: str, image: str) -> int:
        async with session.post(url, data=json.dumps(deployment(name, image)), headers=headers) as answer:
            text = await answer.text()
            if answer.status != _CREATED:
                say(f"  {answer.status}: {text[:300]}")
            return answer.status

    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        began = time.perf_counter()
        statuses = await asyncio.gather(*(create(f"cart-{number}", image) for number, image in enumerate(images)))
        return statuses, time.perf_counter() - began
