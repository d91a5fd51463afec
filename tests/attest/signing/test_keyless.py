import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attest.signing.making import DIGEST, payload
from tests.harness.command import run
from tests.harness.cosign import PREDICATE_TYPE, predicate
from tests.harness.sigstore import LocalSigstore
from tests.simulators.oidc_issuer import Kind
from tests.simulators.sigstore_faults import Fault, FaultyService, replaced
from tests.tools.build import program
from webhook.attest.signing.keyless import KeylessSigner
from webhook.attest.signing.keyless_services import Services
from webhook.attest.signing.signed import SignedEvidence
from webhook.errors import ConfigurationError, EvidenceError, MalformedError, UnavailableError, UntrustedError
from webhook.trust.dsse import Envelope
from webhook.trust.identity import TextRule, TrustedIdentity
from webhook.trust.policy import TrustPolicy
from webhook.trust.root import TrustedRoot
from webhook.trust.verify import verify

SUBJECTS: dict[Kind, str] = {
    "email": "observer@example.com",
    "github": "https://github.com/shop/cart/.github/workflows/evidence.yml@refs/heads/main",
    "gitlab": "https://gitlab.com/shop/cart//.gitlab-ci.yml@refs/heads/main",
}
"""By Fulcio's documentation (docs/oidc.md), for the tokens that the issuer gives."""

STATEMENT = payload().replace(b'"stella.ops/', b'"https://stella.ops/')


@pytest.fixture(scope="module")
def sigstore() -> Iterator[LocalSigstore]:
    with LocalSigstore() as running:
        yield running


def signer(sigstore: LocalSigstore, kind: Kind = "email", config: bytes | None = None) -> KeylessSigner:
    return KeylessSigner.open(lambda: sigstore.issuer.token(kind), config or sigstore.trust_config.read_bytes(), 20)


def policy(sigstore: LocalSigstore, subject: str, issuer: str) -> TrustPolicy:
    root = TrustedRoot.load(sigstore.trusted_root.read_bytes())
    return TrustPolicy(identities=(TrustedIdentity("robot", TextRule(issuer), TextRule(subject)),), root=root)


@pytest.mark.parametrize("kind", SUBJECTS)
def test_what_an_identity_signs_counts_where_that_identity_is_trusted(kind: Kind, sigstore: LocalSigstore) -> None:
    evidence = signer(sigstore, kind).sign(STATEMENT)
    verified = verify(evidence.bundle, DIGEST, None, policy(sigstore, SUBJECTS[kind], sigstore.issuer.name(kind)))
    assert verified.signers == ("robot",)


def test_it_does_not_count_where_another_issuer_is_trusted(sigstore: LocalSigstore) -> None:
    evidence = signer(sigstore).sign(STATEMENT)
    others = policy(sigstore, SUBJECTS["email"], sigstore.issuer.name("github"))
    with pytest.raises(UntrustedError):
        verify(evidence.bundle, DIGEST, None, others)


def test_the_statement_is_signed_byte_by_byte(sigstore: LocalSigstore) -> None:
    spaced = json.dumps(json.loads(STATEMENT), indent=3).encode()
    evidence = signer(sigstore).sign(spaced)
    assert (evidence.payload, Envelope.parse(evidence.bundle).payload) == (spaced, spaced)


def test_evidence_is_a_bundle_and_no_bare_envelope(sigstore: LocalSigstore) -> None:
    evidence = signer(sigstore).sign(STATEMENT)
    assert (evidence.envelope, evidence.digests) == (None, (DIGEST,))
    assert evidence.bundle.endswith(b"}\n")


def test_a_statement_that_the_gate_would_not_accept_reaches_no_service(sigstore: LocalSigstore) -> None:
    bad = STATEMENT.replace(b'"environment":"staging"', b'"environment":7')
    with FaultyService(Fault(500)) as fulcio:
        config = replaced(sigstore.trust_config.read_bytes(), "caUrls", fulcio.url)
        with pytest.raises(EvidenceError, match="the predicate is not valid at `environment`"):
            signer(sigstore, config=config).sign(bad)
    assert fulcio.requests == []


