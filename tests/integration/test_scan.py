"""`evidence-gate scan` on a real API server: it says what the webhook would."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, digest_of, image_of, statement
from tests.harness.workloads import ROLLOUT_CRD, deployment, workload
from tests.support.rules import OPEN

Scan = Callable[..., subprocess.CompletedProcess[str]]
ENVIRONMENTS = ("strict", "lenient")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration with evidence about `seen`; `strict` blocks, `lenient` warns."""
    signer = Signer.new()
    (tmp_path / "staging.pub").write_bytes(signer.public_pem)
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "seen.json").write_text(signer.sign(statement(digest_of("seen"))))
    configure(tmp_path)
    return tmp_path


def configure(folder: Path, **sections: Any) -> None:
    gate = {
        "Enabled": True,
        "MissingEvidenceAction": "Block",
        "RequiredEnvironments": list(ENVIRONMENTS),
        "Overrides": {"lenient": {"MissingEvidenceAction": "Warn"}},
    }
    document = {
        "PolicyGates": {"ExecutionEvidence": gate},
        "stores": {"directory": {"path": "evidence"}},
        "trust": {"keys": [{"name": "staging", "file": "staging.pub"}]},
        "disclosure": OPEN,
        **sections,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(document))


@pytest.fixture
def scan(control_plane: ControlPlane, folder: Path) -> Scan:
    def run(namespace: Namespace | None, *options: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("evidence-gate")), "scan"]
        command += [f"--config={folder / 'config.yaml'}", f"--kubeconfig={control_plane.kubeconfig}", *options]
        command += [] if namespace is None else ["-n", namespace.name]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=dict(os.environ))

    return run


def workloads(result: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in json.loads(result.stdout)["workloads"]}


@pytest.fixture
def strict(control_plane: ControlPlane) -> Namespace:
    return Namespace.new(control_plane, "strict")


@pytest.fixture
def lenient(control_plane: ControlPlane) -> Namespace:
    return Namespace.new(control_plane, "lenient")


def test_nothing_to_deny_is_zero(scan: Scan, strict: Namespace) -> None:
    strict.create(deployment("seen", image_of("seen")))
    result = scan(strict)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "1 workloads: 1 admitted; 0 would be denied if every action were Block\n"


def test_what_would_be_denied_is_one_and_stands_in_the_table(scan: Scan, strict: Namespace) -> None:
    for name in ("seen", "unseen"):
        strict.create(deployment(name, image_of(name)))
    result = scan(strict)
    assert result.returncode == 1
    head, row, total = result.stdout.splitlines()
    assert head.split() == ["NAMESPACE", "WORKLOAD", "TODAY", "IF", "BLOCK", "REASON", "IMAGE"]
    columns = [strict.name, "Deployment/unseen", "denied", "denied", "EvidenceMissing"]
    assert row.split() == [*columns, image_of("unseen")]
    assert total == "2 workloads: 1 denied, 1 admitted; 1 would be denied if every action were Block"


def test_what_is_warned_of_today_would_be_denied_if_all_blocked(scan: Scan, lenient: Namespace) -> None:
    lenient.create(deployment("unseen", image_of("unseen")))
    result = scan(lenient, "-o", "json")
    found = workloads(result)["unseen"]
    assert result.returncode == 0
    assert (found["today"], found["ifBlock"], found["environment"]) == ("warned", "denied", "lenient")
    [finding] = found["findings"]
    assert (finding["gate"], finding["result"], finding["reason"]) == (
        "execution-evidence",
        "warn",
        "EvidenceMissing",
    )


