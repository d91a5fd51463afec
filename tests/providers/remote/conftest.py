from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.decision_gate import DecisionGateSimulator


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[DecisionGateSimulator]:
    """A Decision Gate that has approved everything."""
    with DecisionGateSimulator(tmp_path) as running:
        yield running
