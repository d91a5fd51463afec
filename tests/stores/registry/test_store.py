"""What the registry store asks, what it never asks, and what it makes of the answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.simulators.api_server import late, status
from tests.simulators.registry import INDEX, RegistrySimulator, digest_of
from tests.simulators.registry_faults import answers
from tests.stores.registry.attached import attach, attach_by_tag, evidence, fallback, layer, listed, manifest, sbom
from tests.stores.registry.simulated import PATH
from tests.stores.registry.stored import LOCKED, Stored
from tests.support.statements import IMAGE, OTHER_IMAGE
from webhook.limits import LIMITS
from webhook.stores.protocol import Candidate, Found
from webhook.stores.registry import store
from webhook.stores.registry.store import RegistryStore


def raws(found: Found) -> list[bytes]:
    return [candidate.raw for candidate in found.candidates]


async def test_what_lies_beside_an_image_is_given_with_its_digest_and_place() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        digest = attach_by_tag(registry, evidence())
        uri = f"registry:{registry.host}/{PATH}@{digest}"
        assert await stored.find() == Found((Candidate(evidence(), digest_of(evidence()), uri),))


async def test_an_image_without_attestations_has_no_candidates_and_no_gap() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, sbom())
        assert await stored.find() == Found(())
        assert await stored.find(OTHER_IMAGE) == Found(())


async def test_a_failure_is_a_gap_beside_what_was_found() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach_by_tag(registry, evidence())
        registry.faults["referrers"].append(status(403))
        found = await stored.find()
        assert raws(found) == [evidence()]
        assert found.gap is not None
        assert registry.host in found.gap.detail


async def test_of_several_failures_the_one_to_be_waited_for_longest_is_told() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        registry.faults["referrers"].append(status(429, {"Retry-After": "60"}))
        registry.faults["manifest"].append(status(403))
        gap = (await stored.find()).gap
        assert gap is not None
        assert "asks to wait for 60 s" in gap.detail


@pytest.mark.parametrize("repository", ["evil.{host}/shop/cart", "evil.example/shop/cart", "{host}/other/cart"])
async def test_a_repository_that_is_not_allowed_is_missing_and_never_asked(repository: str) -> None:
    async with RegistrySimulator() as registry, Stored(registry, allow=[f"{registry.host}/shop/*"]) as stored:
        attach(registry, evidence())
        name = repository.format(host=registry.host)
        found = await stored.find(repository=name)
        assert found == Found((), remark=f"{name} is not in stores.registry.allow, so it is not asked")
        assert not registry.seen


@pytest.mark.parametrize(
    "repository", [None, "", "redis", "docker.io/redis", "{host}/shop/cart:1", "https://{host}/x"]
)
async def test_without_a_repository_nothing_is_known(repository: str | None) -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        name = None if repository is None else repository.format(host=registry.host) or "/"
        found = await stored.find(repository=name)
        assert found.candidates == ()
        assert found.gap is not None
        assert not registry.seen


async def test_without_the_pull_secrets_nothing_is_asked_and_nothing_is_known() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        found = await stored.find(pull=LOCKED)
        assert found.gap is not None
        assert found.gap.detail == "the pull secrets cannot be read"
        assert not registry.seen


async def test_the_evidence_repository_is_asked_instead_of_the_images_own() -> None:
    async with RegistrySimulator() as images, RegistrySimulator() as attestations:
        section = {"evidenceRepository": f"{attestations.host}/{PATH}"}
        async with Stored(images, attestations, **section, allow=["registry.example.com/*"]) as stored:
            attach(attestations, evidence())
            for repository in (f"{images.host}/{PATH}", "registry.example.com/shop/cart", None):
                assert raws(await stored.find(repository=repository)) == [evidence()]
            assert not images.seen


@asynccontextmanager
async def mirrored() -> AsyncIterator[tuple[RegistrySimulator, RegistrySimulator, Stored]]:
    """A registry, its mirror, and a store that knows both."""
    async with (
        RegistrySimulator() as own,
        RegistrySimulator() as mirror,
        Stored(own, mirror, mirrors={own.host: [mirror.host]}) as stored,
    ):
        yield own, mirror, stored


async def test_mirrors_are_asked_besides() -> None:
    async with mirrored() as (own, mirror, stored):
        attach(own, evidence("own"))
        attach(mirror, evidence("mirror"))
        assert set(raws(await stored.find())) == {evidence("own"), evidence("mirror")}


async def test_the_same_statement_in_a_mirror_is_one_candidate() -> None:
    async with mirrored() as (own, mirror, stored):
        attach(own, evidence())
        attach(mirror, evidence())
        (candidate,) = (await stored.find()).candidates
        assert candidate.uri.startswith(f"registry:{own.host}/")


@pytest.mark.parametrize("broken", ["own", "mirror"])
async def test_an_empty_mirror_proves_nothing_and_a_broken_one_is_a_gap(broken: str) -> None:
    async with mirrored() as (own, mirror, stored):
        assert (await stored.find()).gap is None
        (own if broken == "own" else mirror).faults["referrers"].append(status(403))
        stored.now += 1
        assert (await stored.find(max_age=0)).gap is not None


async def test_of_more_statements_than_are_looked_at_those_about_the_image_stay() -> None:
    async with mirrored() as (own, mirror, stored):
        attach_by_tag(own, *(evidence(str(number), OTHER_IMAGE) for number in range(LIMITS.candidates)))
        attach(mirror, evidence())
        found = await stored.find()
        assert found.candidates[0].raw == evidence()
        assert len(found.candidates) == LIMITS.candidates
        assert found.gap is None
        assert found.remark is not None


async def test_what_is_odd_about_what_lies_there_is_told() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        manifest(registry, [{"mediaType": "application/json", "size": 1}], subject=IMAGE)
        found = await stored.find()
        assert (found.candidates, found.gap) == ((), None)
        said = f"registry {registry.host} holds a manifest that cannot be read as a whole"
        assert found.remark == f"no statement about this digest; {said}"


@pytest.mark.parametrize("slow", ["manifest", "referrers"])
async def test_of_several_oddities_always_the_same_is_told(slow: str) -> None:
    odd = {"manifest": b'{"layers": [1]}', "referrers": b'{"manifests": [1]}'}
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        for operation, body in odd.items():
            fault = answers(body, {"Content-Type": INDEX})
            registry.faults[operation].append(late(0.05, fault) if operation == slow else fault)
        remark = (await stored.find()).remark
        assert remark is not None
        assert remark.endswith("holds a manifest that cannot be read as a whole")


async def test_heavy_look_ups_wait_for_one_another_and_light_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIMITS", replace(LIMITS, registry_heavy_look_ups=0))
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, evidence("x" * LIMITS.registry_light_bytes))
        attach(registry, evidence(image=OTHER_IMAGE), image=OTHER_IMAGE)
        waiting = asyncio.create_task(stored.find())
        assert (await stored.find(OTHER_IMAGE)).candidates
        assert not waiting.done()
        stored.store._heavy.release()
        assert (await waiting).candidates


async def test_the_store_as_a_whole_has_no_gap() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        registry.faults["manifest"].append(status(403))
        await stored.find()
        assert stored.store.gap() is None
        assert (RegistryStore.name, RegistryStore.remote) == ("registry", True)


async def test_a_fallback_list_may_name_what_is_attached_to_another_image() -> None:
    # Whoever may push can list anything there; that it is about another image is told, and it does not count.
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        fallback(registry, [listed(manifest(registry, [layer(registry, evidence(image=OTHER_IMAGE))]))])
        found = await stored.find(IMAGE)
        assert raws(found) == [evidence(image=OTHER_IMAGE)]
