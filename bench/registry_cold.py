"""Cold look-ups in real registries some way off: which calls a layout needs, and what a review takes then."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from bench import registry_at_once
from bench.registry_layouts import LAYOUTS, Layout
from bench.registry_site import LATENCIES, Reviewer, Site, reviewing
from bench.report import Figure, Title, markdown, percentile
from bench.stage import Stage, say

_KINDS = ("`.att` tag", "referrers API", "fallback tag", "manifest", "blob")
_REPOSITORIES = ("new", "known")
_MOST = "the layout with most, of 5; the spread is over the layouts"


class Cold(NamedTuple):
    """Cold reviews of images whose evidence lies in one layout.

    Attributes:
        layout: The layout.
        repository: `new` if nothing was looked up in the image's repository before, else `known`.
        calls: How often each kind of request was made for one image.
        times: Milliseconds of each review by latency.
    """

    layout: Layout
    repository: str
    calls: Counter[str]
    times: dict[int, list[float]]

    @property
    def name(self) -> str:
        """Layout and repository."""
        return f"{self.layout.name}, {self.repository} repository"

    def p50(self, latency: int) -> float:
        """The median at a latency, milliseconds."""
        return percentile(self.times[latency], 0.5)

    @property
    def trips(self) -> int:
        """Requests that had to wait for one another."""
        farthest = LATENCIES[-1]
        return round((self.p50(farthest) - self.p50(0)) / farthest)


def measure(stage: Stage) -> list[Figure]:
    """Reviews images that nobody has asked about.

    Args:
        stage: The shared parts.

    Returns:
        The figures of cold look-ups.
    """
    say("registry: cold reviews in each layout, with real registries behind a proxy that waits")
    with ExitStack() as stack:
        site = Site(stage, stack, "cold", LATENCIES)
        with reviewing(site.gate) as reviewer:
            colds = [cold for layout in LAYOUTS for cold in _cold(site, reviewer, layout, stage.effort.cold)]
            several = [
                registry_at_once.equal(site, colds[0].calls.total()),
                registry_at_once.ten(site, reviewer, stage.effort.cold),
            ]
    return [*_figures(colds, stage.effort.cold), *several]


def table(details: Mapping[str, float]) -> str:
    """Writes which calls each layout needs.

    Args:
        details: Of the figures of `measure`.

    Returns:
        A Markdown table.
    """
    times = (f"p50 at {latency} ms" for latency in LATENCIES)
    head = ("Layout", "Repository", "Calls", "Which", "Round trips", *times)
    rows = [Cold(layout, repository, Counter(), {}) for layout in LAYOUTS for repository in _REPOSITORIES]
    return markdown(head, [[row.layout.name, row.repository, *_cells(row.name, details)] for row in rows])


def _cells(name: str, details: Mapping[str, float]) -> list[str]:
    counts = {kind: details.get(f"{name}: {kind}", 0) for kind in _KINDS}
    which = ", ".join(kind if count == 1 else f"{count:.0f} of {kind}" for kind, count in counts.items() if count)
    times = (f"{details[f'{name}: p50 at {latency} ms']:.1f} ms" for latency in LATENCIES)
    return [f"{details[f'{name}: calls']:.0f}", which, f"{details[f'{name}: round trips']:.0f}", *times]


def _cold(site: Site, reviewer: Reviewer, layout: Layout, count: int) -> list[Cold]:
    """Reviews an image in a new repository, and then another one in the same."""
    colds = [Cold(layout, repository, Counter(), {}) for repository in _REPOSITORIES]
    seen: list[list[Counter[str]]] = [[] for _ in colds]
    for latency in LATENCIES:
        way = site.way(layout, latency)
        # All are pushed before, so that no registry still tidies up while it is asked.
        first, *images = [_two(site, layout, latency) for _ in range(count + 1)]
        # The first look-up of all finds out whether the registry has the referrers API.
        reviewer.milliseconds(first[:1])
        for two in images:
            for image, cold, calls in zip(two, colds, seen, strict=True):
                before = len(way.requests())
                cold.times.setdefault(latency, []).append(reviewer.milliseconds([image]))
                calls.append(Counter(_kind(*request) for request in way.requests()[before:]))
    for cold, calls in zip(colds, seen, strict=True):
        assert all(other == calls[0] for other in calls), f"{cold.name}: not always the same calls"
        cold.calls.update(calls[0])
        said = ", ".join(f"{cold.p50(latency):.1f} ms" for latency in LATENCIES)
        say(f"  {cold.name}: {cold.calls.total()} calls in {cold.trips} round trips, {said}")
    return colds


def _two(site: Site, layout: Layout, latency: int) -> tuple[str, str]:
    """Pushes an image to a new repository, and another one beside it."""
    image = site.image(layout, latency)
    return image, site.image(layout, latency, image)


def _kind(kind: str, reference: str) -> str:
    if kind == "manifests" and reference.startswith("sha256-"):
        return "`.att` tag" if reference.endswith(".att") else "fallback tag"
    return {"manifests": "manifest", "blobs": "blob", "referrers": "referrers API"}[kind]


def cold_details(colds: Sequence[Cold]) -> dict[str, float]:
    """Gives the details of the figures, from which the table is written.

    Args:
        colds: One a layout.

    Returns:
        Names, each of which begins with the layout's, to values.
    """
    details: dict[str, float] = {}
    for cold in colds:
        name = cold.name
        details |= {f"{name}: {kind}": calls for kind, calls in cold.calls.items()}
        details |= {f"{name}: calls": cold.calls.total(), f"{name}: round trips": cold.trips}
        details |= {f"{name}: p50 at {latency} ms": cold.p50(latency) for latency in LATENCIES}
    return details


def _figures(colds: Sequence[Cold], count: int) -> list[Figure]:
    details = cold_details(colds)
    figures = []
    for repository, bound in zip(_REPOSITORIES, (None, 2.0), strict=True):
        ours = [cold for cold in colds if cold.repository == repository]
        for what, limit, values in (
            ("registry calls", bound, [cold.calls.total() for cold in ours]),
            ("round trips", None, [cold.trips for cold in ours]),
        ):
            title = Title(f"Cold look-up in a {repository} repository: {what}", "", limit, _MOST)
            figures.append(_highest(title, values, details))
    for latency in LATENCIES:
        how = f"one image, {count} cold reviews of each kind, real registries behind a proxy; the slowest kind"
        title = Title(f"Cold review at {latency} ms a call: p50 beyond its round trips", "ms", 10.0, how)
        figures.append(_highest(title, [cold.p50(latency) - cold.trips * latency for cold in colds]))
    return figures


def _highest(title: Title, values: Sequence[float], details: Mapping[str, float] | None = None) -> Figure:
    return Figure(title, max(values), min(values), max(values), details or {})
