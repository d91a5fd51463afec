"""A spool, a collector that takes it, and its delivery, which does not pause for long."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.simulators.collector import CollectorSimulator
from webhook.records import collector as module
from webhook.records.collector import Collector
from webhook.records.destination import Destination
from webhook.records.spool import Spool


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(module, "_PAUSE_CAP_SECONDS", 0.1)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[CollectorSimulator]:
    with CollectorSimulator(tmp_path) as made:
        yield made


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 1024 * 1024)


@pytest.fixture
async def collector(simulator: CollectorSimulator, spool: Spool) -> AsyncIterator[Collector]:
    made = Collector(spool, Destination(simulator.url, simulator.ca_file, None, 5.0))
    await made.start()
    yield made
    await made.close(0.5)
