from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.server.query.asking import Service


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """The folder of a webhook that is not started, with evidence about one image."""
    prepared = Gate(tmp_path, {}, events={"enabled": False})
    prepared.publish(digest_of("seen"))
    return prepared


@pytest.fixture
async def service(gate: Gate) -> AsyncIterator[Service]:
    """The service in the test's loop."""
    async with Service(gate) as running:
        yield running
