"""Attestations are found in every layout, and what is broken hides none of them."""

import pytest

from tests.simulators.api_server import status
from tests.simulators.registry import INDEX, RegistrySimulator, digest_of
from tests.simulators.registry_faults import answers
from tests.stores.registry.attached import (
    ATT,
    DSSE,
    FALLBACK,
    SIGNER,
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
from tests.stores.registry.simulated import PATH
from tests.support.envelopes import BUNDLE_V03, bundle, dump, envelope
from tests.support.statements import IMAGE, OTHER_IMAGE, statement
from webhook.limits import LIMITS
from webhook.stores.registry.discovery.content import Relevance
from webhook.stores.registry.discovery.search import Discovery

BUNDLE = dump(bundle(envelope(statement(), [SIGNER])))
SHA512 = {"mediaType": DSSE, "digest": "sha512:" + "0" * 128, "size": 2}
LOST = {"mediaType": DSSE, "digest": OTHER_IMAGE, "size": 2}
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"


async def test_the_attestation_tag_of_cosign_is_read_layer_by_layer() -> None:
    async with RegistrySimulator() as registry:
        digest = attach_by_tag(registry, evidence("a"), evidence("b"))
        found = await discover(registry)
        assert raws(found) == {evidence("a"), evidence("b")}
        assert {sighting.uri for sighting in found.sightings} == {f"registry:{registry.host}/{PATH}@{digest}"}
        assert {sighting.digest for sighting in found.sightings} == {digest_of(raw) for raw in raws(found)}
        assert not found.gaps


@pytest.mark.parametrize(
    ("raw", "media_type", "artifact_type"),
    [
        (BUNDLE, BUNDLE_V03, BUNDLE_V03),
        (BUNDLE, BUNDLE_V03, EMPTY_TYPE),
        (evidence(), DSSE, DSSE),
        (evidence(), DSSE, "application/vnd.in-toto+json"),
        (evidence(), "application/vnd.in-toto+json", "application/x.test"),
        (evidence(), "application/vnd.oci.image.layer.v1.tar", "application/spdx+json"),
        (evidence(), "application/octet-stream", "application/vnd.unknown.artifact.v1"),
    ],
)
@pytest.mark.parametrize("referrers", [True, False], ids=["api", "fallback"])
async def test_a_referrer_is_opened_whatever_it_is_called(
    raw: bytes, media_type: str, artifact_type: str, *, referrers: bool
) -> None:
    async with RegistrySimulator(referrers=referrers) as registry:
        digest = attach(registry, raw, media_type, artifactType=artifact_type)
        if not referrers:
            fallback(registry, [listed(digest, artifactType=artifact_type)])
        found = await discover(registry)
        assert raws(found) == {raw}
        assert not found.gaps


async def test_a_list_of_several_pages_is_read_to_its_end() -> None:
    async with RegistrySimulator(page=3) as registry:
        attached = [evidence(str(number)) for number in range(10)]
        for raw in attached:
            attach(registry, raw)
        found = await discover(registry)
        assert raws(found) == set(attached)
        assert registry.requests["referrers"] == 4


async def test_all_layouts_are_read_at_once() -> None:
    async with RegistrySimulator() as registry:
        attach_by_tag(registry, evidence("tag"))
        attach(registry, evidence("api"))
        old = manifest(registry, [layer(registry, evidence("fallback"))])
        fallback(registry, [listed(old)])
        assert raws(await discover(registry)) == {evidence("tag"), evidence("api"), evidence("fallback")}


async def test_what_both_lists_name_is_opened_once() -> None:
    # go-containerregistry's registry makes oras write the fallback tag although it has the API.
    async with RegistrySimulator() as registry:
        digest = attach(registry, evidence())
        fallback(registry, [listed(digest), listed(digest)])
        assert len((await discover(registry)).sightings) == 1
        assert sum(seen.path.endswith(digest) for seen in registry.seen) == 1


async def test_the_same_bytes_in_two_manifests_are_one_sighting() -> None:
    async with RegistrySimulator() as registry:
        digests = [attach(registry, evidence(), note=note) for note in "abc"]
        (sighting,) = (await discover(registry)).sightings
        assert sighting.uri.endswith(min(digests))


async def test_where_nothing_is_attached_nothing_is_found() -> None:
    for referrers in (True, False):
        async with RegistrySimulator(referrers=referrers) as registry:
            assert await discover(registry) == Discovery(())


async def test_an_image_of_another_digest_has_nothing() -> None:
    async with RegistrySimulator() as registry:
        attach_by_tag(registry, evidence(image=OTHER_IMAGE), image=OTHER_IMAGE)
        attach(registry, evidence(image=OTHER_IMAGE), image=OTHER_IMAGE)
        assert await discover(registry) == Discovery(())


async def test_statements_about_the_image_come_before_those_about_others() -> None:
    async with RegistrySimulator() as registry:
        attach_by_tag(registry, *(evidence(str(n), OTHER_IMAGE) for n in range(3)), evidence("ours"))
        found = (await discover(registry)).sightings
        assert [sighting.relevance for sighting in found] == [Relevance.ABOUT_THE_IMAGE] + [Relevance.CLAIMS] * 3


async def test_the_order_of_what_is_found_does_not_depend_on_the_registrys() -> None:
    orders = []
    for names in ("abc", "cab"):
        async with RegistrySimulator() as registry:
            for name in names:
                attach(registry, evidence(name))
            orders.append([sighting.raw for sighting in (await discover(registry)).sightings])
    assert orders[0] == orders[1]


@pytest.mark.parametrize("operation", ["manifest", "blob"])
async def test_one_broken_referrer_does_not_hide_the_good_ones(operation: str) -> None:
    async with RegistrySimulator() as registry:
        good, bad = evidence("good"), evidence("bad")
        attach(registry, good)
        digest = attach(registry, bad)
        if operation == "manifest":
            registry.manifests[PATH, digest] = (INDEX, registry.manifests[PATH, digest][1] + b" ")
        else:
            registry.blobs[PATH, digest_of(bad)] = b"{}"
        found = await discover(registry)
        assert raws(found) == {good}
        assert gaps(found) == [
            f"registry {registry.host} gave other bytes than those of the digest that was asked for"
        ]


async def test_a_list_that_breaks_off_does_not_hide_what_was_read_before() -> None:
    async with RegistrySimulator() as registry:
        attach(registry, evidence("a"))
        (entry,) = [listed(digest) for _, digest in registry.manifests]
        attach(registry, evidence("b"))
        headers = {"Content-Type": INDEX, "Link": f'</v2/{PATH}/referrers/{IMAGE}?begin=1>; rel="next"'}
        registry.faults["referrers"] += [answers(dump({"manifests": [entry]}), headers), status(403)]
        found = await discover(registry)
        assert raws(found) == {evidence("a")}
        assert len(found.gaps) == 1


@pytest.mark.parametrize("operation", ["referrers", "manifest"])
async def test_one_layout_that_cannot_be_asked_for_hides_no_other(operation: str) -> None:
    async with RegistrySimulator() as registry:
        attach_by_tag(registry, evidence())
        attach(registry, evidence())
        registry.faults[operation].append(status(403))
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert len(found.gaps) == 1


async def test_a_referrer_that_was_deleted_is_no_gap() -> None:
    async with RegistrySimulator(referrers=False) as registry:
        fallback(registry, [listed(OTHER_IMAGE), listed(manifest(registry, [layer(registry, evidence())]))])
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert not found.gaps


@pytest.mark.parametrize("tag", [ATT, FALLBACK])
async def test_a_tag_that_answers_with_a_page_is_a_gap_and_hides_nothing(tag: str) -> None:
    async with RegistrySimulator(referrers=False) as registry:
        attach_by_tag(registry, evidence())
        fallback(registry, [listed(registry.tags[PATH, ATT])])
        put(registry, tag, b"<html>log in</html>")
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert gaps(found) == [f"registry {registry.host} answers with something that is no manifest"]


def put(registry: RegistrySimulator, tag: str, body: bytes) -> None:
    """Puts any bytes at a tag."""
    registry.tags[PATH, tag] = digest_of(body)
    registry.manifests[PATH, digest_of(body)] = ("application/json", body)


BROKEN = "holds a manifest that cannot be read"
ODD = {
    "no JSON": (ATT, b'{"layers": [', BROKEN),
    "a name twice": (ATT, b'{"layers": [], "layers": []}', BROKEN),
    "a broken layer": (ATT, b'{"layers": [{}]}', f"{BROKEN} as a whole"),
    "a layer of another hash": (ATT, dump({"layers": [SHA512]}), f"{BROKEN} as a whole"),
    "no list": (FALLBACK, b'{"layers": []}', BROKEN),
    "a broken referrer": (FALLBACK, b'{"manifests": ["x"]}', f"{BROKEN} as a whole"),
    "a lost layer": (ATT, dump({"layers": [LOST]}), "lacks a part of what is attached to this image"),
}


@pytest.mark.parametrize("case", ODD)
async def test_what_is_broken_by_whoever_pushed_it_is_an_oddity_and_hides_nothing(case: str) -> None:
    # A gap would let them choose "unavailable" where "missing" would be denied.
    tag, body, said = ODD[case]
    async with RegistrySimulator(referrers=False) as registry:
        attach_by_tag(registry, evidence())
        fallback(registry, [listed(registry.tags[PATH, ATT])])
        put(registry, tag, body)
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert gaps(found) == []
        assert oddities(found) == [f"registry {registry.host} {said}"]


@pytest.mark.parametrize("size", [-1, 1])
async def test_a_layer_whose_size_is_wrong_is_no_gap(size: int) -> None:
    async with RegistrySimulator() as registry:
        layers = [layer(registry, evidence()), layer(registry, evidence("lie"))]
        layers[1]["size"] += size
        manifest(registry, layers, subject=IMAGE)
        found = await discover(registry)
        assert evidence() in raws(found)
        assert gaps(found) == []


async def test_a_listed_referrer_that_cannot_be_read_is_no_gap() -> None:
    async with RegistrySimulator() as registry:
        attach(registry, evidence())
        (entry,) = [listed(digest) for _, digest in registry.manifests]
        registry.faults["referrers"].append(answers(dump({"manifests": [entry, SHA512]}), {"Content-Type": INDEX}))
        found = await discover(registry)
        assert raws(found) == {evidence()}
        assert gaps(found) == []
        assert len(oddities(found)) == 1


@pytest.mark.parametrize("size", [1, 64 * 1024, LIMITS.envelope_bytes // 2])
async def test_statements_of_every_size_are_read(size: int) -> None:
    # What is large is read in a thread.
    async with RegistrySimulator() as registry:
        large = evidence("x" * size)
        attach(registry, large)
        attach_by_tag(registry, large)
        assert raws(await discover(registry)) == {large}
