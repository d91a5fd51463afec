"""Cold questions that come together: equal ones, and those of one review."""

import asyncio
import json
import ssl

import aiohttp

from bench.registry_layouts import LAYOUTS
from bench.registry_site import LATENCIES, PATH, Reviewer, Site, review_of
from bench.report import Figure, Title, percentile
from bench.stage import say
from tests.harness.gate import Gate

_AT_ONCE = 100
_CONTAINERS = 10
_HEADERS = {"Content-Type": "application/json"}


def equal(site: Site, calls: int) -> Figure:
    """Sends equal reviews at once.

    Args:
        site: The running webhook and its registries.
        calls: How many requests one such review causes.

    Returns:
        How often the evidence was fetched.
    """
    layout, latency = LAYOUTS[0], LATENCIES[1]
    image, way = site.image(layout, latency), site.way(layout, latency)
    before = len(way.requests())
    asyncio.run(_at_once(site.gate, review_of([image])))
    fetches = (len(way.requests()) - before) / calls
    say(f"  {_AT_ONCE} equal reviews at once: {fetches:g} fetches")
    how = f"requests at the registry over the {calls} of one cold review; {latency} ms a call, a connection each"
    return Figure.of(Title(f"{_AT_ONCE} equal reviews at once, cold: fetches", "", 1.0, how), [fetches])


async def _at_once(gate: Gate, body: bytes) -> None:
    tls = ssl.create_default_context(cadata=gate.ca_pem.decode())
    connector = aiohttp.TCPConnector(ssl=tls, limit=_AT_ONCE)

    async def ask() -> None:
        async with session.post(f"{gate.url}{PATH}", data=body, headers=_HEADERS) as answer:
            content = json.loads(await answer.read())
            assert content["response"]["allowed"] is True, content

    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(ask() for _ in range(_AT_ONCE)))


def ten(site: Site, reviewer: Reviewer, count: int) -> Figure:
    """Sends reviews of one container and of ten in turns.

    Args:
        site: As for `equal`.
        reviewer: Sends them.
        count: How many of each.

    Returns:
        Time as a ratio to that of one container.
    """
    layout, latency = LAYOUTS[0], LATENCIES[1]
    ratios = []
    for _ in range(count):
        one = reviewer.milliseconds([site.image(layout, latency)])
        ten = reviewer.milliseconds([site.image(layout, latency) for _ in range(_CONTAINERS)])
        ratios.append(ten / one)
    say(f"  {_CONTAINERS} containers over one: {percentile(ratios, 0.5):.2f}")
    how = (
        f"cold reviews in turns, as many images as containers, {latency} ms a call; median of and spread over {count}"
    )
    return Figure.of(Title(f"Cold review of {_CONTAINERS} containers over that of one", "", 1.5, how), ratios)
