"""Which of the things beside an image are looked at, and what becomes of them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.envelopes import BUNDLE_V03, bundle, dump, envelope
from tests.support.keys import ecdsa
from tests.support.statements import IMAGE, OTHER_IMAGE, STATEMENT_V1, statement
from webhook.limits import LIMITS
from webhook.model.statement import PREDICATE_TYPES
from webhook.stores.registry.descriptor import Descriptor
from webhook.stores.registry.discovery.content import Relevance, Sorter, is_called_evidence

SORTER = Sorter(frozenset(PREDICATE_TYPES))
SIGNER = ecdsa()
DSSE = "application/vnd.dsse.envelope.v1+json"
OURS = "https://stella.ops/executionEvidence@v1"
COSIGN_SIGN = "https://sigstore.dev/cosign/sign/v1"
SPDX = "https://spdx.dev/Document/v2.3"
WRITTEN_BY_COSIGN = Path(__file__).parents[3] / "cli" / "cosign"


def described(media_type: str = DSSE, size: int = 100, annotations: dict[str, str] | None = None) -> Descriptor:
    return Descriptor(media_type, IMAGE, size, None, annotations or {}, None, None)


def enveloped(body: bytes) -> bytes:
    return dump(envelope(body, [SIGNER]))


def keyless(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"verificationMaterial": {"certificate": {"rawBytes": "MIIB"}}}


@pytest.mark.parametrize(
    ("annotations", "called_other"),
    [
        ({}, False),
        ({"org.opencontainers.image.created": "2026-11-24T10:14:19Z"}, False),
        ({"dev.sigstore.bundle.predicateType": OURS}, False),
        ({"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": OURS}, False),
        ({"dev.sigstore.bundle.predicateType": SPDX}, True),
        ({"dev.sigstore.bundle.predicateType": ""}, True),
        ({"dev.sigstore.bundle.content": "message-signature"}, True),
        (
            {"dev.sigstore.bundle.content": "message-signature", "dev.sigstore.bundle.predicateType": COSIGN_SIGN},
            True,
        ),
    ],
)
def test_a_manifest_is_left_closed_if_its_maker_says_that_it_is_something_else(
    annotations: dict[str, str], *, called_other: bool
) -> None:
    assert SORTER.is_called_other(annotations) is called_other


@pytest.mark.parametrize(
    "media_type",
    [
        DSSE,
        BUNDLE_V03,
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.in-toto+json",
        "application/json",
        "application/octet-stream",
        "text/plain",
        "application/vnd.oci.image.layer.v1.tar",  # What oras calls a file whose type nobody named.
        "application/vnd.acme.evidence",
    ],
)
def test_a_layer_that_could_hold_json_is_fetched(media_type: str) -> None:
    assert SORTER.may_hold_evidence(described(media_type))


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.oci.empty.v1+json",
        "application/vnd.dev.cosign.simplesigning.v1+json",
        "application/jose+json",
        "application/cose",
        "application/spdx+json",
        "text/spdx",
        "application/vnd.cyclonedx+json",
        "application/vnd.cyclonedx+xml; version=1.5",
        "application/vnd.syft+json",
        "application/sarif+json",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
        "application/vnd.wasm.content.layer.v1+wasm",
        "APPLICATION/SPDX+JSON",
    ],
)
def test_a_layer_that_is_something_else_is_not_fetched(media_type: str) -> None:
    assert not SORTER.may_hold_evidence(described(media_type))


@pytest.mark.parametrize(
    ("annotations", "fetched"),
    [
        ({"predicateType": OURS}, True),
        ({"predicateType": PREDICATE_TYPES[0]}, True),
        ({"predicateType": SPDX}, False),
        ({"in-toto.io/predicate-type": SPDX}, False),
        ({"org.opencontainers.image.title": "cart.json"}, True),
    ],
)
def test_a_layer_that_is_called_a_statement_of_another_type_is_not_fetched(
    annotations: dict[str, str], *, fetched: bool
) -> None:
    assert SORTER.may_hold_evidence(described(annotations=annotations)) is fetched


def test_a_layer_too_large_for_evidence_is_not_fetched() -> None:
    assert SORTER.may_hold_evidence(described(size=LIMITS.envelope_bytes))
    assert not SORTER.may_hold_evidence(described(size=LIMITS.envelope_bytes + 1))


def test_what_promises_most_comes_first() -> None:
    ours = described("text/plain", 900, {"predicateType": OURS})
    small, large, file = described(size=1), described(size=2), described("text/plain", 1)
    assert sorted([file, large, small, ours], key=SORTER.promise) == [ours, small, large, file]


CERTIFIED_SBOM = keyless(bundle(envelope(statement(predicateType=SPDX), [SIGNER])))
MANY_VALUES = statement(predicateType=SPDX, predicate=[0] * LIMITS.json_values)
MANY_SUBJECTS = statement(predicateType=SPDX, subjects=[IMAGE] * (LIMITS.subjects + 1))
ABOUT, CLAIMS = Relevance.ABOUT_THE_IMAGE, Relevance.CLAIMS


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (enveloped(statement()), ABOUT),
        (enveloped(statement(predicateType=OURS)), ABOUT),
        (enveloped(statement(subjects=(OTHER_IMAGE, IMAGE))), ABOUT),
        (dump(bundle(envelope(statement(), [SIGNER]))), ABOUT),
        (dump(keyless(bundle(envelope(statement(), [SIGNER])))), ABOUT),
        (dump(envelope(statement(), [])), ABOUT),
        (enveloped(statement(subjects=(OTHER_IMAGE,))), CLAIMS),
        (enveloped(statement(subjects=[IMAGE] * (LIMITS.subjects + 1))), CLAIMS),
        (enveloped(statement()[:-1]), CLAIMS),
        (enveloped(statement(type="https://in-toto.io/Statement/v9").replace(b"/", rb"\/")), CLAIMS),
        (enveloped(statement(predicateType=SPDX)), None),
        (enveloped(statement(predicateType="STELLA.ops/executionEvidence@v1")), None),
        (dump(CERTIFIED_SBOM), None),
        (enveloped(MANY_VALUES), None),
        (enveloped(MANY_SUBJECTS), None),
        (enveloped(b"no statement"), None),
        (dump({"mediaType": BUNDLE_V03, "messageSignature": {}}), None),
        (statement(), None),
        (b"{}", None),
        (b"[]", None),
    ],
)
@pytest.mark.parametrize("called_evidence", [True, False])
def test_what_a_blob_is_decides_its_content(raw: bytes, expected: Relevance | None, *, called_evidence: bool) -> None:
    assert SORTER.relevance(raw, IMAGE, called_evidence=called_evidence) is expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x1f\x8b",
        enveloped(statement())[:-1],
        dump(envelope(statement(), [SIGNER]) | {"payload": "%"}),
        b'{"payload": "e30=", "payload": "e30="}',
    ],
)
def test_broken_bytes_are_broken_evidence_only_if_they_are_called_evidence(raw: bytes) -> None:
    assert SORTER.relevance(raw, IMAGE, called_evidence=True) is CLAIMS
    assert SORTER.relevance(raw, IMAGE, called_evidence=False) is None


@pytest.mark.parametrize(("media_type", "called"), [(DSSE, True), (BUNDLE_V03, True), ("application/json", False)])
def test_a_media_type_may_call_bytes_evidence(media_type: str, *, called: bool) -> None:
    assert is_called_evidence(described(media_type)) is called


def test_a_payload_in_url_safe_base64_is_read() -> None:
    body = statement(predicate={"note": "~~~???>>>"})
    document = envelope(body, [SIGNER]) | {"payload": base64.urlsafe_b64encode(body).decode()}
    assert SORTER.relevance(dump(document), IMAGE, called_evidence=False) is ABOUT


@pytest.mark.parametrize("name", ["bundle.json", "envelope.json", "bundle-statement-v0.1.json"])
def test_what_cosign_wrote_is_recognised(name: str) -> None:
    raw = (WRITTEN_BY_COSIGN / name).read_bytes()
    assert SORTER.relevance(raw, "sha256:" + "a" * 64, called_evidence=False) is ABOUT
    assert SORTER.relevance(raw, IMAGE, called_evidence=False) is CLAIMS


def test_accepted_types_are_the_configured_ones() -> None:
    raw = enveloped(json.dumps({"_type": STATEMENT_V1, "predicateType": SPDX, "subject": []}).encode())
    assert Sorter(frozenset({SPDX})).relevance(raw, IMAGE, called_evidence=False) is CLAIMS
    assert SORTER.relevance(raw, IMAGE, called_evidence=False) is None
