import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.attest.keys import KINDS, private_key, private_pem, public_pem
from tests.attest.made import read
from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.counted import count_execution
from webhook.attest.sign import SigningKey, sign_statement
from webhook.errors import EvidenceError
from webhook.model.image import ImageReference
from webhook.model.statement import ExecutionEvidence
from webhook.trust.keys import KeyNotSupportedError, PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.verify import verify

DIGEST = "sha256:" + "ab" * 32
IMAGE = ImageReference.parse(f"registry.example.com/shop/cart@{DIGEST}")
UNTIL = datetime(2026, 11, 24, 6, 36, 35, tzinfo=UTC)
CURVE_HASHES = {"P-256": hashes.SHA256(), "P-384": hashes.SHA384(), "P-521": hashes.SHA512()}  # FIPS 186-5, as cosign


def payload(environment: str = "staging") -> bytes:
    builder = ExecutionEvidenceBuilder(Observation(environment, UNTIL))
    return builder.statement(count_execution(read(b"main;price 30\nmain 10\n")), IMAGE)


def encoding_of_the_specification(kind: str, body: bytes) -> bytes:
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(body)).encode(), body])


def test_the_encoding_here_is_that_of_the_specification() -> None:
    # DSSE protocol.md, "Test vectors".
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert encoding_of_the_specification("http://example.com/HelloWorld", b"hello world") == expected


@pytest.mark.parametrize("kind", KINDS)
def test_cryptography_verifies_the_signature_over_the_specified_encoding(kind: str) -> None:
    envelope = json.loads(sign_statement(payload(), SigningKey.from_pem(private_pem(kind))))
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
    envelope = sign_statement(payload(), SigningKey.from_pem(private_pem(kind)))
    policy = TrustPolicy((TrustedKey("staging", PublicKey.from_pem(public_pem(kind))),))
    statement = verify(envelope, DIGEST, IMAGE.repository, policy)
    assert statement.signers == ("staging",)
    assert isinstance(statement.evidence, ExecutionEvidence)
    assert (statement.evidence.hot_symbol_count, statement.evidence.unique_call_paths) == (2, 2)


def test_the_payload_in_the_envelope_is_the_statement_to_the_byte() -> None:
    envelope = json.loads(sign_statement(payload(), SigningKey.from_pem(private_pem("Ed25519"))))
    assert base64.b64decode(envelope["payload"]) == payload()
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert [entry["keyid"] for entry in envelope["signatures"]] == [PublicKey.from_pem(public_pem("Ed25519")).key_id]


def test_an_ed25519_envelope_is_the_same_every_time() -> None:
    key = SigningKey.from_pem(private_pem("Ed25519"))
    assert sign_statement(payload(), key) == sign_statement(payload(), key)


@pytest.mark.parametrize("kind", KINDS)
def test_an_encrypted_key_is_opened_with_its_passphrase(kind: str) -> None:
    key = SigningKey.from_pem(private_pem(kind, b"correct horse"), b"correct horse")
    assert key.public == PublicKey.from_pem(public_pem(kind))


@pytest.mark.parametrize(
    ("pem", "passphrase", "message"),
    [
        (private_pem("P-256", b"right"), b"wrong", "or the passphrase is wrong"),
        (private_pem("P-256", b"right"), None, "it needs a passphrase"),
        (private_pem("P-256"), b"right", "it is not encrypted, but a passphrase was given"),
        (public_pem("P-256"), None, "it holds no PEM private key"),
        (b"", None, "it holds no PEM private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None, "it holds no PEM private key"),
    ],
)
def test_what_is_no_usable_private_key_is_refused(pem: bytes, passphrase: bytes | None, message: str) -> None:
    with pytest.raises(KeyNotSupportedError, match=message):
        SigningKey.from_pem(pem, passphrase)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - too short on purpose
        ed448.Ed448PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
        dsa.generate_private_key(2048),
    ],
    ids=["secp256k1", "rsa-1024", "ed448", "x25519", "dsa"],
)
def test_other_kinds_of_keys_are_refused(
    key: ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed448.Ed448PrivateKey
    | x25519.X25519PrivateKey
    | dsa.DSAPrivateKey,
) -> None:
    with pytest.raises(KeyNotSupportedError):
        SigningKey.from_pem(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


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
        sign_statement(statement, SigningKey.from_pem(private_pem("Ed25519")))
