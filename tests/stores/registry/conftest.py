"""One certificate authority for all tests of registries."""

import pytest

from tests.stores.registry.simulated import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))
