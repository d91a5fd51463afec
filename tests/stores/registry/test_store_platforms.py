"""Evidence on a platform's manifest for the index that lists it (case group 19)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.simulators.api_server import status
from tests.simulators.registry import INDEX, MANIFEST, RegistrySimulator
from tests.stores.registry.attached import attach, evidence, manifest
from tests.stores.registry.simulated import PATH
from tests.stores.registry.stored import Stored
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.model.basis import Platform
from webhook.stores.protocol import Found
from webhook.stores.registry.discovery import place

AMD, ARM, ATTESTATIONS = "linux/amd64", "linux/arm64", "unknown/unknown"


def image(registry: RegistrySimulator, platform: str) -> Platform:
    """Puts the manifest of one platform there."""
    return Platform(platform, manifest(registry, [], note=platform))


def index(registry: RegistrySimulator, *children: Platform, **more: Any) -> str:
    """Puts an index there."""
    entries = []
    for child in children:
        system, architecture = child.name.split("/")
        named = {"os": system, "architecture": architecture}
        entries.append({"mediaType": MANIFEST, "digest": child.digest, "size": 500, "platform": named})
    return registry.add_manifest(PATH, {"mediaType": INDEX, "manifests": entries} | more)


def attested(registry: RegistrySimulator, child: Platform) -> bytes:
    """Attaches evidence to a platform's manifest."""
    raw = evidence(image=child.digest)
    attach(registry, raw, image=child.digest)
    return raw


def about(found: Found) -> set[tuple[bytes, Platform | None]]:
    return {(candidate.raw, candidate.platform) for candidate in found.candidates}


@pytest.mark.parametrize(
    ("choice", "counted", "required"),
    [
        (None, [], []),
        ("any", [AMD, ARM], []),
        ("all", [AMD, ARM], [AMD, ARM]),
        ([AMD], [AMD], [AMD]),
        (["linux/s390x"], [], []),
    ],
)
async def test_which_platforms_are_looked_at_and_which_must_have_evidence(
    choice: Any, counted: list[str], required: list[str]
) -> None:
    async with RegistrySimulator() as registry, Stored(registry, platforms=choice) as stored:
        children = {name: image(registry, name) for name in (AMD, ARM, ATTESTATIONS)}
        raws = {name: attested(registry, child) for name, child in children.items()}
        found = await stored.find(index(registry, *children.values()))
        assert about(found) == {(raws[name], children[name]) for name in counted}
        assert found.platforms == tuple(children[name] for name in required)
        assert found.gap is None


async def test_evidence_about_the_index_itself_stands_first() -> None:
    async with RegistrySimulator() as registry, Stored(registry, platforms="all") as stored:
        child = image(registry, AMD)
        digest = index(registry, child)
        raw = attested(registry, child)
        own = evidence(image=digest)
        attach(registry, own, image=digest)
        found = await stored.find(digest)
        assert [(one.raw, one.platform) for one in found.candidates] == [(own, None), (raw, child)]


async def test_one_statement_about_two_platforms_is_a_candidate_for_each() -> None:
    async with RegistrySimulator() as registry, Stored(registry, platforms="all") as stored:
        amd, arm = image(registry, AMD), image(registry, ARM)
        both = evidence(image=amd.digest)
        for child in (amd, arm):
            attach(registry, both, image=child.digest)
        found = await stored.find(index(registry, amd, arm))
        assert about(found) == {(both, amd), (both, arm)}


async def test_the_manifest_of_one_image_is_asked_for_nothing_more() -> None:
    async with RegistrySimulator() as registry, Stored(registry, platforms="all") as stored:
        assert await stored.find(image(registry, AMD).digest) == Found(())
        # The image, the tag `.att` and the fallback tag.
        assert registry.requests == {"manifest": 3, "referrers": 1}


async def test_an_image_that_is_not_in_the_registry_has_no_platforms() -> None:
    async with RegistrySimulator() as registry, Stored(registry, platforms="all") as stored:
        assert await stored.find() == Found(())


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"layers": []}, "the manifest is an index as well"),
        ({"manifests": "none"}, "the index lists no manifests"),
        ({"annotations": {"x": "x" * LIMITS.manifest_bytes}}, "bytes that are acceptable here"),
    ],
)
async def test_an_index_that_its_author_broke_is_told_and_is_no_failure(broken: dict[str, Any], said: str) -> None:
    # Otherwise whoever pushes images could choose "unavailable" where "missing" would be denied.
    async with RegistrySimulator() as registry, Stored(registry, platforms="any") as stored:
        child = image(registry, AMD)
        attested(registry, child)
        found = await stored.find(index(registry, child, **broken))
        assert (found.candidates, found.gap) == ((), None)
        assert found.remark is not None
        assert found.remark.endswith(said)


@pytest.mark.parametrize("broken", ["the index", "a platform"])
async def test_what_cannot_be_read_of_an_index_is_a_gap(broken: str) -> None:
    async with RegistrySimulator() as registry, Stored(registry, platforms="any") as stored:
        amd, arm = image(registry, AMD), image(registry, ARM)
        digest = index(registry, amd, arm)
        raw = attested(registry, amd)
        if broken == "the index":
            registry.manifests[PATH, digest] = (INDEX, b"{}")
        else:
            registry.faults["referrers"] += [status(404), status(404), status(403)]
        found = await stored.find(digest)
        assert isinstance(found.gap, UnavailableError)
        assert about(found) <= {(raw, amd)}


async def test_an_index_counts_towards_what_a_look_up_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "LIMITS", replace(LIMITS, registry_evidence_bytes=100))
    async with RegistrySimulator() as registry, Stored(registry, platforms="any") as stored:
        found = await stored.find(index(registry, image(registry, AMD)))
        assert (found.candidates, found.gap) == ((), None)
        assert found.remark is not None
        assert found.remark.endswith(f"registry {registry.host} holds larger manifests than are looked at")


async def test_a_failure_to_read_an_index_keeps_nothing_of_its_look_up() -> None:
    async with RegistrySimulator() as registry, Stored(registry, platforms="any") as stored:
        digest = index(registry, image(registry, AMD))
        registry.manifests[PATH, digest] = (INDEX, b"{}")
        gap = (await stored.find(digest)).gap
        assert gap is not None
        assert (gap.__traceback__, gap.__cause__, gap.__context__) == (None, None, None)


async def test_the_index_of_a_repository_that_may_not_be_asked_is_not_read() -> None:
    async with RegistrySimulator() as images, RegistrySimulator() as attestations:
        section = {"evidenceRepository": f"{attestations.host}/{PATH}", "platforms": "any"}
        async with Stored(images, attestations, allow=[f"{attestations.host}/*"], **section) as stored:
            digest = index(images, image(images, AMD))
            assert await stored.find(digest) == Found(())
            assert not images.seen


async def test_evidence_about_platforms_may_lie_in_the_evidence_repository() -> None:
    async with RegistrySimulator() as images, RegistrySimulator() as attestations:
        section = {"evidenceRepository": f"{attestations.host}/{PATH}", "platforms": "any"}
        async with Stored(images, attestations, **section) as stored:
            child = image(images, AMD)
            raw = attested(attestations, child)
            assert about(await stored.find(index(images, child))) == {(raw, child)}
