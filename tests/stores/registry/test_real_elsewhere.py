"""Evidence that lies in another repository or registry than its image, put there by real cosign and oras."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import oras
from tests.harness.attaching import Publisher, cosign_bundle
from tests.harness.registry import Registry
from tests.stores.registry.real import asking, judge, reason

pytestmark = pytest.mark.integration

SUFFICIENT, MISSING, UNAVAILABLE = "EvidenceSufficient", "EvidenceMissing", "evidence_unavailable"


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("publisher"))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    (tmp_path / "registry").mkdir()
    with Registry(tmp_path / "registry", referrers=False) as running:
        yield running


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Registry]:
    (tmp_path / "mirror").mkdir()
    with Registry(tmp_path / "mirror", referrers=True) as running:
        yield running


def pushed(registry: Registry, path: str = "shop/cart") -> str:
    pusher = registry.repository(path)
    return f"{pusher.repository}@{pusher.image('cart')}"


def both(registry: Registry, mirror: Registry, **more: Any) -> dict[str, Any]:
    """The section of two registries; only the first one's repositories are in `allow`."""
    section = registry.settings(**more)
    return section | {"hosts": section["hosts"] | mirror.settings()["hosts"]}


async def judged(folder: Path, section: dict[str, Any], publisher: Publisher, image: str) -> str:
    async with asking(folder, section, publisher.trust()) as provider:
        result = await judge(provider, image)
        return result.error.code if result.error else reason(result)


@pytest.mark.parametrize(("names", "expected"), [(["evidenceRepository"], SUFFICIENT), ([], MISSING)])
async def test_evidence_in_cosigns_repository_counts_where_it_is_named(
    registry: Registry, publisher: Publisher, tmp_path: Path, names: list[str], expected: str
) -> None:
    image, evidence = pushed(registry), f"{registry.host}/evidence/all"
    publisher.cosign.attest(image, layout="tag", repository=evidence)
    section = registry.settings(**dict.fromkeys(names, evidence))
    assert await judged(tmp_path, section, publisher, image) == expected


async def test_where_evidence_has_its_own_repository_the_images_is_not_asked(
    registry: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    image = pushed(registry)
    cosign_bundle(publisher, image)
    section = registry.settings(evidenceRepository=f"{registry.host}/evidence/all")
    assert await judged(tmp_path, section, publisher, image) == MISSING


async def test_evidence_in_a_mirror_counts(
    registry: Registry, mirror: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    image, copy = pushed(registry), pushed(mirror, "copies/shop/cart")
    oras.attach(copy, publisher.envelope(copy))
    section = both(registry, mirror, mirrors={registry.host: [f"{mirror.host}/copies"]})
    assert await judged(tmp_path, section, publisher, image) == SUFFICIENT


async def test_evidence_beside_the_image_counts_while_the_mirror_has_none(
    registry: Registry, mirror: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    image = pushed(registry)
    pushed(mirror)
    cosign_bundle(publisher, image)
    section = both(registry, mirror, mirrors={registry.host: [mirror.host]})
    assert await judged(tmp_path, section, publisher, image) == SUFFICIENT


async def test_an_empty_mirror_is_no_proof_of_absence(
    registry: Registry, mirror: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    image = pushed(registry)
    pushed(mirror)
    cosign_bundle(publisher, image)
    registry.stop()
    section = both(registry, mirror, mirrors={registry.host: [mirror.host]})
    assert await judged(tmp_path, section, publisher, image) == UNAVAILABLE


async def test_a_mirror_that_is_down_hides_nothing_and_proves_nothing(
    registry: Registry, mirror: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    image, other = pushed(registry), pushed(registry, "shop/other")
    cosign_bundle(publisher, image)
    mirror.stop()
    section = both(registry, mirror, mirrors={registry.host: [mirror.host]})
    assert await judged(tmp_path, section, publisher, image) == SUFFICIENT
    assert await judged(tmp_path, section, publisher, other) == UNAVAILABLE
