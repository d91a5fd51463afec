"""The simulated API server, a client for it, and what follows or records through it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kube.names import PACE, Names
from tests.kube.recording import Start
from tests.simulators.api_server import COLLECTION, ApiServerSimulator
from webhook.kube.client import KubeClient
from webhook.kube.events import EventPace, EventRecorder
from webhook.kube.opening import open_client
from webhook.kube.reflector import Reflector


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[ApiServerSimulator]:
    async with ApiServerSimulator(tmp_path) as running:
        yield running


@pytest.fixture
async def client(simulator: ApiServerSimulator) -> AsyncIterator[KubeClient]:
    async with open_client(simulator.kubeconfig) as opened:
        yield opened


@pytest.fixture
async def reflector(client: KubeClient) -> AsyncIterator[Reflector[Names]]:
    made = Reflector(client, COLLECTION, Names, PACE)
    yield made
    await made.stop()


@pytest.fixture
async def start(client: KubeClient) -> AsyncIterator[Start]:
    started = []

    async def recorder(pace: EventPace) -> EventRecorder:
        made = EventRecorder(client, "pod-1", pace)
        await made.start()
        started.append(made)
        return made

    yield recorder
    for made in started:
        await made.close(1.0)
