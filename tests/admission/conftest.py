"""The parts that decide, made once: nothing in them changes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.admission.cluster import Cluster
from tests.admission.glass import ADMIN, Glass
from tests.admission.history import Shop
from tests.admission.world import World
from tests.simulators.api_objects import ApiObjectsSimulator
from tests.simulators.caller_reviews import ReviewsSimulator
from tests.simulators.replica_sets import ReplicaSetsSimulator
from webhook.kube.opening import open_client
from webhook.server.objects import ClusterObjects


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.build(tmp_path_factory.mktemp("admission"))


@pytest.fixture
async def cluster(world: World, tmp_path: Path) -> AsyncIterator[Cluster]:
    """An empty cluster."""
    async with ApiObjectsSimulator(tmp_path) as server, open_client(server.kubeconfig) as client:
        yield Cluster(world, server, ClusterObjects(client))


@pytest.fixture
async def glass(world: World, tmp_path: Path) -> AsyncIterator[Glass]:
    async with ReviewsSimulator(tmp_path) as api, open_client(api.kubeconfig) as client:
        api.allowed.add(ADMIN["username"])
        yield Glass(world, api, ClusterObjects(client))


@pytest.fixture
async def shop(world: World, tmp_path: Path) -> AsyncIterator[Shop]:
    """A workload without a history yet."""
    async with ReplicaSetsSimulator(tmp_path) as api, open_client(api.kubeconfig) as client:
        yield Shop(world, api, ClusterObjects(client))
