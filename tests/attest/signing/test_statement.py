import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.attest.keys import KINDS, private_key, public_pem
from tests.attest.signing.making import DIGEST, IMAGE, payload, signed_envelope, signer
from webhook.attest.signing.statement import require_acceptance
from webhook.errors import EvidenceError
from webhook.limits import LIMITS
from webhook.model.statement import ExecutionEvidence
from webhook.trust.keys import PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.verify import verify

CURVE_HASHES = {"P-256": hashes.SHA256(), "P-384": hashes.SHA384(), "P-521": hashes.SHA512()}  # FIPS 186-5


def encoding_of_the_specification(kind: str, body: bytes) -> bytes:
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(body)).encode(), body])


def test_the_encoding_here_is_that_of_the_specification() -> None:
    # DSSE protocol.md, "Test vectors".
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert encoding_of_the_specification("http://example.com/HelloWorld", b"hello world") == expected


@pytest.mark.parametrize("kind", KINDS)
def test_cryptography_verifies_the_signature_over_the_specified_encoding(kind: str) -> None:
    envelope = json.loads(signed_envelope(payload(), kind))
    message = encoding_of_the_specification("application/vnd.in-toto+json", base64.b64decode(envelope["payload"]))
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    public = private_key(kind).public_key()
    match public:
        case ec.EllipticCurvePublicKey():
            public.verify(signature, message, ec.ECDSA(CURVE_HASHES[kind]))
        case ed25519.Ed25519PublicKey():
            public.verify(signature, message)
        case rsa.RSAPublicKey():
            public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("kind", KINDS)
def test_the_trust_core_verifies_what_each_kind_of_key_signs(kind: str) -> None:
    envelope = signed_envelope(payload(), kind)
    policy = TrustPolicy((TrustedKey("staging", PublicKey.from_pem(public_pem(kind))),))
    statement = verify(envelope, DIGEST, IMAGE.repository, policy)
    assert statement.signers == ("staging",)
    assert isinstance(statement.evidence, ExecutionEvidence)
    assert (statement.evidence.hot_symbol_count, statement.evidence.unique_call_paths) == (2, 2)


def test_the_payload_in_the_envelope_is_the_statement_to_the_byte() -> None:
    envelope = json.loads(signed_envelope(payload()))
    assert base64.b64decode(envelope["payload"]) == payload()
    assert envelope["payloadType"] == "application/vnd.in-toto+json"


def test_an_ed25519_envelope_is_the_same_every_time() -> None:
    assert signed_envelope(payload()) == signed_envelope(payload())


@pytest.mark.parametrize(
    "statement",
    [
        payload("x" * 64),
        payload("sta\nging"),
        payload("\u200b"),
        b"{}",
        b'{"_type":"https://in-toto.io/Statement/v1","predicateType":"x","subject":[{"digest":{"sha512":"ab"}}]}',
    ],
    ids=["environment too long", "line break", "not printable", "no statement", "no sha256 subject"],
)
def test_a_statement_that_the_gate_would_not_accept_is_never_given_out(statement: bytes) -> None:
    with pytest.raises(EvidenceError):
        signer().sign(statement)


def test_the_signature_names_no_key_since_cosign_passes_over_one_that_does() -> None:
    assert [entry["keyid"] for entry in json.loads(signed_envelope(payload()))["signatures"]] == [""]


def test_the_images_are_listed_in_order() -> None:
    statement = json.loads(payload())
    [subject] = statement["subject"]
    others = [{**subject, "digest": {"sha256": value * 32}} for value in ("ef", "01", "ab")]
    signed = signer().sign(json.dumps(statement | {"subject": [subject, *others]}).encode())
    assert signed.digests == tuple(f"sha256:{value * 32}" for value in ("01", "ab", "ef"))


POLICY = TrustPolicy((TrustedKey("staging", PublicKey.from_pem(public_pem("Ed25519"))),))
SIGNED = signer().sign(payload())
FOREIGN = signer(owner="stranger").sign(payload())
UNACCEPTABLE = {
    "envelope of a stranger": replace(SIGNED, envelope=FOREIGN.envelope),
    "bundle of a stranger": replace(SIGNED, bundle=FOREIGN.bundle),
    "bundle of a stranger alone": replace(SIGNED, envelope=None, bundle=FOREIGN.bundle),
    "another image too": replace(SIGNED, digests=(DIGEST, "sha256:" + "cd" * 32)),
    "bundle cut": replace(SIGNED, bundle=SIGNED.bundle[:-3]),
}


def test_what_the_gate_accepts_in_every_form_is_accepted() -> None:
    require_acceptance(SIGNED, POLICY)
    require_acceptance(replace(SIGNED, envelope=None), POLICY)


@pytest.mark.parametrize("name", UNACCEPTABLE)
def test_what_the_gate_would_refuse_in_one_form_is_refused(name: str) -> None:
    with pytest.raises(EvidenceError):
        require_acceptance(UNACCEPTABLE[name], POLICY)


def test_a_statement_too_large_for_the_gate_is_never_given_out() -> None:
    statement = json.loads(payload())
    statement["predicate"]["filler"] = "x" * LIMITS.envelope_bytes
    with pytest.raises(EvidenceError, match="larger than"):
        signer().sign(json.dumps(statement).encode())
