import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.attest.keys import KINDS, private_key, public_pem
from tests.attest.signing.making import DIGEST, IMAGE, payload, signed_envelope, signer
from webhook.errors import EvidenceError
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
