"""The simulator behaves as real registries do: one list of assertions for all of them."""

import itertools
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import oras
from tests.harness.attaching import WAYS, Publisher, Way
from tests.harness.oci import CONFIG, INDEX, MANIFEST, Pusher, sha256
from tests.harness.registry import Registry
from tests.simulators.registry_thread import RegistryThread
from tests.stores.registry.real import asking, judge, reason
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.auth.docker_config import DockerConfig
from webhook.stores.registry.auth.keyring import ConfiguredKeyring
from webhook.stores.registry.client.client import NotThereError, RegistryClient
from webhook.stores.registry.descriptor import Descriptor
from webhook.stores.registry.reference import Repository, fallback_tag

pytestmark = pytest.mark.integration

AnyRegistry = Registry | RegistryThread
NOBODY = ConfiguredKeyring(DockerConfig())
ABSENT = "sha256:" + "0" * 64
NO_BLOB = Descriptor("application/octet-stream", ABSENT, 1, None, {}, None, None)


@pytest.fixture(scope="module", params=itertools.product(["real", "simulated"], [True, False]), ids=str)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyRegistry]:
    """Each kind with the referrers API, and without it."""
    kind, referrers = request.param
    folder = tmp_path_factory.mktemp("registry")
    with Registry(folder, referrers=referrers) if kind == "real" else RegistryThread(referrers=referrers) as running:
        yield running


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("publisher"))


@pytest.fixture
def shop(registry: AnyRegistry) -> Pusher:
    """A repository that nothing has been pushed to."""
    return registry.repository(f"shop/{uuid.uuid4().hex[:8]}")


@pytest.fixture
def own(shop: Pusher) -> Repository:
    """The same, for the client."""
    return Repository(shop.host, shop.path)


@pytest.fixture
async def client(registry: AnyRegistry, tmp_path: Path) -> AsyncIterator[RegistryClient]:
    section = RegistryStoreSettings.model_validate(registry.settings())
    made = RegistryClient(section, tmp_path, lambda _: None)
    yield made
    await made.close()


async def test_a_manifest_is_the_same_bytes_by_tag_and_by_digest(
    client: RegistryClient, shop: Pusher, own: Repository
) -> None:
    digest = shop.image("cart")
    by_tag, by_digest = [await client.manifest(own, reference, NOBODY) for reference in ("cart", digest)]
    assert by_tag == by_digest
    assert (by_tag.digest, by_tag.media_type) == (digest, MANIFEST)
    assert sha256(by_tag.raw) == digest


async def test_an_index_is_called_one(client: RegistryClient, shop: Pusher, own: Repository) -> None:
    digest, manifests = shop.index("cart", ["linux/amd64", "linux/arm64"])
    index = await client.manifest(own, digest, NOBODY)
    assert index.media_type == INDEX
    assert [entry["digest"] for entry in json.loads(index.raw)["manifests"]] == list(manifests.values())


async def test_a_tag_that_is_moved_leads_to_the_other_image(
    client: RegistryClient, shop: Pusher, own: Repository
) -> None:
    before, after = shop.image("cart"), shop.image("other", tag="cart")
    assert await client.resolve(own, "cart", NOBODY) == after
    assert (await client.manifest(own, before, NOBODY)).digest == before


async def test_a_blob_is_what_was_pushed(client: RegistryClient, shop: Pusher, own: Repository) -> None:
    pushed = shop.blob(b"{}", CONFIG)
    wanted = Descriptor(CONFIG, pushed["digest"], pushed["size"], None, {}, None, None)
    assert await client.blob(own, wanted, NOBODY) == b"{}"


Question = Callable[[RegistryClient, Repository], Awaitable[object]]
QUESTIONS: dict[str, Question] = {
    "tag": lambda client, own: client.manifest(own, "absent", NOBODY),
    "digest": lambda client, own: client.manifest(own, ABSENT, NOBODY),
    "blob": lambda client, own: client.blob(own, NO_BLOB, NOBODY),
    "resolve": lambda client, own: client.resolve(own, "absent", NOBODY),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("pushed", [["cart"], []], ids=["known repository", "unknown repository"])
async def test_what_is_not_there_is_said_not_to_be_there(
    client: RegistryClient, shop: Pusher, own: Repository, question: str, pushed: list[str]
) -> None:
    for name in pushed:
        shop.image(name)
    with pytest.raises(NotThereError):
        await QUESTIONS[question](client, own)


async def test_what_is_attached_is_listed_where_there_is_the_api(
    client: RegistryClient, registry: AnyRegistry, shop: Pusher, own: Repository, tmp_path: Path
) -> None:
    image = f"{shop.repository}@{shop.image('cart')}"
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    attached = {oras.attach(image, tmp_path / name) for name in ("one", "two")}
    listed = await client.referrers(own, image.partition("@")[2], NOBODY)
    if registry.referrers:
        assert listed is not None
        assert {entry.digest for entry in listed} == attached
        assert {entry.media_type for entry in listed} == {MANIFEST}
    else:
        assert listed is None
        index = await client.manifest(own, fallback_tag(image.partition("@")[2]), NOBODY)
        assert {entry["digest"] for entry in json.loads(index.raw)["manifests"]} == attached


async def test_an_image_that_nothing_is_attached_to_has_an_empty_list(
    client: RegistryClient, registry: AnyRegistry, shop: Pusher, own: Repository
) -> None:
    listed = await client.referrers(own, shop.image("cart"), NOBODY)
    assert listed == (() if registry.referrers else None)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_what_real_tools_attach_is_found(
    registry: AnyRegistry, shop: Pusher, publisher: Publisher, tmp_path: Path, way: Way
) -> None:
    image = f"{shop.repository}@{shop.image('cart')}"
    way.attach(publisher, image)
    async with asking(tmp_path, registry.settings(), publisher.trust()) as provider:
        assert reason(await judge(provider, image)) == "EvidenceSufficient"
