"""The simulated Sigstore against real ones: what it makes others accept, what others make the gate accepts."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from sigstore.dsse import Statement
from sigstore.errors import Error
from sigstore.models import Bundle, ClientTrustConfig, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from tests.harness.command import run
from tests.harness.sigstore import LocalSigstore
from tests.simulators.oidc_issuer import Kind
from tests.simulators.sigstore import root_bytes
from tests.simulators.sigstore_certificates import ISSUER, SUBJECT
from tests.support.envelopes import dump
from tests.support.identities import believing, identity
from tests.support.statements import PREDICATE_TYPE
from tests.support.verdicts import UNTRUSTED, VERIFIED, names, verdict
from tests.tools.build import program
from tests.trust.keyless_cases import BODY, GOOD, NOT_CERTIFIED, NOT_IN_THE_LOG, TIMELESS, UNREADABLE, WORLD, Make
from webhook.trust.certificate import identity_of, load_certificate

pytestmark = pytest.mark.integration

COSIGN_ACCEPTS = frozenset(
    {
        # It goes by the entry's body alone, and never looks at the kind that stands beside it.
        "a promise with an entry that has none",
        "a version that nobody knows",
        "another kind",
        # It asks a certificate for nothing but that its usages, if it has any, hold code signing.
        "for nothing",
        "not for signing at all",
        "an authority's certificate",
        # It counts a timestamp that is there twice once.
        "the same timestamp twice",
    }
)
"""What is wrong and yet good enough for cosign 3.1.3; the gate, like sigstore-python, refuses it."""

BAD = [*NOT_CERTIFIED, *TIMELESS, *UNREADABLE, *NOT_IN_THE_LOG]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("root") / "trusted_root.json"
    file.write_bytes(root_bytes(WORLD))
    return file


@pytest.fixture(scope="module")
def library(root: Path) -> Verifier:
    return Verifier(trusted_root=TrustedRoot.from_file(str(root)))


def by_library(verifier: Verifier, bundle: dict[str, Any]) -> bool:
    """Whether sigstore-python's own verifier, asked directly, accepts."""
    try:
        verifier.verify_dsse(Bundle.from_json(dump(bundle)), Identity(identity=SUBJECT, issuer=ISSUER))
    except (Error, ValueError, x509.ExtensionNotFound):
        return False
    return True


def by_cosign(bundle: dict[str, Any], root: Path, folder: Path) -> bool:
    """Whether the real cosign accepts."""
    (folder / "bundle.json").write_text(json.dumps(bundle))
    promised = "inclusionPromise" in bundle["verificationMaterial"]["tlogEntries"][0]
    command: list[str | Path] = [
        program("cosign"),
        "verify-blob-attestation",
        "--bundle=bundle.json",
        f"--trusted-root={root}",
        f"--certificate-identity={SUBJECT}",
        f"--certificate-oidc-issuer={ISSUER}",
        f"--type={PREDICATE_TYPE}",
        "--check-claims=false",
        *([] if promised else ["--use-signed-timestamps"]),
    ]
    try:
        run(command, folder, {"HOME": str(folder)})
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(("what", "make"), GOOD, ids=names(GOOD))
def test_what_the_simulator_makes_others_accept(
    what: str, make: Make, library: Verifier, root: Path, tmp_path: Path
) -> None:
    bundle = make()
    assert by_library(library, bundle), what
    assert by_cosign(bundle, root, tmp_path), what


@pytest.mark.parametrize(("what", "make"), BAD, ids=names(BAD))
def test_what_is_wrong_others_refuse_too(
    what: str, make: Make, library: Verifier, root: Path, tmp_path: Path
) -> None:
    bundle = make()
    assert not by_library(library, bundle), what
    assert by_cosign(bundle, root, tmp_path) == (what in COSIGN_ACCEPTS), what


@pytest.fixture(scope="module")
def real() -> Iterator[LocalSigstore]:
    with LocalSigstore() as running:
        yield running


@pytest.mark.parametrize("kind", ["email", "github", "gitlab"])
def test_what_sigstore_python_signs_with_a_real_sigstore_is_verified(real: LocalSigstore, kind: Kind) -> None:
    config = ClientTrustConfig.from_json(real.trust_config.read_text())
    context = SigningContext.from_trust_config(config)
    with context.signer(IdentityToken(real.issuer.token(kind))) as signer:
        bundle = json.loads(signer.sign_dsse(Statement(BODY)).to_json())
    judge_real(bundle, real, kind)


@pytest.mark.parametrize("kind", ["email", "github"])
def test_what_cosign_signs_with_a_real_sigstore_is_verified(real: LocalSigstore, kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "statement.json").write_bytes(BODY)
    (tmp_path / "token").write_text(real.issuer.token(kind))
    command: list[str | Path] = [
        program("cosign"),
        "attest-blob",
        "--yes",
        "--statement=statement.json",
        "--identity-token=token",
        f"--signing-config={real.signing_config}",
        f"--trusted-root={real.trusted_root}",
        "--bundle=bundle.json",
    ]
    run(command, tmp_path, {"HOME": str(tmp_path)})
    judge_real(json.loads((tmp_path / "bundle.json").read_bytes()), real, kind)


def judge_real(bundle: dict[str, Any], real: LocalSigstore, kind: Kind) -> None:
    """It verifies for the identity of the token, and for no other issuer's and under no other root."""
    found = identity_of(load_certificate(base64.b64decode(bundle["verificationMaterial"]["certificate"]["rawBytes"])))
    assert found.issuer == real.issuer.name(kind)
    content = real.trusted_root.read_bytes()
    policy = believing(content, identity(found.subject, found.issuer))
    assert verdict(dump(bundle), policy) == VERIFIED
    assert verdict(dump(bundle), believing(content, identity(found.subject, ISSUER))) == UNTRUSTED
    assert verdict(dump(bundle), believing(WORLD, identity(found.subject, found.issuer))) == UNTRUSTED
