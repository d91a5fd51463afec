"""Keyless evidence beside an image in a real registry: ours for real cosign, and real cosign's for us."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.harness.command import run
from tests.harness.cosign import PREDICATE_TYPE, predicate
from tests.harness.registry import Registry
from tests.harness.sigstore import LocalSigstore
from tests.tools.build import program
from webhook.cli.main import main

pytestmark = pytest.mark.integration

PROFILES = Path(__file__).parents[2] / "manifests" / "examples" / "profiles"
WORKFLOW = "https://github.com/shop/cart/.github/workflows/evidence.yml@refs/heads/main"


@pytest.fixture(scope="module")
def sigstore() -> Iterator[LocalSigstore]:
    with LocalSigstore() as running:
        yield running


@pytest.fixture(scope="module", params=[True, False], ids=["with the API", "without it"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with the referrers API, and one without."""
    with Registry(tmp_path_factory.mktemp("registry"), referrers=request.param) as running:
        yield running


@pytest.fixture
def image(registry: Registry) -> str:
    """An image that nothing is known about."""
    shop = registry.repository(f"shop/{uuid.uuid4().hex[:8]}")
    return f"{shop.repository}@{shop.image('cart')}"


@pytest.fixture
def folder(tmp_path: Path, sigstore: LocalSigstore, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a job that has a token, and no login."""
    (tmp_path / "token").write_text(sigstore.issuer.token("github"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def cosign(folder: Path, *arguments: str) -> str:
    home = str(folder)
    given = (*arguments, "--allow-http-registry")
    return run([program("cosign"), *given], folder, {"HOME": home, "DOCKER_CONFIG": home})


def signed_by(sigstore: LocalSigstore, identity: str = WORKFLOW) -> list[str]:
    """The options by which both tools are told whom to believe."""
    return [
        f"--certificate-identity={identity}",
        f"--certificate-oidc-issuer={sigstore.issuer.name('github')}",
        f"--trusted-root={sigstore.trusted_root}",
    ]


def test_real_cosign_finds_and_accepts_what_is_pushed(image: str, folder: Path, sigstore: LocalSigstore) -> None:
    given = ["attest", f"--image={image}", f"--profile={PROFILES / 'cart.folded'}", "--environment=staging"]
    given += ["--observed-until=now", "--keyless", f"--identity-token-file={folder / 'token'}"]
    result = CliRunner().invoke(main, [*given, f"--trust-config={sigstore.trust_config}", "--push"])
    assert result.exit_code == 0, result.output
    verifying = ("verify-attestation", image, f"--type={PREDICATE_TYPE}")
    cosign(folder, *verifying, *signed_by(sigstore))
    with pytest.raises(AssertionError, match="no matching attestations"):
        cosign(folder, *verifying, *signed_by(sigstore, "https://github.com/somebody/else"))


def test_what_real_cosign_attests_is_found_and_accepted(image: str, folder: Path, sigstore: LocalSigstore) -> None:
    (folder / "predicate.json").write_text(json.dumps(predicate()))
    attesting = ("attest", image, "--yes", "--identity-token=token", f"--signing-config={sigstore.signing_config}")
    what = ("--predicate=predicate.json", f"--type={PREDICATE_TYPE}")
    cosign(folder, *attesting, *what, f"--trusted-root={sigstore.trusted_root}")
    assert listed(image, *signed_by(sigstore)) == ["nothing"]
    assert listed(image, *signed_by(sigstore, "https://github.com/somebody/else")) == ["EvidenceUntrusted"]


def listed(image: str, *trust: str) -> list[str]:
    """What `evidence-gate evidence list` has against each statement about an image."""
    result = CliRunner().invoke(main, ["evidence", "list", image, *trust, "-o", "json"])
    return [entry.get("reason", "nothing") for entry in json.loads(result.stdout)["statements"]]
