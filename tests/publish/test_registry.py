"""Pushing evidence: what lies in the registry afterwards, and what is said when it does not."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.publish.making import PATH, PATIENCE, QUICK, UNTIL, evidence, image, publisher, section
from tests.simulators.api_server import Fault
from tests.simulators.registry import MANIFEST, RegistrySimulator, digest_of
from tests.simulators.registry_faults import hangs, moved
from tests.simulators.registry_writes import RegistryWithWriters, answers_status
from tests.support.statements import OTHER_IMAGE, PREDICATE_TYPE
from webhook.attest.signing.signed import SignedEvidence
from webhook.limits import LIMITS
from webhook.publish.access import Pace
from webhook.publish.failure import PublishError
from webhook.publish.registry import Layout, Pushed
from webhook.stores.registry.reference import fallback_tag
from webhook.stores.registry.transport.failure import RegistryError
from webhook.stores.registry.transport.messages import Patience

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
IMAGE_MANIFEST = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
LAYOUTS = pytest.mark.parametrize("layout", Layout)


@pytest.fixture
async def registry() -> AsyncIterator[RegistryWithWriters]:
    """A registry with the referrers API."""
    async with RegistryWithWriters(referrers=True) as running:
        yield running


async def push(
    registry: RegistryWithWriters, signed: SignedEvidence | None = None, layout: Layout = Layout.REFERRER, **more: Any
) -> Pushed:
    """Pushes evidence about the image, which is there."""
    digest = registry.add_manifest(PATH, IMAGE_MANIFEST)
    patience = more.pop("patience", PATIENCE)
    pace = more.pop("pace", QUICK)
    async with publisher(section(registry.host, **more), pace, patience) as somebody:
        return await somebody.push(image(registry.host, digest), signed or evidence(digest), layout)


async def test_the_manifest_refers_to_the_image_and_holds_the_bundle(registry: RegistryWithWriters) -> None:
    digest = registry.add_manifest(PATH, IMAGE_MANIFEST)
    signed = evidence(digest)
    pushed = await push(registry, signed)
    raw = registry.manifests[PATH, pushed.digest][1]
    # Image specification 1.1, manifest.md; the annotations are cosign's.
    assert json.loads(raw) == {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2},
        "layers": [{"mediaType": BUNDLE, "digest": digest_of(signed.bundle), "size": len(signed.bundle)}],
        "subject": {
            "mediaType": MANIFEST,
            "digest": digest,
            "size": len(registry.manifests[PATH, digest][1]),
        },
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": PREDICATE_TYPE,
            "org.opencontainers.image.created": UNTIL,
        },
    }
    assert {registry.blobs[PATH, name] for name in (digest_of(b"{}"), digest_of(signed.bundle))} == {
        b"{}",
        signed.bundle,
    }


@pytest.mark.parametrize("announces", [True, False])
async def test_no_tag_is_written_where_the_registry_lists_by_itself(
    registry: RegistryWithWriters, *, announces: bool
) -> None:
    registry.announces = announces
    pushed = await push(registry)
    assert (pushed.tag, pushed.listed, registry.tags) == (None, 0, {})
    # Distribution specification 1.1, "Pushing Manifests with Subject": the header suffices.
    assert registry.requests["referrers"] == (0 if announces else 1)


async def test_a_subject_that_is_another_one_is_no_announcement(registry: RegistryWithWriters) -> None:
    registry.puts.append(answers_status(201, {"OCI-Subject": OTHER_IMAGE}))
    registry.referrers = False
    pushed = await push(registry)
    assert pushed.tag is not None
    assert [entry["digest"] for entry in registry.listing(PATH, pushed.tag)] == [pushed.digest]


async def test_the_fallback_tag_lists_the_manifest_with_its_type_and_annotations(
    registry: RegistryWithWriters,
) -> None:
    registry.referrers = False
    pushed = await push(registry)
    digest = registry.add_manifest(PATH, IMAGE_MANIFEST)
    raw = registry.manifests[PATH, pushed.digest][1]
    assert pushed.tag == fallback_tag(digest)
    assert registry.listing(PATH, pushed.tag) == [
        {
            "mediaType": MANIFEST,
            "digest": pushed.digest,
            "size": len(raw),
            "artifactType": BUNDLE,
            "annotations": json.loads(raw)["annotations"],
        }
    ]


async def test_a_registry_that_takes_evidence_and_does_not_list_it_is_no_success(
    registry: RegistryWithWriters,
) -> None:
    registry.puts.append(answers_status(201))
    with pytest.raises(RegistryError, match="took the evidence and does not list it"):
        await push(registry)


@LAYOUTS
async def test_evidence_goes_to_the_one_repository_for_evidence(
    registry: RegistryWithWriters, layout: Layout
) -> None:
    host = registry.host
    pushed = await push(registry, layout=layout, evidenceRepository=f"{host}/evidence")
    assert pushed.repository == f"{host}/evidence"
    assert not [path for path in registry.written() if PATH in path]


@LAYOUTS
async def test_an_image_that_is_not_there_gets_nothing(registry: RegistryWithWriters, layout: Layout) -> None:
    async with publisher(section(registry.host)) as somebody:
        with pytest.raises(RegistryError, match=f"has no image {OTHER_IMAGE} in {PATH}: push the image first"):
            await somebody.push(image(registry.host, OTHER_IMAGE), evidence(OTHER_IMAGE), layout)
    assert not registry.written() + registry.written("POST")


async def test_evidence_about_something_else_is_not_attached(registry: RegistryWithWriters) -> None:
    with pytest.raises(PublishError, match="the evidence is not about sha256:"):
        await push(registry, evidence(OTHER_IMAGE))
    assert not registry.seen


async def test_evidence_about_several_digests_is_attached_to_each(registry: RegistryWithWriters) -> None:
    digests = [registry.add_manifest(PATH, {**IMAGE_MANIFEST, "annotations": {"n": n}}) for n in ("1", "2")]
    signed = evidence(*digests)
    async with publisher(section(registry.host)) as somebody:
        pushed = [await somebody.push(image(registry.host, digest), signed) for digest in digests]
    subjects = [json.loads(registry.manifests[PATH, one.digest][1])["subject"]["digest"] for one in pushed]
    assert subjects == digests


async def test_evidence_without_a_bare_envelope_has_no_place_under_the_tag(registry: RegistryWithWriters) -> None:
    digest = registry.add_manifest(PATH, IMAGE_MANIFEST)
    signed = evidence(digest)
    keyless = SignedEvidence(signed.payload, signed.digests, None, signed.bundle)
    with pytest.raises(
        PublishError, match="signed without a key has no place in the layout `cosign`: use `referrer`"
    ):
        await push(registry, keyless, Layout.COSIGN)
    assert (await push(registry, keyless)).tag is None


async def test_a_repository_that_is_not_allowed_is_not_connected_to(registry: RegistryWithWriters) -> None:
    with pytest.raises(PublishError, match=r"shop/cart is not in stores\.registry\.allow"):
        await push(registry, allow=["registry.example.com/*"])
    assert not registry.seen


async def test_more_than_the_gate_looks_at_is_told(registry: RegistryWithWriters) -> None:
    registry.referrers = False
    digest = registry.add_manifest(PATH, IMAGE_MANIFEST)
    entries = [{"mediaType": MANIFEST, "digest": f"sha256:{n:064x}", "size": 1} for n in range(LIMITS.referrers)]
    registry.add_manifest(
        PATH,
        {"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries[1:]},
        fallback_tag(digest),
    )
    assert not (await push(registry)).too_many
    assert (await push(registry, evidence(digest, note="one more"))).too_many


FAILURES: dict[str, tuple[Fault, str]] = {
    "403": (answers_status(403), rf"does not let this account push to {PATH} \(403\)"),
    "401": (answers_status(401), rf"\(401\).*; log in with an account that may push to {PATH}"),
    "404": (answers_status(404), rf"knows no repository {PATH} that could be pushed to \(404\)"),
    "405": (answers_status(405), r"takes no pushes \(405\)"),
    "413": (answers_status(413), r"finds it too large \(413\)"),
    "400": (answers_status(400), r"does not accept it \(400\)"),
    "418": (answers_status(418), r"gave an answer that no registry gives \(418\)"),
    "429": (answers_status(429, {"Retry-After": "300"}), r"limits the rate of requests \(429\) and asks to wait for"),
    "redirect": (moved("http://127.0.0.1:1/"), r"sends what is pushed to another place \(307\)"),
    "silence": (hangs(), "hangs: nothing has come for too long"),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("where", ["uploads", "puts", "tag_puts"])
async def test_each_failure_has_a_sentence_of_its_own(
    registry: RegistryWithWriters, where: str, failure: str
) -> None:
    fault, sentence = FAILURES[failure]
    registry.referrers = False
    getattr(registry, where).extend([fault] * 3)
    with pytest.raises(RegistryError, match=sentence):
        await push(registry, patience=Patience(2.0, 0.2, 4.0))


@pytest.mark.parametrize("where", ["uploads", "puts", "tag_puts"])
@pytest.mark.parametrize("code", [429, 500, 503])
async def test_what_passes_is_waited_for(registry: RegistryWithWriters, where: str, code: int) -> None:
    registry.referrers = False
    getattr(registry, where).extend([answers_status(code, {"Retry-After": "0"})] * 2)
    pushed = await push(registry)
    assert pushed.tag is not None


async def test_a_failure_that_lasts_ends(registry: RegistryWithWriters) -> None:
    registry.puts.extend([answers_status(503)] * 100)
    with pytest.raises(RegistryError, match=r"has a failure of its own \(503\)"):
        await push(registry, pace=Pace(whole=20.0))


async def test_the_whole_takes_no_longer_than_it_may(registry: RegistryWithWriters) -> None:
    registry.uploads.append(hangs())
    with pytest.raises(RegistryError, match=r"took more than 0\.3 s; push again, it does no harm"):
        await push(registry, pace=Pace(whole=0.3))


LIES = ("http://evil.example.com{}", "//evil.example.com{}", "ftp://127.0.0.1{}", "http://[bad{}", "", "/a b")


@pytest.mark.parametrize("location", LIES)
async def test_an_upload_goes_to_no_other_place(registry: RegistryWithWriters, location: str) -> None:
    registry.location = location
    with pytest.raises(RegistryError, match=r"sends the upload to another host|does not say where the upload goes"):
        await push(registry)
    assert not registry.written()


async def test_another_port_of_the_same_host_gets_nothing_either(registry: RegistryWithWriters) -> None:
    async with RegistrySimulator() as other:
        # A registry behind a proxy often does not know its own port and scheme.
        registry.location = f"https://{other.host}{{}}?_state=a%2Fb%3D"
        await push(registry)
        assert not other.seen
    state = [path for path in registry.written() if "_state" in path]
    assert state
    assert all("?_state=a%2Fb%3D&digest=sha256:" in path for path in state)


@LAYOUTS
async def test_what_is_there_is_not_uploaded_again(registry: RegistryWithWriters, layout: Layout) -> None:
    await push(registry, layout=layout)
    before = len(registry.written("POST"))
    await push(registry, layout=layout)
    assert len(registry.written("POST")) == before


async def test_a_blob_that_lies_elsewhere_is_simply_uploaded(registry: RegistryWithWriters) -> None:
    registry.faults["blob"].append(moved("http://127.0.0.1:1/"))
    await push(registry)


async def test_nothing_is_left_running_after_the_end(registry: RegistryWithWriters) -> None:
    await push(registry)
    assert await registry.is_idle()
    assert len(asyncio.all_tasks()) <= 2
