"""Which requests a look-up takes; docs/registry.md has the table."""

import base64
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulators.registry import RegistrySimulator, digest_of
from tests.stores.registry.attached import (
    TYPES,
    attach,
    attach_by_tag,
    discover,
    evidence,
    fallback,
    layer,
    listed,
    manifest,
    raws,
)
from tests.stores.registry.simulated import PATH
from tests.support.statements import IMAGE, OTHER_IMAGE
from webhook.limits import LIMITS
from webhook.stores.registry.discovery import discovery
from webhook.stores.registry.discovery.discovery import Discoverer


async def test_the_first_look_up_in_a_registry_asks_for_all_layouts() -> None:
    async with RegistrySimulator() as registry:
        await discover(registry)
        assert registry.requests == {"manifest": 2, "referrers": 1}


async def test_where_the_api_answered_the_fallback_is_asked_for_only_if_the_list_is_empty() -> None:
    async with RegistrySimulator() as registry:
        discoverer = Discoverer(TYPES)
        await discover(registry, discoverer)
        registry.seen.clear()
        fallback(registry, [listed(manifest(registry, [layer(registry, evidence("old"))]))])
        assert raws(await discover(registry, discoverer)) == {evidence("old")}
        attach(registry, evidence("new"))
        registry.seen.clear()
        assert raws(await discover(registry, discoverer)) == {evidence("new")}
        assert registry.requests == {"manifest": 2, "referrers": 1, "blob": 1}


async def test_a_registry_that_has_lost_the_api_is_read_by_its_fallback() -> None:
    async with RegistrySimulator() as registry:
        discoverer = Discoverer(TYPES)
        await discover(registry, discoverer)
        registry.referrers = False
        fallback(registry, [listed(manifest(registry, [layer(registry, evidence())]))])
        assert raws(await discover(registry, discoverer)) == {evidence()}


async def test_statements_embedded_in_their_manifest_take_no_request() -> None:
    async with RegistrySimulator() as registry:
        embedded = layer(registry, evidence()) | {"data": base64.b64encode(evidence()).decode()}
        manifest(registry, [embedded], subject=IMAGE)
        assert raws(await discover(registry)) == {evidence()}
        assert registry.requests["blob"] == 0


def attach_by_fallback(registry: RegistrySimulator, raw: bytes, image: str = IMAGE) -> str:
    digest = manifest(registry, [layer(registry, raw)])
    fallback(registry, [listed(digest)], image.replace(":", "-"))
    return digest


Attach = Callable[[RegistrySimulator, bytes, str], str]
LAYOUTS: dict[str, Attach] = {
    "tag": lambda registry, raw, image: attach_by_tag(registry, raw, image=image),
    "referrers": lambda registry, raw, image: attach(registry, raw, image=image),
    "fallback": attach_by_fallback,
}
CALLS = {
    "tag": {"manifest": 1, "blob": 1},
    "referrers": {"referrers": 1, "manifest": 1, "blob": 1},
    "fallback": {"manifest": 2, "blob": 1},
}


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_in_a_layout_that_the_repository_is_known_for_nothing_else_is_asked_for(layout: str) -> None:
    async with RegistrySimulator(referrers=layout != "fallback") as registry:
        discoverer = Discoverer(TYPES)
        LAYOUTS[layout](registry, evidence(image=OTHER_IMAGE), OTHER_IMAGE)
        LAYOUTS[layout](registry, evidence(), IMAGE)
        assert (await discover(registry, discoverer, OTHER_IMAGE)).whole
        registry.seen.clear()
        found = await discover(registry, discoverer, hasty=True)
        assert raws(found) == {evidence()}
        assert not found.whole
        assert registry.requests == CALLS[layout]


@pytest.mark.parametrize("habit", LAYOUTS)
@pytest.mark.parametrize("layout", LAYOUTS)
async def test_where_the_known_layout_has_nothing_the_others_are_read_and_none_twice(habit: str, layout: str) -> None:
    async with RegistrySimulator() as registry:
        discoverer = Discoverer(TYPES)
        LAYOUTS[habit](registry, evidence(image=OTHER_IMAGE), OTHER_IMAGE)
        await discover(registry, discoverer, OTHER_IMAGE)
        LAYOUTS[layout](registry, evidence(), IMAGE)
        registry.seen.clear()
        assert raws(await discover(registry, discoverer, hasty=True)) == {evidence()}
        assert all(count == 1 for count in Counter(seen.path for seen in registry.seen).values())
        registry.seen.clear()
        assert (await discover(registry, discoverer, hasty=True)).whole is False
        assert registry.requests == CALLS[layout]


async def test_who_wants_all_gets_all_whatever_the_repository_is_known_for() -> None:
    async with RegistrySimulator() as registry:
        discoverer = Discoverer(TYPES)
        attach_by_tag(registry, evidence("tag"))
        attach(registry, evidence("referrer"))
        await discover(registry, discoverer)
        assert raws(await discover(registry, discoverer, hasty=True)) == {evidence("tag")}
        assert raws(await discover(registry, discoverer)) == {evidence("tag"), evidence("referrer")}


async def test_haste_ends_where_the_known_layout_has_only_other_images() -> None:
    async with RegistrySimulator() as registry:
        discoverer = Discoverer(TYPES)
        attach_by_tag(registry, evidence(image=OTHER_IMAGE), image=OTHER_IMAGE)
        await discover(registry, discoverer, OTHER_IMAGE)
        attach_by_tag(registry, evidence(image=OTHER_IMAGE))
        attach(registry, evidence())
        found = await discover(registry, discoverer, hasty=True)
        assert found.whole
        assert evidence() in raws(found)


async def test_haste_ends_where_the_known_layout_cannot_be_read_as_a_whole() -> None:
    async with RegistrySimulator() as registry:
        discoverer = Discoverer(TYPES)
        attach_by_tag(registry, evidence(image=OTHER_IMAGE), image=OTHER_IMAGE)
        await discover(registry, discoverer, OTHER_IMAGE)
        attach_by_tag(registry, evidence("tag"), evidence("broken"))
        attach(registry, evidence("referrer"))
        registry.blobs[PATH, digest_of(evidence("broken"))] = b"{}"
        found = await discover(registry, discoverer, hasty=True)
        assert found.whole
        assert raws(found) == {evidence("tag"), evidence("referrer")}


async def test_where_there_is_no_api_a_known_fallback_is_not_read_twice() -> None:
    async with RegistrySimulator(referrers=False) as registry:
        discoverer = Discoverer(TYPES)
        attach_by_fallback(registry, evidence(image=OTHER_IMAGE), OTHER_IMAGE)
        await discover(registry, discoverer, OTHER_IMAGE)
        attach_by_tag(registry, evidence())
        registry.seen.clear()
        assert raws(await discover(registry, discoverer, hasty=True)) == {evidence()}
        assert registry.requests == {"manifest": 2, "referrers": 1, "blob": 1}


async def test_only_so_many_repositories_and_registries_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "LIMITS", replace(LIMITS, registry_habits=2, registry_hosts=1))
    discoverer = Discoverer(TYPES)
    async with RegistrySimulator() as first, RegistrySimulator() as second:
        for registry in (first, second):
            attach_by_tag(registry, evidence())
            await discover(registry, discoverer)
        assert discoverer._with_api == {first.host}
        await discover(first, discoverer)
        discoverer._learn("registry.example.com/shop/cart", await discover(first))
        assert list(discoverer._habits) == [f"{first.host}/{PATH}", "registry.example.com/shop/cart"]
