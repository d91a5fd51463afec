"""A prepared folder with evidence, and the server over it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.admission.world import World
from tests.harness.evidence import Signer, digest_of
from tests.harness.gate import Gate
from tests.server.serving import Server

POLICY = {
    "RequiredEnvironments": ["production", "canary"],
    "Overrides": {"canary": {"MissingEvidenceAction": "Warn"}},
}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The parts that decide, without a server."""
    return World.build(tmp_path_factory.mktemp("world"))


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """The folder of a webhook that is not started."""
    prepared = Gate(tmp_path, POLICY, events={"enabled": False})
    prepared.publish(digest_of("seen"))
    prepared.publish(digest_of("thin"), hotSymbolCount=1, uniqueCallPaths=0)
    prepared.publish(digest_of("stranger"), signer=Signer.new())
    return prepared


@pytest.fixture
async def server(gate: Gate) -> AsyncIterator[Server]:
    """The server in the test's loop."""
    async with Server(gate) as running:
        yield running
