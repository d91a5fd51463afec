"""The shipped examples in a cluster, as `kubectl apply` brings them there."""

import shutil
from pathlib import Path

import pytest

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.polling import poll
from tests.integration.conftest import GateStarter

EXAMPLES = Path(__file__).resolve().parents[2] / "manifests" / "examples"
SECONDS = 10.0


@pytest.fixture
def namespace(start_gate: GateStarter, control_plane: ControlPlane) -> Namespace:
    """A namespace of a gate that trusts the examples' key and knows their evidence."""
    gate = start_gate("examples", stores={"cluster": {}})
    shutil.copy(EXAMPLES / "evidence" / "staging.pub", gate.folder / "staging.pub")
    control_plane.kubectl("apply", "-f", str(EXAMPLES / "evidence" / "executionevidences.yaml"))
    return Namespace.new(control_plane, "examples")


@pytest.mark.usefixtures("evidence_kind")
def test_each_example_gets_its_verdict_from_the_evidence_that_is_shipped(namespace: Namespace) -> None:
    def answer(manifest: str) -> str:
        return namespace.kubectl("create", "-f", str(EXAMPLES / manifest), "--dry-run=server", check=False).stderr

    poll(lambda: not answer("deployment-observed.yaml"), SECONDS, "the observed image is admitted")
    assert "(EvidenceInsufficient)" in answer("deployment-hardly-observed.yaml")
    assert "(EvidenceUntrusted)" in answer("deployment-stranger.yaml")
    assert "(EvidenceMissing)" in answer("deployment-unobserved.yaml")
