"""What the webhook adds to a real API server's `PATCH ?dryRun=All` of a Deployment."""

import gc
import http.client
import itertools
import json
import re
import time
from collections.abc import Iterator, Sequence
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
from bench.yardstick import bare_handlers
from tests.harness.api_server import ApiServer
from tests.harness.cluster import Namespace, apply, registered
from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.webhook_configuration import webhook_configuration, webhook_name

_ROUNDS = 5
_WARM_UP = 50
_NEXT = ("cart-next", "cart-after-next")
_BARE = "bare"
_ACTIVE_SECONDS = 10.0
_HEADERS = {"Content-Type": "application/json-patch+json"}

_Times = list[list[float]]
"""Milliseconds of each request: with the webhook, with the bare one, with none."""


def measure(stage: Stage) -> list[Figure]:
    """Patches the image of three equal Deployments in turns.

    The label of its namespace brings the webhook into one, and the strict bare handler into another.

    Args:
        stage: The shared parts.

    Returns:
        What the webhook, and what the bare handler adds to the 99th percentile without either.
    """
    control_plane = stage.control_plane
    say("patch: a Deployment's image changes by dry run, with the webhook, a bare one and none in turns")
    gate = Gate(stage.new_folder("patch"), {})
    for digest in (*review.IMAGES, *(digest_of(name) for name in _NEXT)):
        gate.publish(digest, **predicate())
    namespaces = [Namespace.new(control_plane, label) for label in ("production", _BARE, None)]
    for namespace in namespaces:
        created = namespace.create(review.deployment(namespace.name))
        assert created.returncode == 0, created.stderr
    with (
        serving(gate),
        registered(control_plane, gate, ["production"]),
        _bare_registered(namespaces[1], gate),
        _Patcher(control_plane) as patcher,
    ):
        patcher.alternate(namespaces, _WARM_UP)
        ledger, bare_calls = Ledger(gate), _bare_calls(control_plane)
        rounds = []
        with _no_garbage_collection():
            for turn in range(_ROUNDS):
                rounds.append(patcher.alternate(namespaces, stage.effort.patches))
                gated, bare, none = (percentile(times, 0.99) for times in rounds[-1])
                say(f"  round {turn + 1} of {_ROUNDS}: p99 {gated:.2f} ms, bare {bare:.2f} ms, none {none:.2f} ms")
        ledger.expect_passes(_ROUNDS * stage.effort.patches)
        counted = _bare_calls(control_plane) - bare_calls
        assert counted == _ROUNDS * stage.effort.patches, f"the bare webhook was called {counted} times"
    return _figures(rounds, stage.effort.patches)


def _figures(rounds: list[_Times], patches: int) -> list[Figure]:
    details: dict[str, float] = {}
    for index, name in enumerate(("gate", "bare", "none")):
        everything = [value for times in rounds for value in times[index]]
        details |= {f"{name}_p50_ms": percentile(everything, 0.5), f"{name}_p99_ms": percentile(everything, 0.99)}
    how = (
        f"the same Deployment, one image changes to another with evidence; {patches} requests of each kind in turns, "
        f"difference of the p99s; median of and spread over {len(rounds)} rounds"
    )
    bare_how = (
        'the same turns; a webhook registered alike that is the strict bare handler and answers "allowed" at once; '
        f"p50 {details['gate_p50_ms']:.2f} ms with the webhook, {details['bare_p50_ms']:.2f} ms with the bare one, "
        f"{details['none_p50_ms']:.2f} ms with none"
    )
    title = Title("PATCH ?dryRun=All: p99 added by the webhook", "ms", 5.0, how)
    told = Title("PATCH ?dryRun=All: p99 added by a webhook that does nothing", "ms", None, bare_how)
    return [Figure.of(title, _added(rounds, 0), details), Figure.of(told, _added(rounds, 1))]


def _added(rounds: list[_Times], kind: int) -> list[float]:
    return [percentile(times[kind], 0.99) - percentile(times[-1], 0.99) for times in rounds]


@contextmanager
def _bare_registered(namespace: Namespace, gate: Gate) -> Iterator[None]:
    """Runs the bare handlers and registers the strict one for a namespace, until the API server asks it."""
    control_plane = namespace.control_plane
    with bare_handlers(gate.folder) as bare:
        apply(control_plane, webhook_configuration(_BARE, bare.strict_url, gate.ca_pem, [_BARE]))
        try:
            poll(
                lambda: namespace.admits("by-tag:1") and _bare_calls(control_plane),
                _ACTIVE_SECONDS,
                "the API server asks the bare webhook",
            )
            yield
        finally:
            control_plane.kubectl("delete", "validatingwebhookconfiguration", _BARE)


def _bare_calls(control_plane: ApiServer) -> int:
    """Reads from the API server how often it has called the bare webhook; what fails would fail the request."""
    text = control_plane.kubectl("get", "--raw", "/metrics").stdout
    samples = re.findall(r"^apiserver_admission_webhook_request_total\{(.*)\} (\d+)$", text, re.MULTILINE)
    return sum(int(count) for labels, count in samples if f'name="{webhook_name(_BARE)}"' in labels)


class _Patcher:
    """One kept connection to the API server; a context manager."""

    def __init__(self, control_plane: ApiServer) -> None:
        address = urlsplit(control_plane.url)
        tls = credentials(control_plane.kubeconfig)
        self._connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=30, context=tls)
        self._images = itertools.cycle(image_of(name) for name in _NEXT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def alternate(self, namespaces: Sequence[Namespace], patches: int) -> _Times:
        """Patches each namespace's Deployment in turns."""
        times: _Times = [[] for _ in namespaces]
        for _ in range(patches):
            image = next(self._images)
            for namespace, kept in zip(namespaces, times, strict=True):
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
