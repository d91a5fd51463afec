"""What the webhook adds to a real API server's `PATCH ?dryRun=All` of a Deployment."""

import gc
import http.client
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

from bench import review
from bench.api import credentials
from bench.evidence import predicate
from bench.ledger import Ledger
from bench.process_start import serving
from bench.report import Figure, Title, percentile
from bench.stage import Stage, say
from tests.harness.cluster import Namespace, registered
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate

_ROUNDS = 5
_WARM_UP = 50
_NEXT = ("cart-next", "cart-after-next")
_HEADERS = {"Content-Type": "application/json-patch+json"}


def measure(stage: Stage) -> list[Figure]:
    """Patches the image of two equal Deployments in turns, one in a namespace whose label brings the webhook in.

    Args:
        stage: The shared parts.

    Returns:
        The difference between the 99th percentiles.
    """
    control_plane = stage.control_plane
    say("patch: a Deployment's image changes by dry run, with and without the webhook in turns")
    gate = Gate(stage.new_folder("patch"), {})
    for digest in (*review.IMAGES, *(digest_of(name) for name in _NEXT)):
        gate.publish(digest, **predicate())
    asked, unasked = (Namespace.new(control_plane, label) for label in ("production", None))
    for namespace in (asked, unasked):
        created = namespace.create(review.deployment(namespace.name))
        assert created.returncode == 0, created.stderr
    with serving(gate), registered(control_plane, gate, ["production"]), _Patcher(control_plane) as patcher:
        patcher.alternate(asked, unasked, _WARM_UP)
        ledger = Ledger(gate)
        rounds = []
        with _no_garbage_collection():
            for turn in range(_ROUNDS):
                rounds.append(patcher.alternate(asked, unasked, stage.effort.patches))
                with_it, without = (percentile(times, 0.99) for times in rounds[-1])
                say(f"  round {turn + 1} of {_ROUNDS}: p99 {with_it:.2f} ms with, {without:.2f} ms without")
        ledger.expect_passes(_ROUNDS * stage.effort.patches)
    return [_figure(rounds, stage.effort.patches)]


def _figure(rounds: list[tuple[list[float], list[float]]], patches: int) -> Figure:
    added = [percentile(asked, 0.99) - percentile(unasked, 0.99) for asked, unasked in rounds]
    details: dict[str, float] = {}
    for index, name in enumerate(("with", "without")):
        everything = [value for pair in rounds for value in pair[index]]
        details |= {f"{name}_p50_ms": percentile(everything, 0.5), f"{name}_p99_ms": percentile(everything, 0.99)}
    how = (
        f"the same Deployment, one image changes to another with evidence; {patches} requests of each kind in turns, "
        f"difference of the p99s; median of and spread over {len(rounds)} rounds"
    )
    return Figure.of(Title("PATCH ?dryRun=All: p99 added by the webhook", "ms", 5.0, how), added, details)


class _Patcher:
    """One kept connection to the API server; a context manager."""

    def __init__(self, control_plane: ControlPlane) -> None:
        address = urlsplit(control_plane.url)
        tls = credentials(control_plane.kubeconfig)
        self._connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=30, context=tls)
        self._images = itertools.cycle(image_of(name) for name in _NEXT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def alternate(self, asked: Namespace, unasked: Namespace, patches: int) -> tuple[list[float], list[float]]:
        """Patches both Deployments in turns; gives the milliseconds of either kind."""
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(patches):
            image = next(self._images)
            for namespace, kept in zip((asked, unasked), times, strict=True):
                kept.append(self._patch(namespace, image))
        return times

    def _patch(self, namespace: Namespace, image: str) -> float:
        path = f"/apis/apps/v1/namespaces/{namespace.name}/deployments/cart?dryRun=All&fieldManager=bench"
        operation = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}
        body = json.dumps([operation])
        began = time.perf_counter()
        self._connection.request("PATCH", path, body, _HEADERS)
        answer = self._connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - began
        assert answer.status == http.client.OK, content[:500]
        assert image.encode() in content, "the patch changed nothing"
        return took * 1000


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keeps the bench's own pauses out of the tail."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
