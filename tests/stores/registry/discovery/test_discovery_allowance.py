"""Manifests count towards what one look-up may fetch, and what is too much is an oddity that hides nothing else."""

import asyncio
from dataclasses import replace

import pytest

from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.attached import (
    ATT,
    FALLBACK,
    attach,
    attach_by_tag,
    discover,
    evidence,
    fallback,
    gaps,
    layer,
    listed,
    manifest,
    oddities,
    raws,
)
from tests.stores.registry.simulated import NOBODY, PATH, Client, at, plain
from tests.support.statements import IMAGE
from webhook.limits import LIMITS
from webhook.stores.registry.discovery import place
from webhook.stores.registry.discovery.place import Allowance, Place

LARGE = LIMITS.manifest_bytes - 1024
"""Of a text in a manifest; a registry takes it yet, and a look-up reads two."""


async def test_of_large_manifests_only_so_many_are_fetched_as_a_look_up_may_hold() -> None:
    assert 2 * LARGE < LIMITS.registry_evidence_bytes < 3 * LARGE
    async with RegistrySimulator() as registry:
        attach(registry, evidence())
        for number in range(5):
            manifest(registry, [], subject=IMAGE, note=f"{number}" + "x" * LARGE)
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert gaps(found) == []
        assert oddities(found) == [f"registry {registry.host} holds more that may be evidence than is looked at"]
        # Two tags that are not there, the evidence, and two of the five.
        assert registry.requests["manifest"] == 5


@pytest.mark.parametrize("tag", [ATT, FALLBACK])
async def test_a_manifest_behind_a_tag_that_is_more_than_is_left_is_not_read(
    tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "LIMITS", replace(LIMITS, registry_evidence_bytes=8192))
    async with RegistrySimulator() as registry:
        attach(registry, evidence("referrer"))
        digest = manifest(registry, [layer(registry, evidence("tag"))], note="x" * 8192)
        entry = {"mediaType": "application/json", "digest": digest, "size": 10_000, "note": "x" * 8192}
        if tag == ATT:
            registry.tags[PATH, ATT] = digest
        else:
            fallback(registry, [entry])
        found = await discover(registry)
        assert raws(found) == {evidence("referrer")}
        assert gaps(found) == []
        assert oddities(found) == [f"registry {registry.host} holds larger manifests than are looked at"]


async def test_a_manifest_larger_than_its_list_says_is_an_oddity() -> None:
    async with RegistrySimulator(referrers=False) as registry:
        small = manifest(registry, [layer(registry, evidence("small"))])
        large = manifest(registry, [layer(registry, evidence("large"))], note="x" * 500)
        size = len(registry.manifests[PATH, small][1])
        fallback(registry, [listed(small, size=size), listed(large, size=size)])
        found = await discover(registry)
        assert raws(found) == {evidence("small")}
        assert gaps(found) == []
        said = f"sends more than the {size} bytes that are acceptable here"
        assert oddities(found) == [f"registry {registry.host} {said}"]


async def test_layers_get_what_the_manifests_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RegistrySimulator() as registry:
        digest = attach_by_tag(registry, evidence())
        whole = len(registry.manifests[PATH, digest][1]) + len(evidence())
        for most, expected in [(whole, {evidence()}), (whole - 1, set())]:
            monkeypatch.setattr(place, "LIMITS", replace(LIMITS, registry_evidence_bytes=most))
            assert raws(await discover(registry)) == expected


async def test_a_manifest_counts_as_a_request_until_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # Otherwise any number of them would wait for the thread that reads them.
    monkeypatch.setattr(place, "LIMITS", replace(LIMITS, registry_calls=1))
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        digest = attach(registry, evidence())
        async with Allowance(asyncio.Semaphore(1)) as allowance:
            async with Place(asker.client, at(registry), NOBODY, allowance).manifest(digest):
                assert allowance.calls.locked()
            assert not allowance.calls.locked()
