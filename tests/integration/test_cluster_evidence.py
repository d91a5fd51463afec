"""Evidence as a resource of the cluster, put there by kubectl."""

import json
from typing import Any

import pytest

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of, statement
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.integration.conftest import GateStarter

UNTIL_SEEN = 5.0


def resource(gate: Gate, name: str, image: str, **predicate: Any) -> str:
    envelope = json.loads(gate.signer.sign(statement(digest_of(image), **predicate)))
    return json.dumps(
        {
            "apiVersion": "stella.ops/v1alpha1",
            "kind": "ExecutionEvidence",
            "metadata": {"name": name},
            "spec": {"envelope": envelope},
        }
    )


@pytest.mark.usefixtures("evidence_kind")
def test_evidence_that_is_applied_admits_and_evidence_that_is_deleted_does_not(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("cluster-store", stores={"cluster": {}})
    namespace = Namespace.new(control_plane, "cluster-store")
    assert not namespace.admits(image_of("cart"))
    control_plane.kubectl("apply", "-f", "-", stdin=resource(gate, "cart-staging", "cart"))
    poll(lambda: namespace.admits(image_of("cart")), UNTIL_SEEN, "the image is admitted")
    control_plane.kubectl("delete", "exev", "cart-staging")
    poll(lambda: not namespace.admits(image_of("cart")), UNTIL_SEEN, "the image is denied again")


@pytest.mark.usefixtures("evidence_kind")
def test_evidence_that_was_there_before_the_start_counts_at_once(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("cluster-start", stores={"cluster": {}})
    namespace = Namespace.new(control_plane, "cluster-start")
    control_plane.kubectl("apply", "-f", "-", stdin=resource(gate, "early-staging", "early"))
    gate.program.kill()
    gate.start()
    # A connection that the killed process left may fail once; a denial would be our own.
    refusals = poll(lambda: _verdict(namespace, "early"), UNTIL_SEEN, "the webhook is asked")
    assert refusals == "admitted"


@pytest.mark.usefixtures("evidence_kind")
def test_evidence_in_the_cluster_is_as_little_trusted_as_anywhere(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("cluster-trust", stores={"cluster": {}})
    namespace = Namespace.new(control_plane, "cluster-trust")
    stranger = json.loads(resource(gate, "forged-staging", "forged"))
    stranger["spec"]["envelope"]["signatures"][0]["sig"] = "MEUCIQ=="
    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(stranger))
    control_plane.kubectl("apply", "-f", "-", stdin=resource(gate, "honest-staging", "honest"))
    poll(lambda: namespace.admits(image_of("honest")), UNTIL_SEEN, "the later one is seen")
    assert not namespace.admits(image_of("forged"))


def _verdict(namespace: Namespace, image: str) -> str:
    answer = namespace.kubectl(
        "create", "deployment", "asked", f"--image={image_of(image)}", "--dry-run=server", check=False
    )
    if answer.returncode == 0:
        return "admitted"
    return "denied" if "denied the request" in answer.stderr else ""
