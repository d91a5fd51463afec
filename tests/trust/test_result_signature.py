"""Signatures of evidence results: Decision Gate's vector, and everything that is not one."""

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.keys import ecdsa, ed25519_key
from webhook.errors import UntrustedError
from webhook.model.evidence import EvidenceHash, EvidenceResult, EvidenceSignature, EvidenceValue, Lane
from webhook.model.evidence_hash import hash_value
from webhook.trust.keys import PublicKey
from webhook.trust.result_signature import signed_bytes, verify_result

V1 = "80be2eb0944c0453a6ad339a56e1c8f39f8cc57a4e627758246ccfd274176fd8"
S1_KEY = base64.b64decode("A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=")
S1 = bytes.fromhex(
    "241350bb5c22aaaa1161932bcf0f5becbc6aa17bebcbb1e951fd183be77570d3"
    "381bf44b68176cff40d8f1033b13ef9487adc942da5a434a20e29bb6ec12380a"
)


def public(raw: bytes) -> PublicKey:
    return PublicKey.of(Ed25519PublicKey.from_public_bytes(raw))


KEYS = {"board": public(S1_KEY)}
RESULT = EvidenceResult(
    value=EvidenceValue("json", "production"),
    lane=Lane.VERIFIED,
    evidence_hash=EvidenceHash(V1),
    signature=EvidenceSignature("ed25519", "board", tuple(S1)),
)


def test_the_vector_is_valid() -> None:
    assert signed_bytes(EvidenceHash(V1)) == b'{"algorithm":"sha256","value":"%b"}' % V1.encode()
    verify_result(RESULT, KEYS)


def test_the_vectors_key_and_signature_follow_from_its_seed() -> None:
    seed = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    assert seed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == S1_KEY
    assert seed.sign(signed_bytes(EvidenceHash(V1))) == S1


def test_the_kind_of_the_value_is_not_signed() -> None:
    # A limit of the format, for docs/threat-model.md: V1 is the hash of these bytes too.
    written = EvidenceValue("bytes", list(b'"production"'))
    assert hash_value(written).value == V1
    verify_result(replace(RESULT, value=written), KEYS)


HASHES = [
    ("json", "production", V1),
    ("json", True, "b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b"),
    ("json", None, "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"),
    ("json", 1, "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
    ("json", 1.0, "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
    ("json", {"b": 2, "a": 1}, "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777"),
    ("json", 9007199254740993, "a1c367c29158357e62a3ff5d3e800fb7698a22396439dbc0a9d4929322afd35d"),
    ("bytes", [116, 101, 115, 116], "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
]


@pytest.mark.parametrize(("kind", "value", "digest"), HASHES)
def test_what_is_signed_is_the_vectors_hash_of_the_value(kind: str, value: object, digest: str) -> None:
    signer = ed25519_key("board")
    given = EvidenceValue("bytes" if kind == "bytes" else "json", value)
    signature = signer.sign(b'{"algorithm":"sha256","value":"%b"}' % digest.encode())
    result = EvidenceResult(
        value=given,
        evidence_hash=hash_value(given),
        signature=EvidenceSignature("ed25519", "board", tuple(signature)),
    )
    verify_result(result, {"board": PublicKey.from_pem(signer.pem)})


def signature(**changes: object) -> EvidenceSignature:
    assert RESULT.signature is not None
    return replace(RESULT.signature, **changes)  # type: ignore[arg-type] # a table's columns


WRONG: dict[str, tuple[EvidenceResult, str]] = {
    "no signature": (replace(RESULT, signature=None), "the answer is not signed"),
    "no hash": (replace(RESULT, value=None, evidence_hash=None), "the answer has no value that could be signed"),
    "of another value": (replace(RESULT, evidence_hash=EvidenceHash("0" * 64)), "signature is not valid"),
    "another scheme": (replace(RESULT, signature=signature(scheme="Ed25519")), "a scheme that is not known"),
    "no scheme": (replace(RESULT, signature=signature(scheme="none")), "a scheme that is not known"),
    "an unknown key": (replace(RESULT, signature=signature(key_id="Board")), "a key that is not trusted"),
    "another key": (replace(RESULT, signature=signature(key_id="other")), "signature is not valid"),
    "nothing": (replace(RESULT, signature=signature(signature=())), "signature is not valid"),
    "a byte less": (replace(RESULT, signature=signature(signature=tuple(S1[:-1]))), "signature is not valid"),
    "a byte more": (replace(RESULT, signature=signature(signature=(*S1, 0))), "signature is not valid"),
    "a bit changed": (replace(RESULT, signature=signature(signature=(S1[0] ^ 1, *S1[1:]))), "signature is not valid"),
    "zeros": (replace(RESULT, signature=signature(signature=(0,) * 64)), "signature is not valid"),
    "a key of another kind": (replace(RESULT, signature=signature(key_id="p256")), "a key that is not trusted"),
}


@pytest.mark.parametrize("case", WRONG)
def test_anything_else_is_not_trusted(case: str) -> None:
    result, expected = WRONG[case]
    keys = KEYS | {"other": public(b"\x01" + bytes(31)), "p256": PublicKey.from_pem(ecdsa().pem)}
    with pytest.raises(UntrustedError, match=expected):
        verify_result(result, keys)


def test_with_no_key_nobody_is_trusted() -> None:
    with pytest.raises(UntrustedError):
        verify_result(RESULT, {})
