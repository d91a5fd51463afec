"""Who may push beside an image, and holds no key, neither makes evidence unavailable nor hides what is there.

"Unavailable" may be configured to be kinder than "missing", so it is not for an author to choose.
"""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.attaching import Publisher, oras_attach
from tests.harness.oci import CONFIG, EMPTY, MANIFEST, Pusher
from tests.harness.oras import ENVELOPE
from tests.harness.registry import Registry
from tests.stores.registry.real import asking, judge, reason

pytestmark = pytest.mark.integration

Layers = list[Any]


def tagged(shop: Pusher, digest: str, layers: Layers) -> None:
    """Puts layers under the tag `.att`."""
    config = shop.blob(b"{}", CONFIG)
    content = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
    shop.manifest(content, MANIFEST, f"{digest.replace(':', '-')}.att")


def sha512(shop: Pusher, digest: str) -> None:
    tagged(shop, digest, [{"mediaType": ENVELOPE, "digest": f"sha512:{'0' * 128}", "size": 2}])


def absent_layer(shop: Pusher, digest: str) -> None:
    tagged(shop, digest, [{"mediaType": ENVELOPE, "digest": f"sha256:{'0' * 64}", "size": 2}])


def size_that_lies(shop: Pusher, digest: str) -> None:
    tagged(shop, digest, [shop.blob(b'{"a": 1}', ENVELOPE) | {"size": 3}])


def no_descriptor(shop: Pusher, digest: str) -> None:
    tagged(shop, digest, [{"mediaType": ENVELOPE}, "layer", None])


def many_layers(shop: Pusher, digest: str) -> None:
    tagged(shop, digest, [shop.blob(str(number).encode(), "application/json") for number in range(70)])


def large_layers(shop: Pusher, digest: str) -> None:
    tagged(shop, digest, [shop.blob(str(number).encode() * 500_000, ENVELOPE) for number in range(10, 40)])


def no_envelope(shop: Pusher, digest: str) -> None:
    tagged(shop, digest, [shop.blob(b"[" * 10_000, ENVELOPE)])


def many_referrers(shop: Pusher, digest: str) -> None:
    for number in range(70):
        content = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": shop.blob(b"{}", EMPTY),
            "layers": [shop.blob(str(number).encode(), "application/json")],
            "subject": {"mediaType": MANIFEST, "digest": digest, "size": 1},
        }
        shop.manifest(content, MANIFEST)


Rubbish = Callable[[Pusher, str], None]
UNDER_THE_TAG = (sha512, absent_layer, size_that_lies, no_descriptor, many_layers, large_layers, no_envelope)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Go-containerregistry's, which checks nothing of what is pushed."""
    with Registry(tmp_path_factory.mktemp("registry"), referrers=True) as running:
        yield running


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("publisher"))


@pytest.fixture
def shop(registry: Registry) -> Pusher:
    return registry.repository(f"shop/{uuid.uuid4().hex[:8]}")


@pytest.mark.parametrize("rubbish", [*UNDER_THE_TAG, many_referrers], ids=lambda one: one.__name__)
async def test_rubbish_beside_an_image_is_no_evidence_and_no_outage(
    registry: Registry, publisher: Publisher, shop: Pusher, tmp_path: Path, rubbish: Rubbish
) -> None:
    digest = shop.image("cart")
    rubbish(shop, digest)
    async with asking(tmp_path, registry.settings(), publisher.trust()) as provider:
        result = await judge(provider, f"{shop.repository}@{digest}")
        assert result.error is None, result.error
        assert reason(result) in {"EvidenceMissing", "EvidenceMalformed"}


@pytest.mark.parametrize("rubbish", UNDER_THE_TAG, ids=lambda one: one.__name__)
async def test_rubbish_under_the_tag_hides_no_evidence_that_is_attached(
    registry: Registry, publisher: Publisher, shop: Pusher, tmp_path: Path, rubbish: Rubbish
) -> None:
    digest = shop.image("cart")
    rubbish(shop, digest)
    oras_attach(publisher, f"{shop.repository}@{digest}")
    async with asking(tmp_path, registry.settings(), publisher.trust()) as provider:
        assert reason(await judge(provider, f"{shop.repository}@{digest}")) == "EvidenceSufficient"