def test_a_statement_of_the_older_version_is_refused_before_anybody_is_asked(sigstore: LocalSigstore) -> None:
    old = STATEMENT.replace(b"Statement/v1", b"Statement/v0.1")
    with FaultyService(Fault(500)) as fulcio:
        config = replaced(sigstore.trust_config.read_bytes(), "caUrls", fulcio.url)
        with pytest.raises(MalformedError, match="only a Statement v1"):
            signer(sigstore, config=config).sign(old)
    assert fulcio.requests == []


def test_an_identity_is_asked_for_each_statement_anew(sigstore: LocalSigstore) -> None:
    tokens = iter([sigstore.issuer.token(email=f"{name}@example.com") for name in ("first", "second")])
    keyless = KeylessSigner.open(lambda: next(tokens), sigstore.trust_config.read_bytes())
    for name in ("first", "second"):
        trusted = policy(sigstore, f"{name}@example.com", sigstore.issuer.name())
        assert verify(keyless.sign(STATEMENT).bundle, DIGEST, None, trusted).signers == ("robot",)


def test_an_identity_that_has_gone_is_unavailable(sigstore: LocalSigstore) -> None:
    def gone() -> str:
        raise ConfigurationError("the file with the token has gone")

    keyless = KeylessSigner.open(gone, sigstore.trust_config.read_bytes())
    with pytest.raises(UnavailableError, match="the file with the token has gone"):
        keyless.sign(STATEMENT)


def test_an_identity_that_has_ended_meanwhile_is_unavailable(sigstore: LocalSigstore) -> None:
    keyless = KeylessSigner.open(lambda: sigstore.issuer.token(exp=1), sigstore.trust_config.read_bytes())
    with pytest.raises(UnavailableError, match="the identity token has expired"):
        keyless.sign(STATEMENT)


class OtherStatement(Services):
    """A library that signs something else than it was given."""

    def sign(self, payload: bytes, token: str, seconds: float) -> bytes:
        return super().sign(payload.replace(b"staging", b"testing"), token, seconds)


def test_a_bundle_about_another_statement_is_noticed(sigstore: LocalSigstore) -> None:
    services = OtherStatement.named_by(sigstore.trust_config.read_bytes())
    with pytest.raises(UntrustedError, match="not about the statement that was to be signed"):
        KeylessSigner(services, sigstore.issuer.token).sign(STATEMENT)


def test_services_that_another_root_vouches_for_are_of_no_use(sigstore: LocalSigstore) -> None:
    with LocalSigstore() as other:
        mixed = json.loads(sigstore.trust_config.read_bytes())
        mixed["trustedRoot"] = json.loads(other.trusted_root.read_bytes())
    with pytest.raises(UnavailableError, match=r"^Fulcio.* gave an answer that is of no use$"):
        signer(sigstore, config=json.dumps(mixed).encode()).sign(STATEMENT)


def test_a_certificate_of_an_authority_that_the_root_does_not_name_is_noticed(sigstore: LocalSigstore) -> None:
    """Its log of certificates is known, so that sigstore-python alone would have signed."""
    with LocalSigstore() as other:
        mixed = json.loads(sigstore.trust_config.read_bytes())
        theirs = json.loads(other.trusted_root.read_bytes())
        mixed["trustedRoot"]["certificateAuthorities"] = theirs["certificateAuthorities"]
    with pytest.raises(UntrustedError, match="no authority"):
        signer(sigstore, config=json.dumps(mixed).encode()).sign(STATEMENT)


