"""Registries that are written to."""

from collections.abc import AsyncIterator

import pytest

from tests.publish.making import PATH
from tests.publish.shelf import Scene
from tests.simulators.registry import MANIFEST
from tests.simulators.registry_writes import RegistryWithWriters


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """A registry without the referrers API, and an image in it."""
    async with RegistryWithWriters() as registry:
        yield registry, registry.add_manifest(PATH, {"mediaType": MANIFEST, "layers": []})
