"""A pod's own account as who signs: a real API server issues the token, the real Fulcio asks it for its keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attest.signing.making import DIGEST, payload
from tests.harness.control_plane import ControlPlane
from tests.harness.sigstore import LocalSigstore
from webhook.attest.signing.keyless import KeylessSigner
from webhook.attest.signing.keyless_identity import token_from_file
from webhook.errors import UnavailableError
from webhook.trust.identity import TextRule, TrustedIdentity
from webhook.trust.policy import TrustPolicy
from webhook.trust.root import TrustedRoot
from webhook.trust.verify import verify

pytestmark = pytest.mark.integration

SUBJECT = "https://kubernetes.io/namespaces/observing/serviceaccounts/observer"
"""Fulcio, docs/oidc.md, "Kubernetes"."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    """A cluster with the account, which lets anybody read the keys of its tokens."""
    with ControlPlane() as running:
        running.kubectl("create", "namespace", "observing")
        running.kubectl("create", "serviceaccount", "observer", "--namespace=observing")
        binding = ("create", "clusterrolebinding", "token-keys", "--group=system:unauthenticated")
        running.kubectl(*binding, "--clusterrole=system:service-account-issuer-discovery")
        yield running


@pytest.fixture(scope="module")
def sigstore(cluster: ControlPlane) -> Iterator[LocalSigstore]:
    with LocalSigstore({cluster.url: {"type": "kubernetes", "ca-cert": cluster.ca_pem.decode()}}) as running:
        yield running


def token(cluster: ControlPlane, folder: Path, audience: str) -> Path:
    """Writes what a projected volume of a pod of the account holds."""
    asking = ("create", "token", "observer", "--namespace=observing", f"--audience={audience}")
    (folder / "token").write_text(cluster.kubectl(*asking).stdout)
    return folder / "token"


def test_a_service_account_signs_as_itself(cluster: ControlPlane, sigstore: LocalSigstore, tmp_path: Path) -> None:
    path = token(cluster, tmp_path, "sigstore")
    keyless = KeylessSigner.open(lambda: token_from_file(path), sigstore.trust_config.read_bytes())
    identity = TrustedIdentity("observer", TextRule(cluster.url), TextRule(SUBJECT))
    root = TrustedRoot.load(sigstore.trusted_root.read_bytes())
    verified = verify(keyless.sign(payload()).bundle, DIGEST, None, TrustPolicy(identities=(identity,), root=root))
    assert verified.signers == ("observer",)


def test_the_token_that_every_pod_has_is_not_given_away(
    cluster: ControlPlane, sigstore: LocalSigstore, tmp_path: Path
) -> None:
    """It is for the API server, and would let Fulcio, or who stands in for it, act as the pod."""
    path = token(cluster, tmp_path, cluster.url)
    keyless = KeylessSigner.open(lambda: token_from_file(path), sigstore.trust_config.read_bytes())
    with pytest.raises(UnavailableError, match="not for the audience `sigstore`"):
        keyless.sign(payload())