def test_a_log_that_the_root_does_not_name_is_noticed(sigstore: LocalSigstore) -> None:
    with LocalSigstore() as other:
        mixed = json.loads(sigstore.trust_config.read_bytes())
        mixed["trustedRoot"]["tlogs"] = json.loads(other.trusted_root.read_bytes())["tlogs"]
    with pytest.raises(UntrustedError, match="transparency log"):
        signer(sigstore, config=json.dumps(mixed).encode()).sign(STATEMENT)


@pytest.mark.parametrize(
    "config",
    [b"", b"{}", b"\xff", b"[]", b'{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"}'],
)
def test_what_is_no_trust_configuration_is_refused(config: bytes, sigstore: LocalSigstore) -> None:
    with pytest.raises(ConfigurationError, match=r"^it is no ClientTrustConfig"):
        KeylessSigner.open(sigstore.issuer.token, config)


@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls"])
def test_a_trust_configuration_without_a_service_of_today_is_refused(service: str, sigstore: LocalSigstore) -> None:
    config = json.loads(sigstore.trust_config.read_bytes())
    config["signingConfig"][service][0]["validFor"]["end"] = "2026-01-01T00:00:00Z"
    with pytest.raises(ConfigurationError, match="services that are in use today"):
        KeylessSigner.open(sigstore.issuer.token, json.dumps(config).encode())


def test_a_trust_configuration_whose_root_names_nobody_is_refused(sigstore: LocalSigstore) -> None:
    config = json.loads(sigstore.trust_config.read_bytes())
    config["trustedRoot"]["ctlogs"] = []
    with pytest.raises(ConfigurationError, match=r"^the trusted root in it: "):
        KeylessSigner.open(sigstore.issuer.token, json.dumps(config).encode())


def test_a_signer_shows_no_token() -> None:
    # A property of its type: no field of it is shown at all.
    assert re.fullmatch(r"<.*KeylessSigner object at 0x[0-9a-f]+>", repr(KeylessSigner.__new__(KeylessSigner)))


def cosign(folder: Path, *arguments: str | Path) -> str:
    home = str(folder)
    return run([program("cosign"), *arguments], folder, {"HOME": home, "DOCKER_CONFIG": home})


def test_real_cosign_accepts_what_is_signed(sigstore: LocalSigstore, tmp_path: Path) -> None:
    evidence: SignedEvidence = signer(sigstore, "github").sign(STATEMENT)
    (tmp_path / "bundle.json").write_bytes(evidence.bundle)
    verifying = [
        "verify-blob-attestation",
        "--bundle=bundle.json",
        f"--trusted-root={sigstore.trusted_root}",
        f"--certificate-oidc-issuer={sigstore.issuer.name('github')}",
        f"--type={PREDICATE_TYPE}",
        f"--digest={DIGEST.removeprefix('sha256:')}",
        "--digestAlg=sha256",
    ]
    cosign(tmp_path, *verifying, f"--certificate-identity={SUBJECTS['github']}")
    with pytest.raises(AssertionError, match="expected SAN value"):
        cosign(tmp_path, *verifying, "--certificate-identity=https://github.com/somebody/else")


def test_what_real_cosign_signs_counts(sigstore: LocalSigstore, tmp_path: Path) -> None:
    (tmp_path / "artifact").write_bytes(b"an image")
    (tmp_path / "predicate.json").write_text(json.dumps(predicate()))
    (tmp_path / "token").write_text(sigstore.issuer.token("gitlab"))
    cosign(
        tmp_path,
        "attest-blob",
        "--yes",
        "--identity-token=token",
        f"--signing-config={sigstore.signing_config}",
        f"--trusted-root={sigstore.trusted_root}",
        "--predicate=predicate.json",
        f"--type={PREDICATE_TYPE}",
        "--bundle=bundle.json",
        "artifact",
    )
    trusted = policy(sigstore, SUBJECTS["gitlab"], sigstore.issuer.name("gitlab"))
    digest = f"sha256:{hashlib.sha256(b'an image').hexdigest()}"
    assert verify((tmp_path / "bundle.json").read_bytes(), digest, None, trusted).signers == ("robot",)
