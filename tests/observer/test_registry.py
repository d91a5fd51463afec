from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.simulators.registry import MANIFEST, RegistrySimulator
from tests.simulators.registry_writes import answers_status
from tests.stores.registry.simulated import PATH, plain
from webhook.errors import UnavailableError
from webhook.model.canonical import sha256_digest
from webhook.observer.registry import Manifests, NoManifests
from webhook.settings.stores import RegistryStoreSettings

CONTENT = b'{"schemaVersion": 2}'
DIGEST = sha256_digest(CONTENT)


@pytest.fixture
async def registry() -> AsyncIterator[RegistrySimulator]:
    async with RegistrySimulator() as running:
        for path in (PATH, "other/cart"):
            running.manifests[path, DIGEST] = (MANIFEST, CONTENT)
        yield running


@pytest.fixture
async def manifests(registry: RegistrySimulator) -> AsyncIterator[Manifests]:
    # Pull secrets are for the webhook: they would need a right that the observer has not.
    section = {"allow": [f"{registry.host}/shop/*"], "hosts": {registry.host: plain()}, "pullSecrets": True}
    async with Manifests(RegistryStoreSettings.model_validate(section), Path()) as opened:
        yield opened


async def test_a_manifest_is_the_bytes_of_its_digest(registry: RegistrySimulator, manifests: Manifests) -> None:
    assert await manifests.manifest(f"{registry.host}/{PATH}", DIGEST) == CONTENT
    registry.manifests[PATH, DIGEST] = (MANIFEST, b"{}")
    with pytest.raises(UnavailableError):
        await manifests.manifest(f"{registry.host}/{PATH}", DIGEST)


async def test_a_registry_that_may_not_be_asked_is_not(registry: RegistrySimulator, manifests: Manifests) -> None:
    assert await manifests.manifest(f"{registry.host}/other/cart", DIGEST) is None
    assert registry.seen == []
    assert await NoManifests().manifest(f"{registry.host}/{PATH}", DIGEST) is None


async def test_what_is_not_there_is_none_and_a_failure_is_unknown(
    registry: RegistrySimulator, manifests: Manifests
) -> None:
    assert await manifests.manifest(f"{registry.host}/{PATH}", sha256_digest(b"other")) is None
    registry.faults["manifest"].extend([answers_status(503)] * 2)
    with pytest.raises(UnavailableError):
        await manifests.manifest(f"{registry.host}/{PATH}", DIGEST)
