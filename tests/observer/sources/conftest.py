from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observer.sources.asking import LABELS
from tests.observer.sources.recording import RECORDED
from tests.simulators.profile_server import ProfileServerSimulator


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ProfileServerSimulator]:
    """A profile server that nothing was pushed to."""
    with ProfileServerSimulator(tmp_path) as running:
        yield running


@pytest.fixture
def pushed() -> bytes:
    """A CPU profile of some time ago."""
    return (RECORDED / "pushed.pb.gz").read_bytes()


@pytest.fixture
def cart(server: ProfileServerSimulator, pushed: bytes) -> ProfileServerSimulator:
    """A server that has it of the cart."""
    server.push(pushed, LABELS)
    return server
