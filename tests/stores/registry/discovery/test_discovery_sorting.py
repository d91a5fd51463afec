"""What is something else neither costs a request nor hides evidence, nor does what is too much."""

from dataclasses import replace
from typing import Any

import pytest

from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.attached import (
    ATT,
    DSSE,
    OURS,
    SPDX,
    attach,
    attach_by_tag,
    discover,
    evidence,
    fallback,
    layer,
    listed,
    manifest,
    oddities,
    raws,
    sbom,
)
from tests.support.envelopes import BUNDLE_V03, dump
from webhook.limits import LIMITS
from webhook.stores.registry.discovery import place
from webhook.stores.registry.discovery.search import Discovery


async def test_sboms_and_signatures_are_not_found() -> None:
    async with RegistrySimulator() as registry:
        attach_by_tag(registry, sbom("a"), evidence())
        attach(registry, sbom("b"), BUNDLE_V03)
        attach(registry, dump({"mediaType": BUNDLE_V03, "messageSignature": {}}), BUNDLE_V03)
        attach(registry, b"{}", "application/vnd.cyclonedx+json")
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert not found.gaps


async def test_what_is_called_something_else_is_not_fetched() -> None:
    async with RegistrySimulator() as registry:
        layers = [
            layer(registry, raw, DSSE, {"predicateType": kind}) for raw, kind in [(sbom(), SPDX), (evidence(), OURS)]
        ]
        manifest(registry, layers, tag=ATT)
        sign = {"dev.sigstore.bundle.content": "message-signature"}
        attach(registry, b"signature", BUNDLE_V03, annotations=sign)
        attach(registry, sbom("bundle"), BUNDLE_V03, annotations={"dev.sigstore.bundle.predicateType": SPDX})
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert registry.requests == {"manifest": 2, "referrers": 1, "blob": 1}


async def test_a_fallback_list_without_annotations_is_sorted_by_the_manifests() -> None:
    # cosign 3 leaves the annotations out of the list that it writes (cosign issue 4641).
    async with RegistrySimulator(referrers=False) as registry:
        annotations = {"dev.sigstore.bundle.predicateType": SPDX}
        digest = attach(registry, sbom(), BUNDLE_V03, annotations=annotations)
        fallback(registry, [listed(digest, size=1000)])
        assert await discover(registry) == Discovery(())
        assert registry.requests["blob"] == 0


async def test_more_sboms_than_are_looked_at_do_not_crowd_evidence_out() -> None:
    async with RegistrySimulator(page=1000) as registry:
        said = {"dev.sigstore.bundle.predicateType": SPDX}
        for number in range(2 * LIMITS.referrers):
            attach(registry, b"{}", BUNDLE_V03, annotations=said | {"number": str(number)})
        attach(registry, evidence())
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert not found.gaps


async def test_what_is_called_evidence_is_opened_before_what_says_nothing() -> None:
    async with RegistrySimulator(page=1000) as registry:
        for number in range(LIMITS.referrers):
            attach(registry, b"{}", note=number)
        attach(registry, evidence(), annotations={"dev.sigstore.bundle.predicateType": OURS})
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert oddities(found) == [
            f"registry {registry.host} lists more than {LIMITS.referrers} things that may be evidence"
        ]
        # And the two tags.
        assert registry.requests["manifest"] == LIMITS.referrers + 2


async def test_an_sbom_too_large_for_evidence_is_neither_fetched_nor_a_gap() -> None:
    async with RegistrySimulator() as registry:
        large: dict[str, Any] = layer(registry, b"x") | {"size": LIMITS.envelope_bytes + 1}
        manifest(registry, [large, layer(registry, evidence())], tag=ATT)
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert not found.gaps


async def test_more_layers_than_are_looked_at_are_not_hidden() -> None:
    async with RegistrySimulator() as registry:
        attach_by_tag(registry, *(evidence(str(number)) for number in range(LIMITS.candidates + 1)))
        found = await discover(registry)
        assert len(found.sightings) == LIMITS.candidates
        assert len(found.oddities) == 1


async def test_more_bytes_than_are_fetched_are_not_hidden() -> None:
    async with RegistrySimulator() as registry:
        size = LIMITS.envelope_bytes
        large = [layer(registry, b"%d" % number) | {"size": size} for number in range(5)]
        manifest(registry, [*large, layer(registry, evidence())], tag=ATT)
        found = await discover(registry)
        assert raws(found) == {evidence()}
        looked_at = registry.requests["blob"] - 1
        assert looked_at * size <= LIMITS.registry_evidence_bytes < (looked_at + 2) * size
        assert "holds more that may be evidence than is looked at" in "".join(oddities(found))


async def test_requests_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "LIMITS", replace(LIMITS, registry_calls=1))
    async with RegistrySimulator() as registry:
        for number in range(20):
            attach(registry, evidence(str(number)))
        assert len((await discover(registry)).sightings) == 20
        assert registry.connections == 1


async def test_a_list_without_end_is_an_oddity_and_what_was_read_of_it_counts() -> None:
    async with RegistrySimulator(page=1) as registry:
        for number in range(LIMITS.referrer_pages + 1):
            attach(registry, evidence(str(number)))
        found = await discover(registry)
        assert len(found.sightings) == LIMITS.referrer_pages
        assert not found.gaps
        assert len(found.oddities) == 1


async def test_a_manifest_larger_than_any_registry_takes_is_an_oddity() -> None:
    async with RegistrySimulator() as registry:
        attach(registry, evidence())
        manifest(registry, [], tag=ATT, note="x" * LIMITS.manifest_bytes)
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert not found.gaps
        assert len(found.oddities) == 1
