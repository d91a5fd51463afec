"""Bundles by a key, against those that cosign has written and against the real cosign."""

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from tests.attest.keys import KINDS, private_pem, public_pem
from tests.attest.signing.making import DIGEST, payload, signer
from tests.harness.command import run
from tests.harness.cosign_keys import import_key_pair, verify_evidence
from tests.tools.build import program
from webhook.attest.signing.bundle import key_hint
from webhook.model.statement import PREDICATE_TYPES, ExecutionEvidence
from webhook.trust.keys import PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.verify import verify

COSIGNS = Path(__file__).parents[2] / "cli" / "cosign"
OFFLINE = ("--tlog-upload=false", "--use-signing-config=false")
PLAIN, WITH_SCHEME = PREDICATE_TYPES


def bundle(kind: str, predicate_type: str = WITH_SCHEME) -> bytes:
    return signer(kind).sign(payload(predicate_type=predicate_type)).bundle


def shape(document: Any) -> Any:
    """Names of all members, and the types of what they hold."""
    if isinstance(document, dict):
        return {name: shape(value) for name, value in document.items()}
    return [shape(value) for value in document] if isinstance(document, list) else type(document)


@pytest.mark.parametrize("kind", KINDS)
def test_the_trust_core_verifies_the_bundle_of_each_kind_of_key(kind: str) -> None:
    policy = TrustPolicy((TrustedKey("staging", PublicKey.from_pem(public_pem(kind))),))
    statement = verify(bundle(kind), DIGEST, None, policy)
    assert statement.signers == ("staging",)
    assert isinstance(statement.evidence, ExecutionEvidence)


def test_it_has_the_members_that_cosigns_have_and_no_others() -> None:
    ours, cosigns = json.loads(bundle("P-256")), json.loads((COSIGNS / "bundle.json").read_bytes())
    [signature] = ours["dsseEnvelope"]["signatures"]
    # protobuf leaves a text out that is empty; DSSE wants it there or not, and means the same.
    assert signature.pop("keyid") == ""
    assert shape(ours) == shape(cosigns)
    assert ours["mediaType"] == cosigns["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"


def test_it_holds_the_same_envelope_that_stands_alone() -> None:
    signed = signer().sign(payload())
    assert signed.envelope is not None
    assert json.loads(signed.bundle)["dsseEnvelope"] == json.loads(signed.envelope)
    assert (signed.envelope[-1:], signed.bundle[-1:]) == (b"\n", b"\n")


def test_the_hint_is_the_one_that_cosign_gives_its_key() -> None:
    hint = json.loads((COSIGNS / "bundle.json").read_bytes())["verificationMaterial"]["publicKey"]["hint"]
    assert key_hint(PublicKey.from_pem((COSIGNS / "cosign.pub").read_bytes())) == hint


@pytest.mark.parametrize("kind", KINDS)
def test_the_hint_is_the_digest_of_the_public_key(kind: str) -> None:
    der = load_pem_public_key(public_pem(kind)).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    hint = json.loads(bundle(kind))["verificationMaterial"]["publicKey"]["hint"]
    assert base64.standard_b64decode(hint) == sha256(der).digest()


def written(folder: Path, kind: str, content: bytes, name: str) -> tuple[Path, Path]:
    (folder / name).write_bytes(content)
    (folder / "key.pub").write_bytes(public_pem(kind))
    return folder / name, folder / "key.pub"


@pytest.mark.parametrize("kind", ["P-256", "Ed25519", "RSA-2048"])
def test_cosign_verifies_the_bundle(kind: str, tmp_path: Path) -> None:
    verify_evidence(tmp_path, *written(tmp_path, kind, bundle(kind), "cart.sigstore.json"), DIGEST)


@pytest.mark.parametrize("kind", ["P-256", "Ed25519", "RSA-2048"])
def test_cosign_verifies_the_envelope(kind: str, tmp_path: Path) -> None:
    envelope = signer(kind).sign(payload(predicate_type=WITH_SCHEME)).envelope
    assert envelope is not None
    verify_evidence(tmp_path, *written(tmp_path, kind, envelope, "cart.json"), DIGEST)


def test_cosign_refuses_the_bundle_for_another_image(tmp_path: Path) -> None:
    evidence, public = written(tmp_path, "P-256", bundle("P-256"), "cart.sigstore.json")
    with pytest.raises(AssertionError, match="digest"):
        verify_evidence(tmp_path, evidence, public, "sha256:" + "cd" * 32)


def test_cosign_refuses_the_bundle_of_a_stranger(tmp_path: Path) -> None:
    evidence, public = written(tmp_path, "P-256", bundle("P-256"), "cart.sigstore.json")
    public.write_bytes(public_pem("P-256", "stranger"))
    with pytest.raises(AssertionError, match="signature"):
        verify_evidence(tmp_path, evidence, public, DIGEST)


@pytest.mark.parametrize("kind", PREDICATE_TYPES)
def test_cosign_verifies_either_predicate_type_and_not_one_for_the_other(kind: str, tmp_path: Path) -> None:
    evidence, public = written(tmp_path, "P-256", bundle("P-256", kind), "cart.sigstore.json")
    verify_evidence(tmp_path, evidence, public, DIGEST, kind)
    [other] = set(PREDICATE_TYPES) - {kind}
    with pytest.raises(AssertionError, match="invalid predicate type"):
        verify_evidence(tmp_path, evidence, public, DIGEST, other)


STRICT = {
    "attest": ("attest", "--predicate=predicate.json", "--key=none.key", *OFFLINE, "--type"),
    "download": ("download", "attestation", "--predicate-type"),
}


@pytest.mark.parametrize("name", STRICT)
def test_other_commands_of_cosign_take_no_predicate_type_without_a_scheme(name: str, tmp_path: Path) -> None:
    (tmp_path / "predicate.json").write_text("{}")
    image = f"127.0.0.1:1/cart@{DIGEST}"
    with pytest.raises(AssertionError, match="invalid predicate type"):
        run([program("cosign"), *STRICT[name], PLAIN, image], tmp_path, {"HOME": str(tmp_path)})


# docs/evidence.md says so. cosign signs with the curve's hash, and then looks for a signature with SHA-256.
@pytest.mark.parametrize("kind", ["P-384", "P-521"])
def test_with_these_keys_cosign_verifies_nobodys_bundle_not_even_its_own(kind: str, tmp_path: Path) -> None:
    evidence, public = written(tmp_path, kind, bundle(kind), "cart.sigstore.json")
    with pytest.raises(AssertionError, match="signature"):
        verify_evidence(tmp_path, evidence, public, DIGEST)
    own = signed_by_cosign(tmp_path, kind)
    with pytest.raises(AssertionError, match="signature"):
        verify_evidence(tmp_path, own, public, DIGEST)
    policy = TrustPolicy((TrustedKey("staging", PublicKey.from_pem(public_pem(kind))),))
    assert verify(own.read_bytes(), DIGEST, None, policy).signers == ("staging",)


def signed_by_cosign(folder: Path, kind: str) -> Path:
    (folder / "own.pem").write_bytes(private_pem(kind))
    (folder / "statement.json").write_bytes(payload(predicate_type=WITH_SCHEME))
    key = import_key_pair(folder, folder / "own.pem", "")
    flags = ("--statement=statement.json", "--bundle=own.sigstore.json", f"--key={key}", "--yes")
    home = {"HOME": str(folder), "COSIGN_PASSWORD": ""}
    run([program("cosign"), "attest-blob", *flags, *OFFLINE], folder, home)
    return folder / "own.sigstore.json"
