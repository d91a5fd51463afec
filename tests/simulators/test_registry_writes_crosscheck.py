"""What the simulator does with those who write is what real registries do."""

import itertools
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.oci import INDEX, Pusher
from tests.harness.registry import Registry
from tests.publish.making import PATIENCE, QUICK, evidence
from tests.simulators.registry_thread import RegistryThread
from tests.simulators.registry_writes import RegistryWithWriters
from webhook.model.image import ImageReference
from webhook.publish.documents import Document
from webhook.publish.registry import Layout, RegistryPublisher
from webhook.publish.writer import RegistryWriter
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.auth.docker_config import DockerConfig
from webhook.stores.registry.auth.keyring import ConfiguredKeyring
from webhook.stores.registry.reference import Repository, attestation_tag, fallback_tag

pytestmark = pytest.mark.integration

AnyRegistry = Registry | RegistryThread
NOBODY = ConfiguredKeyring(DockerConfig())


@pytest.fixture(scope="module", params=itertools.product(["real", "simulated"], [True, False]), ids=str)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyRegistry]:
    """Each kind with the referrers API, and without it."""
    kind, referrers = request.param
    if kind == "real":
        with Registry(tmp_path_factory.mktemp("registry"), referrers=referrers) as real:
            yield real
        return
    simulated = RegistryThread(referrers=referrers)
    simulated.simulator = RegistryWithWriters(referrers=referrers)
    # Neither of the real ones announces what it lists.
    simulated.simulator.announces = False
    with simulated:
        yield simulated


@pytest.fixture
def shop(registry: AnyRegistry) -> Pusher:
    """A repository that nothing has been pushed to."""
    return registry.repository(f"shop/{uuid.uuid4().hex[:8]}")


@pytest.mark.parametrize("layout", Layout)
async def test_what_is_pushed_is_listed_where_it_should_be(
    registry: AnyRegistry, shop: Pusher, layout: Layout
) -> None:
    image = ImageReference.parse(f"{shop.repository}@{shop.image('cart')}")
    assert image.digest is not None
    section = RegistryStoreSettings.model_validate(registry.settings())
    publisher = RegistryPublisher(section, Path("/"), QUICK, PATIENCE)
    try:
        pushed = [await publisher.push(image, evidence(image.digest, note=note), layout) for note in ("1", "2", "1")]
    finally:
        await publisher.close()
    assert pushed[0].digest == pushed[2].digest != pushed[1].digest
    tag = attestation_tag(image.digest) if layout is Layout.COSIGN else fallback_tag(image.digest)
    listed = layout is Layout.REFERRER and registry.referrers
    assert [one.tag for one in pushed] == [None if listed else tag] * 3
    assert [one.listed for one in pushed] == ([0, 0, 0] if listed else [1, 2, 2])


async def test_conditions_are_not_heeded_and_the_latter_wins(registry: AnyRegistry, shop: Pusher) -> None:
    writer = RegistryWriter(RegistryStoreSettings.model_validate(registry.settings()), Path("/"), lambda _: None)
    own = Repository(shop.host, shop.path)
    shop.image("cart")
    empty = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    noted = json.dumps({**json.loads(empty), "annotations": {"n": "1"}}).encode()
    try:
        for raw in (empty, noted):
            for condition in ({"If-None-Match": "*"}, {"If-Match": '"sha256:0"'}):
                await writer.push_manifest(own, "list", Document(raw, INDEX, condition), NOBODY)
        found = await writer.tagged(own, "list", NOBODY)
        assert found is not None
        assert (found.raw, found.media_type) == (noted, INDEX)
        assert await writer.tagged(own, "absent", NOBODY) is None
    finally:
        await writer.close()
