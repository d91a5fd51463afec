"""What is read of the API server, whatever it answers; a simulated one, since a real one has no such faults."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.observer.making import NOW, REPOSITORY, container, digest, pod, running
from tests.observer.watching import OBSERVER
from tests.simulators.endpoint import Endpoint
from webhook.kube.api_errors import ApiStatusError
from webhook.kube.opening import open_client
from webhook.observer import cluster
from webhook.observer.cluster import Seen, read_cluster, window_until
from webhook.observer.running import Window
from webhook.observer.settings import ObserverFile
from webhook.scan import api as paced
from webhook.scan.api import PacedApi

LABEL = "stella.ops/environment"


class Cluster(Endpoint):
    """Namespaces and pods.

    Attributes:
        labels: Namespace to its environment.
        pods: Namespace to its pods.
        refused: Paths that are answered with 403.
        asked: Paths that were asked for.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "cluster.kubeconfig")
        self.labels: dict[str, str] = {"b": "staging", "a": "Staging", "c": "production", "d": ""}
        self.pods: dict[str, list[dict[str, Any]]] = {}
        self.refused: set[str] = set()
        self.asked: list[str] = []

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/api/v1/{rest:.*}", self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path.removeprefix("/api/v1/"))
        if request.path in self.refused:
            return web.json_response({}, status=403)
        parts = request.match_info["rest"].split("/")
        if len(parts) == 1:
            # Twice: as after a list that began anew.
            assert request.query["labelSelector"] == LABEL
            return _listed([self._namespace(name) for name in [*self.labels, *self.labels]])
        if len(parts) == 3:
            return _listed(self.pods.get(parts[1], []) * 2)
        if parts[1] not in self.labels:
            return web.json_response({}, status=404)
        return web.json_response(self._namespace(parts[1]))

    def _namespace(self, name: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "labels": {LABEL: self.labels[name]} if self.labels[name] else None}}


def _listed(items: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"metadata": {}, "items": items})


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    monkeypatch.setattr(paced, "_PAUSE_SECONDS", 0.001)
    async with Cluster(tmp_path) as running_server:
        yield running_server


async def read(server: Cluster, **changes: Any) -> Seen:
    file = ObserverFile.model_validate_json(json.dumps(OBSERVER | changes))
    async with open_client(server.kubeconfig) as client:
        return await read_cluster(PacedApi(client), file, window_until(NOW + cluster.LAG, timedelta(hours=1)))


def test_a_window_ends_before_a_status_can_be_behind() -> None:
    assert window_until(NOW, timedelta(hours=2)) == Window(NOW - timedelta(seconds=7260), NOW - timedelta(seconds=60))


async def test_namespaces_of_the_environment_are_read_in_order_and_once(server: Cluster) -> None:
    for name in "abcd":
        server.pods[name] = [pod(container(), name="z"), pod(container(), name="y")]
    seen = await read(server)
    assert [(run.place.namespace, run.pod) for run in seen.runs] == [("a", "y"), ("a", "z"), ("b", "y"), ("b", "z")]
    # The configuration's spelling, whatever the label's.
    assert {run.place.environment for run in seen.runs} == {"staging"}
    assert server.asked == ["namespaces", "namespaces/a/pods", "namespaces/b/pods"]
    assert seen.troubles == []


async def test_named_namespaces_are_asked_for_one_by_one(server: Cluster) -> None:
    server.pods["b"] = [pod(container())]
    seen = await read(server, namespaces=["b", "c", "none", "b"], excludedNamespaces=["a"])
    assert [run.place.namespace for run in seen.runs] == ["b"]
    assert seen.troubles == [
        "namespace c is not labelled as one of staging",
        "there is no namespace none",
    ]
    assert "namespaces" not in server.asked


async def test_a_namespace_whose_pods_cannot_be_listed_hides_no_other(server: Cluster) -> None:
    server.pods["b"] = [pod(container())]
    server.refused = {"/api/v1/namespaces/a/pods"}
    seen = await read(server)
    assert [run.place.namespace for run in seen.runs] == ["b"]
    assert seen.troubles == ["the pods of namespace a cannot be listed: the API server answered 403"]


async def test_a_namespace_that_cannot_be_read_hides_no_other(server: Cluster) -> None:
    server.pods["b"] = [pod(container())]
    server.refused = {"/api/v1/namespaces/a"}
    seen = await read(server, namespaces=["a", "b"])
    assert [run.place.namespace for run in seen.runs] == ["b"]
    assert seen.troubles == ["namespace a cannot be read: the API server answered 403"]


async def test_to_watch_nothing_is_a_trouble(server: Cluster) -> None:
    nothing = "no namespace that is not excluded has a label stella.ops/environment that is one of integration, test"
    assert (await read(server, environments=["integration", "test"])).troubles == [nothing]
    assert (await read(server, excludedNamespaces=["a", "b"])).troubles == [
        nothing.replace("integration, test", "staging")
    ]
    assert (await read(server, environments=["integration", "staging"])).troubles == []
    # Of those that are named each is told.
    assert (await read(server, namespaces=["c"])).troubles == ["namespace c is not labelled as one of staging"]
    excluded = await read(server, namespaces=["a"], excludedNamespaces=["a"])
    assert excluded.troubles == [nothing.replace("integration, test", "staging")]


async def test_without_any_namespace_nothing_is_known(server: Cluster) -> None:
    server.refused = {"/api/v1/namespaces"}
    with pytest.raises(ApiStatusError):
        await read(server)


async def test_what_is_nobody_s_is_kept_apart(server: Cluster) -> None:
    local = container(imageID=digest("local"), name="local")
    server.pods["a"] = [pod(container(), local), pod(container(state=running(0)), name="new")]
    seen = await read(server)
    assert [run.image.repository for run in seen.runs] == [REPOSITORY]
    assert [entry.container for entry in seen.unattributed] == ["local"]


async def test_a_cluster_that_is_too_large_is_read_as_far_as_it_goes(
    server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_CONTAINERS", 1)
    server.pods = {name: [pod(container(), name="x"), pod(container(), name="y")] for name in "ab"}
    seen = await read(server)
    assert {run.place.namespace for run in seen.runs} == {"a"}
    assert seen.troubles == ["more than 1 containers run there; the rest is not looked at"]
