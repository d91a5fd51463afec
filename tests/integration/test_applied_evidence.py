"""Evidence that `evidence-gate attest --apply` has put into a real cluster counts there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, image_of
from tests.harness.polling import poll
from tests.integration.conftest import GateStarter
from tests.publish.making import evidence
from tests.support.statements import OTHER_IMAGE
from webhook.attest.signing.signed import SignedEvidence
from webhook.errors import UnavailableError
from webhook.kube.api_errors import ApiStatusError
from webhook.kube.opening import open_client
from webhook.publish.resource import apply_evidence, resource_name

UNTIL_SEEN = 5.0
GATE = Path(sys.executable).with_name("evidence-gate")
PROFILE = Path(__file__).resolve().parents[2] / "manifests" / "examples" / "profiles" / "cart.folded"


def attest(folder: Path, signer: Signer, image: str, kubeconfig: Path) -> subprocess.CompletedProcess[str]:
    """Runs the command line with somebody's key."""
    pem = signer._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    what = [f"--image={image}", "--environment=staging", f"--profile={PROFILE}", "--observed-until=now"]
    where = ["--apply", f"--kubeconfig={kubeconfig}"]
    return subprocess.run(
        [GATE, "attest", *what, "--key=key.pem", *where],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(folder)},
    )


def may_create(control_plane: ControlPlane, user: str, *verbs: str) -> Path:
    """Makes a user with some rights to evidence."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": user},
        "rules": [{"apiGroups": ["stella.ops"], "resources": ["executionevidences"], "verbs": list(verbs)}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    apply(control_plane, role, binding)
    return control_plane.kubeconfig_for(user)


@pytest.mark.usefixtures("evidence_kind")
def test_what_a_pipeline_applies_admits_the_image(
    start_gate: GateStarter, control_plane: ControlPlane, tmp_path: Path
) -> None:
    gate = start_gate("applied", stores={"cluster": {}})
    namespace = Namespace.new(control_plane, "applied")
    image = image_of("applied")
    assert not namespace.admits(image)
    # Nothing but the right to create is needed.
    done = attest(tmp_path, gate.signer, image, may_create(control_plane, "pipeline", "create"))
    assert done.returncode == 0, done.stderr
    assert "applied: ExecutionEvidence sha256-" in done.stderr
    poll(lambda: namespace.admits(image), UNTIL_SEEN, "the image is admitted")


@pytest.mark.usefixtures("evidence_kind")
def test_who_may_not_create_is_told_so(control_plane: ControlPlane, tmp_path: Path) -> None:
    done = attest(tmp_path, Signer.new(), image_of("forbidden"), may_create(control_plane, "reader", "get"))
    assert done.returncode == 3
    assert (
        "not applied: the API server does not let this user create ExecutionEvidence resources (403)" in done.stderr
    )


@pytest.mark.usefixtures("evidence_kind")
@pytest.mark.parametrize("form", ["envelope", "bundle"])
async def test_the_same_evidence_twice_is_one_object(control_plane: ControlPlane, form: str) -> None:
    signed = evidence(OTHER_IMAGE, note=form)
    if form == "bundle":
        signed = SignedEvidence(signed.payload, signed.digests, None, signed.bundle)
    async with open_client(control_plane.kubeconfig) as client:
        applied = [await apply_evidence(client, signed) for _ in range(2)]
    assert [one.created for one in applied] == [True, False]
    assert {one.name for one in applied} == {resource_name(signed)}
    stored = json.loads(control_plane.kubectl("get", "exev", applied[0].name, "-o", "json").stdout)
    assert list(stored["spec"]) == [form]
    assert stored["metadata"]["generation"] == 1


@pytest.mark.usefixtures("evidence_kind")
async def test_what_the_definition_refuses_is_told(control_plane: ControlPlane) -> None:
    signed = evidence(OTHER_IMAGE)
    wrong = SignedEvidence(b"", signed.digests, b'{"payload":"","payloadType":"text/plain","signatures":[]}', b"")
    async with open_client(control_plane.kubeconfig) as client:
        with pytest.raises(UnavailableError, match=r"does not take the evidence as an ExecutionEvidence \(422\)"):
            await apply_evidence(client, wrong)


async def test_a_cluster_without_the_definition_answers_404(control_plane: ControlPlane) -> None:
    async with open_client(control_plane.kubeconfig) as client:
        with pytest.raises(ApiStatusError) as caught:
            await client.send("POST", "/apis/stella.ops/v1alpha1/nothingofthekind", {"metadata": {"name": "x"}})
    assert caught.value.status == 404
