"""Without a key: the observer signs as its ServiceAccount, by real tokens of the API server and the real Fulcio."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.sigstore import LocalSigstore
from tests.integration.conftest import GateStarter
from tests.integration.soak import Soak, lines
from tests.simulators.profile_server import ProfileServerSimulator

SECONDS = 30.0
ACCOUNT = "observer"
AUDIENCE = "sigstore"
# Whoever checks a token fetches the issuer's keys, and is nobody to the API server.
DISCOVERY = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "issuer-discovery"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "system:service-account-issuer-discovery",
    },
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:unauthenticated"}],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ProfileServerSimulator]:
    with ProfileServerSimulator(tmp_path) as running:
        yield running


@pytest.fixture
def home(control_plane: ControlPlane) -> Namespace:
    """A namespace with the observer's account."""
    apply(control_plane, DISCOVERY)
    made = Namespace.new(control_plane, None)
    made.kubectl("create", "serviceaccount", ACCOUNT)
    return made


@pytest.fixture
def sigstore(control_plane: ControlPlane) -> Iterator[LocalSigstore]:
    issuer = {
        "issuer-url": control_plane.url,
        "client-id": AUDIENCE,
        "type": "kubernetes",
        "ca-cert": control_plane.ca_pem.decode(),
    }
    with LocalSigstore(issuers={control_plane.url: issuer}) as running:
        yield running


def signing(home: Namespace, sigstore: LocalSigstore, folder: Path) -> dict[str, object]:
    token = home.kubectl("create", "token", ACCOUNT, "--audience", AUDIENCE).stdout
    (folder / "token").write_text(token)
    return {"keyless": {"identityTokenFile": "token", "trustConfig": str(sigstore.trust_config)}}


@pytest.mark.usefixtures("evidence_kind")
def test_evidence_of_the_observer_s_account_admits(  # noqa: PLR0913, PLR0917 - fixtures
    control_plane: ControlPlane,
    server: ProfileServerSimulator,
    home: Namespace,
    sigstore: LocalSigstore,
    start_gate: GateStarter,
    tmp_path: Path,
) -> None:
    subject = f"https://kubernetes.io/namespaces/{home.name}/serviceaccounts/{ACCOUNT}"
    identity = {"name": ACCOUNT, "issuer": control_plane.url, "subject": subject}
    trust = {"identities": [identity], "trustedRoot": str(sigstore.trusted_root)}
    soak = Soak.new(control_plane, server, tmp_path, trust=trust)
    start_gate(soak.target, **soak.gate)
    production = Namespace.new(control_plane, soak.target)
    soak.pod("cart-0", image_of("keyless"), image_of("keyless"))
    soak.profile("cart-0")
    for outcome in ("attested", "fresh"):
        answer = soak.observe(signing=signing(home, sigstore, tmp_path))
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert [line["outcome"] for line in lines(answer)] == [outcome], answer.stdout
    poll(lambda: production.admits(image_of("keyless")), SECONDS, "the image is admitted")


@pytest.mark.usefixtures("evidence_kind")
def test_another_account_is_refused_before_anything_is_published(
    control_plane: ControlPlane,
    server: ProfileServerSimulator,
    home: Namespace,
    sigstore: LocalSigstore,
    tmp_path: Path,
) -> None:
    identity = {"name": ACCOUNT, "issuer": control_plane.url, "subject": "https://kubernetes.io/namespaces/a"}
    trust = {"identities": [identity], "trustedRoot": str(sigstore.trusted_root)}
    soak = Soak.new(control_plane, server, tmp_path, trust=trust)
    soak.pod("cart-0", image_of("stranger's"), image_of("stranger's"))
    soak.profile("cart-0")
    answer = soak.observe(signing=signing(home, sigstore, tmp_path))
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert [line["outcome"] for line in lines(answer)] == ["refused"]


@pytest.mark.usefixtures("evidence_kind")
def test_a_token_that_is_missing_is_told_with_its_file(
    control_plane: ControlPlane, server: ProfileServerSimulator, tmp_path: Path
) -> None:
    soak = Soak.new(control_plane, server, tmp_path)
    soak.pod("cart-0", image_of("tokenless"), image_of("tokenless"))
    soak.profile("cart-0")
    with LocalSigstore() as sigstore:
        keyless = {"identityTokenFile": "none", "trustConfig": str(sigstore.trust_config)}
        answer = soak.observe(signing={"keyless": keyless})
    assert answer.returncode == 3
    [told] = lines(answer)
    assert told["outcome"] == "unknown"
    assert f"{tmp_path}/none cannot be read" in told["detail"]
