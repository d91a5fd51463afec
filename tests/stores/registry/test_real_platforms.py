"""Evidence on an index and on its platforms' manifests, attached by cosign to a registry (case group 19)."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.attaching import Publisher
from tests.harness.oci import Pusher
from tests.harness.registry import Registry
from tests.stores.registry.real import asking, judge, reason

pytestmark = pytest.mark.integration

AMD, ARM, ATTESTATIONS = "linux/amd64", "linux/arm64", "unknown/unknown"
"""The last one is what BuildKit calls the manifest that holds its attestations."""
INDEX = "index"
SUFFICIENT, MISSING = "EvidenceSufficient", "EvidenceMissing"

Case = tuple[Any, list[str], str]
"""The setting `platforms`, what is attested, and the reason."""


@dataclass(frozen=True)
class Site:
    registry: Registry
    publisher: Publisher

    def attest(self, image: str) -> None:
        self.publisher.cosign.attest(image)

    async def ask(self, image: str, folder: Path, platforms: Any) -> str:
        section = self.registry.settings(platforms=platforms)
        async with asking(folder, section, self.publisher.trust()) as provider:
            return reason(await judge(provider, image))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    publisher = Publisher(tmp_path_factory.mktemp("publisher"))
    with Registry(tmp_path_factory.mktemp("registry"), referrers=False) as registry:
        yield Site(registry, publisher)


@pytest.fixture
def shop(site: Site) -> Pusher:
    return site.registry.repository(f"shop/{uuid.uuid4().hex[:8]}")


@pytest.mark.parametrize(
    "case",
    [
        (None, [INDEX], SUFFICIENT),
        (None, [AMD, ARM], MISSING),
        ("any", [INDEX], SUFFICIENT),
        ("any", [ARM], SUFFICIENT),
        ("any", [ATTESTATIONS], MISSING),
        ("all", [INDEX], SUFFICIENT),
        ("all", [ARM], MISSING),
        ("all", [AMD, ARM], SUFFICIENT),
        ([AMD], [AMD], SUFFICIENT),
        ([AMD], [ARM], MISSING),
        ([AMD, ARM], [AMD], MISSING),
        ([AMD, ARM], [AMD, ARM], SUFFICIENT),
        ([AMD, "linux/s390x"], [AMD], SUFFICIENT),  # No node can run what the index lacks.
        (["linux/s390x"], [AMD, ARM], MISSING),
    ],
)
async def test_whose_evidence_counts_for_an_index(site: Site, shop: Pusher, tmp_path: Path, case: Case) -> None:
    platforms, attested, expected = case
    index, manifests = shop.index("cart", [AMD, ARM, ATTESTATIONS])
    for name in attested:
        site.attest(f"{shop.repository}@{manifests.get(name, index)}")
    assert await site.ask(f"{shop.repository}@{index}", tmp_path, platforms) == expected


async def test_evidence_about_an_index_is_not_about_the_manifest_of_a_platform(
    site: Site, shop: Pusher, tmp_path: Path
) -> None:
    index, manifests = shop.index("cart", [AMD, ARM])
    site.attest(f"{shop.repository}@{index}")
    assert await site.ask(f"{shop.repository}@{manifests[AMD]}", tmp_path, "any") == MISSING


async def test_insufficient_evidence_about_one_of_all_platforms_is_insufficient(
    site: Site, shop: Pusher, tmp_path: Path
) -> None:
    index, manifests = shop.index("cart", [AMD, ARM])
    for name, sufficient in ((AMD, True), (ARM, False)):
        image = f"{shop.repository}@{manifests[name]}"
        site.publisher.cosign.attach(image, site.publisher.envelope(image, sufficient=sufficient))
    assert await site.ask(f"{shop.repository}@{index}", tmp_path, "all") == "EvidenceInsufficient"
