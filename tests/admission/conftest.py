"""The parts that decide, made once: nothing in them changes."""

import pytest

from tests.admission.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.build(tmp_path_factory.mktemp("admission"))
