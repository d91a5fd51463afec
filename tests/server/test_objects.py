"""Objects that are read for a review, a few at a time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.polling import poll_async
from tests.simulators.api_objects import ApiObjectsSimulator
from webhook.errors import UnavailableError
from webhook.kube.opening import open_client
from webhook.limits import LIMITS
from webhook.server.objects import ClusterObjects

PATH = "/apis/apps/v1/namespaces/shop/deployments/cart"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiObjectsSimulator]:
    async with ApiObjectsSimulator(tmp_path) as running:
        yield running


@pytest.fixture
async def objects(server: ApiObjectsSimulator) -> AsyncIterator[ClusterObjects]:
    async with open_client(server.kubeconfig) as client:
        yield ClusterObjects(client)


async def test_an_object_is_given_as_it_came(server: ApiObjectsSimulator, objects: ClusterObjects) -> None:
    server.objects[PATH] = b'{"kind": "Deployment"}'
    assert await objects.read(PATH) == b'{"kind": "Deployment"}'


async def test_no_more_are_read_at_the_same_time_than_memory_allows(
    server: ApiObjectsSimulator, objects: ClusterObjects
) -> None:
    server.objects[PATH] = None  # It never answers.
    reading = [asyncio.create_task(objects.read(PATH)) for _ in range(2 * LIMITS.object_reads)]

    async def full() -> bool:
        return len(server.paths) == LIMITS.object_reads

    await poll_async(full, 5.0, "as many requests as may be under way")
    server.objects["/other"] = b"{}"
    waiting = asyncio.create_task(objects.read("/other"))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert (done, len(server.paths)) == (set(), LIMITS.object_reads)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    assert await waiting == b"{}"


async def test_a_server_that_is_gone_is_said_so(server: ApiObjectsSimulator, objects: ClusterObjects) -> None:
    await server.go_away()
    with pytest.raises(UnavailableError) as caught:
        await objects.read(PATH)
    assert caught.value.detail == "the connection to the API server failed"