def test_all_namespaces_of_required_environments_and_no_others_are_scanned(
    scan: Scan, strict: Namespace, lenient: Namespace, control_plane: ControlPlane
) -> None:
    other = Namespace.new(control_plane, "unrequired")
    for namespace in (strict, lenient, other):
        namespace.create(deployment("unseen", image_of("unseen")))
    result = scan(None, "-o", "json")
    assert result.returncode == 1
    found = {entry["namespace"] for entry in json.loads(result.stdout)["workloads"]}
    assert {strict.name, lenient.name} <= found
    assert other.name not in found
    spared = scan(None, "-o", "json", f"--excluded-namespace={strict.name}")
    assert strict.name not in {entry["namespace"] for entry in json.loads(spared.stdout)["workloads"]}
    assert scan(other).stdout.startswith("0 workloads: none;")


def test_what_cannot_be_found_out_is_three_and_no_denial(scan: Scan, strict: Namespace, folder: Path) -> None:
    # Nothing listens there.
    registry = {
        "allow": ["127.0.0.1:1/*"],
        "hosts": {"127.0.0.1:1": {"insecure": True, "addresses": ["127.0.0.0/8"]}},
    }
    configure(folder, stores={"registry": registry})
    strict.create(deployment("unknown", f"127.0.0.1:1/cart@{digest_of('unknown')}"))
    result = scan(strict, "-o", "json")
    assert result.returncode == 3
    found = workloads(result)["unknown"]
    assert (found["today"], found["ifBlock"]) == ("unknown", "unknown")
    assert found["findings"][0]["reason"] == "EvidenceUnavailable"


def test_a_cluster_that_cannot_be_read_is_three(scan: Scan, folder: Path, control_plane: ControlPlane) -> None:
    nobody = control_plane.kubeconfig_for("nobody")
    result = scan(None, f"--kubeconfig={nobody}")
    assert result.returncode == 3
    assert result.stderr == "the cluster cannot be read: the API server answered 403\n"
    assert folder.is_dir()


def test_a_rollout_is_judged_by_what_it_refers_to(scan: Scan, strict: Namespace, control_plane: ControlPlane) -> None:
    apply(control_plane, ROLLOUT_CRD)
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/rollouts.argoproj.io")
    strict.create(deployment("unseen", image_of("unseen"), replicas=0))
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "unseen"}
    rollout = workload("Rollout", "refers", image_of("seen"))
    del rollout["spec"]["template"]
    rollout["spec"]["workloadRef"] = reference
    strict.create(rollout)
    result = scan(strict, "-o", "json")
    assert {name: entry["today"] for name, entry in workloads(result).items()} == {
        "unseen": "denied",
        "refers": "denied",
    }


def test_who_was_let_past_the_gate_once_is_not_for_ever(scan: Scan, strict: Namespace, folder: Path) -> None:
    configure(folder, breakGlass={"enabled": True})
    manifest = deployment("urgent", image_of("unseen"))
    manifest["metadata"]["annotations"] = {
        "stella.ops/break-glass": "the shop is down",
        "stella.ops/break-glass-expires": "2999-01-01T00:00:00Z",
    }
    strict.create(manifest)
    assert workloads(scan(strict, "-o", "json"))["urgent"]["today"] == "denied"


def test_history_is_not_what_runs(scan: Scan, strict: Namespace, folder: Path) -> None:
    configure(folder, workloads=["Deployment", "ReplicaSet"])
    strict.create(deployment("seen", image_of("seen")))
    uid = json.loads(strict.kubectl("get", "deployment", "seen", "-o", "json").stdout)["metadata"]["uid"]
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "seen", "uid": uid, "controller": True}
    for name, replicas in (("old", 0), ("current", 1)):
        manifest = workload("ReplicaSet", name, image_of("unseen"), replicas=replicas)
        manifest["metadata"]["ownerReferences"] = [owner]
        strict.create(manifest)
    strict.create(workload("ReplicaSet", "of-its-own", image_of("unseen"), replicas=0))
    assert set(workloads(scan(strict, "-o", "json"))) == {"seen", "current", "of-its-own"}


def test_a_namespace_that_no_cluster_can_have_is_refused(scan: Scan) -> None:
    result = scan(None, "-n", "../secrets")
    assert result.returncode == 2
    assert "write the name of a namespace" in result.stderr
