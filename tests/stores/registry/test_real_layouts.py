"""What people attach with their own tools to real registries is found and verified, in every layout."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.harness import oras
from tests.harness.attaching import WAYS, Publisher, Way
from tests.harness.cosign import Layout
from tests.harness.oci import MANIFEST, Pusher
from tests.harness.registry import Registry
from tests.providers.asking import told
from tests.stores.registry.real import asking, judge, reason
from webhook.model.evidence import Lane
from webhook.providers.execution_evidence import ExecutionEvidenceProvider

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", params=[True, False], ids=["referrers-api", "no-referrers-api"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry"), referrers=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("publisher"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def shop(registry: Registry) -> Pusher:
    """A repository that nothing has been pushed to."""
    return registry.repository(f"shop/{uuid.uuid4().hex[:8]}")


@pytest.fixture
async def provider(
    registry: Registry, publisher: Publisher, tmp_path: Path
) -> AsyncIterator[ExecutionEvidenceProvider]:
    async with asking(tmp_path, registry.settings(), publisher.trust()) as made:
        yield made


def pushed(shop: Pusher, name: str = "cart") -> str:
    return f"{shop.repository}@{shop.image(name)}"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_sufficient_evidence_is_found_and_verified(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher, way: Way
) -> None:
    image = pushed(shop)
    way.attach(publisher, image)
    result = await judge(provider, image)
    assert reason(result) == "EvidenceSufficient"
    assert told(result)["execution_evidence_signer"] == way.signer
    assert result.lane is Lane.VERIFIED
    assert result.evidence_ref is not None
    assert result.evidence_ref.uri.startswith(f"registry:{shop.repository}@sha256:")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_insufficient_evidence_is_found_and_insufficient(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher, way: Way
) -> None:
    image = pushed(shop)
    way.attach(publisher, image, sufficient=False)
    assert reason(await judge(provider, image)) == "EvidenceInsufficient"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_the_statement_of_a_stranger_is_found_and_does_not_count(
    provider: ExecutionEvidenceProvider, stranger: Publisher, shop: Pusher, way: Way
) -> None:
    image = pushed(shop)
    way.attach(stranger, image)
    assert reason(await judge(provider, image)) == "EvidenceUntrusted"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_an_image_beside_one_with_evidence_has_none(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher, way: Way
) -> None:
    way.attach(publisher, pushed(shop))
    assert reason(await judge(provider, pushed(shop, "other"))) == "EvidenceMissing"


async def test_of_two_statements_under_the_attestation_tag_the_sufficient_one_counts(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher
) -> None:
    image = pushed(shop)
    for sufficient in (True, False):
        publisher.cosign.attach(image, publisher.envelope(image, sufficient=sufficient))
    assert reason(await judge(provider, image)) == "EvidenceSufficient"


async def test_of_two_statements_in_one_manifest_the_sufficient_one_counts(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher
) -> None:
    image = pushed(shop)
    oras.attach(image, *(publisher.envelope(image, sufficient=sufficient) for sufficient in (False, True)))
    assert reason(await judge(provider, image)) == "EvidenceSufficient"


async def test_statements_in_every_layout_at_once_are_one_verdict(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher
) -> None:
    image = pushed(shop)
    for way in WAYS:
        way.attach(publisher, image, sufficient=way is WAYS[-1])
    assert reason(await judge(provider, image)) == "EvidenceSufficient"


async def test_evidence_under_another_images_attestation_tag_is_not_about_it(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher
) -> None:
    image, other = pushed(shop), pushed(shop, "other")
    envelope = publisher.envelope(other)
    layer = shop.blob(envelope.read_bytes(), oras.ENVELOPE)
    config = shop.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
    tag = image.partition("@")[2].replace(":", "-")
    shop.manifest(manifest, MANIFEST, f"{tag}.att")
    assert reason(await judge(provider, image)) == "EvidenceMissing"


async def test_a_signature_from_one_envelope_over_the_payload_of_another_does_not_count(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher
) -> None:
    image, other = pushed(shop), pushed(shop, "other")
    ours, theirs = (json.loads(publisher.envelope(name).read_text()) for name in (image, other))
    swapped = publisher.folder / "swapped.json"
    swapped.write_text(json.dumps(ours | {"signatures": theirs["signatures"]}))
    oras.attach(image, swapped)
    assert reason(await judge(provider, image)) == "EvidenceUntrusted"


async def test_what_else_lies_beside_an_image_is_no_evidence_and_no_trouble(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher
) -> None:
    image = pushed(shop)
    sbom = publisher.folder / "sbom.json"
    sbom.write_text('{"spdxVersion": "SPDX-2.3"}')
    oras.attach(image, sbom, media_type="application/spdx+json")
    oras.attach(image, sbom, media_type=None)
    assert reason(await judge(provider, image)) == "EvidenceMissing"


async def test_what_was_deleted_although_it_is_still_listed_hides_nothing_else(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher
) -> None:
    image = pushed(shop)
    deleted, _ = [oras.attach(image, publisher.envelope(image, sufficient=good)) for good in (False, True)]
    shop.delete(deleted)
    assert reason(await judge(provider, image)) == "EvidenceSufficient"


async def test_evidence_that_was_deleted_although_it_is_still_listed_is_missing(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher
) -> None:
    image = pushed(shop)
    shop.delete(oras.attach(image, publisher.envelope(image)))
    assert reason(await judge(provider, image)) == "EvidenceMissing"


@pytest.mark.parametrize("layout", ["tag", "bundle"])
async def test_a_trusted_statement_of_another_type_is_no_evidence(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher, layout: Layout
) -> None:
    image = pushed(shop)
    publisher.cosign.attest(image, layout=layout, kind="https://example.com/executionEvidence@v1")
    assert reason(await judge(provider, image)) == "EvidenceMissing"


@pytest.mark.parametrize("layout", ["tag", "bundle"])
async def test_a_trusted_signature_of_the_image_is_no_evidence(
    provider: ExecutionEvidenceProvider, publisher: Publisher, shop: Pusher, layout: Layout
) -> None:
    image = pushed(shop)
    publisher.cosign.sign(image, layout=layout)
    assert reason(await judge(provider, image)) == "EvidenceMissing"
