"""Pushing evidence: what lies in the registry afterwards, and what is said when it does not."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.publish.making import IMAGE_MANIFEST, PATH, UNTIL, evidence, image, publisher, push, section
from tests.simulators.registry import MANIFEST, digest_of
from tests.simulators.registry_faults import answers
from tests.simulators.registry_writes import RegistryWithWriters, answers_status
from tests.support.statements import OTHER_IMAGE, PREDICATE_TYPE
from webhook.attest.signing.signed import SignedEvidence
from webhook.limits import LIMITS
from webhook.publish.access import Pace
from webhook.publish.failure import PublishError
from webhook.publish.registry import Layout
from webhook.stores.registry.reference import fallback_tag
from webhook.stores.registry.transport.failure import RegistryError

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"

LAYOUTS = pytest.mark.parametrize("layout", Layout)


@pytest.fixture
async def registry() -> AsyncIterator[RegistryWithWriters]:
    """A registry with the referrers API."""
    async with RegistryWithWriters(referrers=True) as running:
        yield running


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


async def test_a_registry_may_take_a_moment_to_list_what_it_took(registry: RegistryWithWriters) -> None:
    registry.announces = False
    empty = b'{"schemaVersion": 2, "manifests": []}'
    registry.faults["referrers"].append(answers(empty, {"Content-Type": "application/vnd.oci.image.index.v1+json"}))
    pushed = await push(registry, pace=Pace(whole=10.0, listing=5.0))
    assert (pushed.tag, registry.requests["referrers"]) == (None, 2)


async def test_what_others_have_spoilt_in_the_list_does_not_hide_ours(registry: RegistryWithWriters) -> None:
    registry.announces = False
    digest = registry.add_manifest(PATH, IMAGE_MANIFEST)
    spoilt = {"mediaType": MANIFEST, "subject": {"digest": digest}, "annotations": {"x": 1}}
    registry.add_manifest(PATH, spoilt)
    assert (await push(registry)).tag is None


@LAYOUTS
async def test_evidence_goes_to_the_one_repository_for_evidence(
    registry: RegistryWithWriters, layout: Layout
) -> None:
    host = registry.host
    pushed = await push(registry, layout=layout, evidenceRepository=f"{host}/evidence")
    assert pushed.repository == f"{host}/evidence"
    assert not [path for path in registry.written() if PATH in path]


SUBJECTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


@pytest.mark.parametrize("says", ["both", "registry", "manifest"])
@pytest.mark.parametrize("kind", SUBJECTS)
async def test_the_subject_is_called_what_it_is(registry: RegistryWithWriters, kind: str, says: str) -> None:
    own = {} if says == "registry" else {"mediaType": kind}
    digest = registry.add_manifest(PATH, {"schemaVersion": 2, "layers": [], **own})
    raw = registry.manifests[PATH, digest][1]
    registry.manifests[PATH, digest] = ("application/json" if says == "manifest" else kind, raw)
    async with publisher(section(registry.host)) as somebody:
        pushed = await somebody.push(image(registry.host, digest), evidence(digest))
    subject = json.loads(registry.manifests[PATH, pushed.digest][1])["subject"]
    assert subject == {"mediaType": kind, "digest": digest, "size": len(raw)}


NO_SUBJECTS = (
    (SUBJECTS[1], b'{"mediaType": "application/vnd.oci.image.manifest.v1+json"}'),
    ("text/html", b"{}"),
    (SUBJECTS[0], b"<html>"),
    (SUBJECTS[0], b"[]"),
)


@pytest.mark.parametrize(("said", "raw"), NO_SUBJECTS)
async def test_what_is_no_image_or_is_called_two_things_gets_nothing(
    registry: RegistryWithWriters, said: str, raw: bytes
) -> None:
    digest = digest_of(raw)
    registry.manifests[PATH, digest] = (said, raw)
    async with publisher(section(registry.host)) as somebody:
        with pytest.raises(RegistryError, match="is neither an image nor an index"):
            await somebody.push(image(registry.host, digest), evidence(digest))
    assert not registry.written() + registry.written("POST")


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


@pytest.mark.parametrize("elsewhere", [{}, {"evidenceRepository": "registry.example.com/evidence"}], ids=str)
async def test_a_repository_that_is_not_allowed_is_not_connected_to(
    registry: RegistryWithWriters, elsewhere: dict[str, Any]
) -> None:
    with pytest.raises(PublishError, match=r"shop/cart is not in stores\.registry\.allow"):
        await push(registry, allow=["registry.example.com/*"], **elsewhere)
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


async def test_pull_secrets_of_pods_are_no_login_for_pushing(registry: RegistryWithWriters) -> None:
    # With them, the gate needs a cluster; whoever pushes has a login of their own.
    assert (await push(registry, pullSecrets=True)).tag is None
