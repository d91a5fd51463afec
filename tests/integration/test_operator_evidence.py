"""What the operator writes into ExecutionEvidence, as kubectl shows it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, digest_of, statement
from tests.harness.polling import poll
from tests.operator.process import Operator, make_operator_account

CRD = Path(__file__).resolve().parents[2] / "manifests" / "crds" / "executionevidences.yaml"
UNTIL_SEEN = 15.0
RETENTION_HOURS = 2160


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    control_plane.kubectl("apply", "-f", str(CRD))
    name = "crd/executionevidences.stella.ops"
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", name)
    namespace = Namespace.new(control_plane, None).name
    kubeconfig = make_operator_account(control_plane, namespace, "nobody")
    retention = f"--retention={RETENTION_HOURS}h"
    with Operator(tmp_path_factory.mktemp("operator"), kubeconfig, namespace, "nobody", retention) as running:
        yield running


def put(control_plane: ControlPlane, name: str, signer: Signer, **predicate: Any) -> str:
    envelope = json.loads(signer.sign(statement(digest_of(name), **predicate)))
    manifest = {
        "apiVersion": "stella.ops/v1alpha1",
        "kind": "ExecutionEvidence",
        "metadata": {"name": name},
        "spec": {"envelope": envelope},
    }
    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    return name


def read(control_plane: ControlPlane, name: str) -> dict[str, Any]:
    obj: dict[str, Any] = json.loads(control_plane.kubectl("get", "exev", name, "-o", "json").stdout)
    return obj


def condition(control_plane: ControlPlane, name: str) -> tuple[str, str] | None:
    conditions = read(control_plane, name).get("status", {}).get("conditions", [])
    return next(((entry["status"], entry["reason"]) for entry in conditions if entry["type"] == "Verified"), None)


def test_kubectl_shows_what_was_verified(control_plane: ControlPlane, operator: Operator) -> None:
    name = put(control_plane, "shown", operator.signer, hotSymbolCount=7, uniqueCallPaths=4)
    poll(lambda: condition(control_plane, name), UNTIL_SEEN, "the status is written")
    header, row = control_plane.kubectl("get", "exev", name).stdout.splitlines()
    assert " ".join(header.split()) == "NAME VERIFIED ENVIRONMENT HOT SYMBOLS CALL PATHS SIGNER AGE"
    assert row.split()[:6] == [name, "True", "staging", "7", "4", "staging"]
    assert read(control_plane, name)["status"]["subjects"] == [digest_of("shown")]


def test_a_stranger_s_evidence_is_not_verified_and_its_claims_are_not_shown(
    control_plane: ControlPlane,
    operator: Operator,  # noqa: ARG001 - it must run
) -> None:
    name = put(control_plane, "strange", Signer.new())
    found = poll(lambda: condition(control_plane, name), UNTIL_SEEN, "the status is written")
    assert found == ("False", "EvidenceUntrusted")
    assert read(control_plane, name)["status"].keys() == {"conditions"}


def test_the_object_itself_stays_as_its_author_wrote_it(control_plane: ControlPlane, operator: Operator) -> None:
    name = put(control_plane, "untouched", operator.signer)
    poll(lambda: condition(control_plane, name), UNTIL_SEEN, "the status is written")
    metadata = read(control_plane, name)["metadata"]
    assert metadata.get("finalizers") is None
    assert metadata["annotations"].keys() == {"kubectl.kubernetes.io/last-applied-configuration"}
    assert metadata["generation"] == 1


def test_new_keys_lead_to_a_new_verdict(control_plane: ControlPlane, operator: Operator) -> None:
    name = put(control_plane, "turning", operator.signer)
    poll(lambda: condition(control_plane, name) == ("True", "SignedByTrustedKeys"), UNTIL_SEEN, "it is verified")
    operator.trust(Signer.new())
    try:
        refused = ("False", "EvidenceUntrusted")
        poll(lambda: condition(control_plane, name) == refused, UNTIL_SEEN, "it is no longer")
        assert read(control_plane, name)["status"].keys() == {"conditions"}
    finally:
        operator.trust(operator.signer)
    poll(lambda: condition(control_plane, name) == ("True", "SignedByTrustedKeys"), UNTIL_SEEN, "it is again")


def test_evidence_older_than_the_retention_is_deleted_and_younger_is_kept(
    control_plane: ControlPlane, operator: Operator
) -> None:
    young = put(control_plane, "young", operator.signer, observedFrom=None, observedUntil=ago(RETENTION_HOURS - 1))
    old = put(control_plane, "old", operator.signer, observedFrom=None, observedUntil=ago(RETENTION_HOURS + 1))
    gone = lambda: control_plane.kubectl("get", "exev", old, check=False).returncode != 0  # noqa: E731 - short
    poll(gone, UNTIL_SEEN, "the old one is deleted")
    poll(lambda: condition(control_plane, young), UNTIL_SEEN, "the young one has a status")
