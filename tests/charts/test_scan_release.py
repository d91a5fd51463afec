"""The release's own operator scans with the release's own rights, and leaves nothing when the release goes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm
from tests.charts.processes import mount, start
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.process import Program
from tests.harness.reports import OPENREPORTS, define_reports, reports_in
from tests.harness.workloads import deployment

SECONDS = 30.0
# Not of the environments that other tests of the session use.
VALUES = {
    "gate": {"enabled": True, "requiredEnvironments": ["surveyed"]},
    "certificates": {"mode": "secret", "caBundle": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"},
    "admission": {"excludedNamespaces": ["spared"], "failurePolicies": {"surveyed": "Ignore"}},
}


@pytest.fixture(scope="module")
def kind(control_plane: ControlPlane) -> str:
    return define_reports(control_plane, OPENREPORTS)


@pytest.fixture
def operator(control_plane: ControlPlane, cluster_helm: Helm, tmp_path: Path) -> Iterator[Program]:
    with ExitStack() as stack:
        stack.callback(
            cluster_helm.run, "uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", "--ignore-not-found"
        )
        # The certificate that is named is nobody's, so the webhook is never asked and nothing is stopped.
        cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=VALUES)
        mount(control_plane, tmp_path)
        program = start(control_plane, "operator", tmp_path)
        stack.callback(program.kill)
        yield program


def scanned(program: Program) -> list[dict[str, Any]]:
    assert program.exit_code is None, program.tail()
    lines = [json.loads(line) for line in program.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] == "scanned"]


@pytest.fixture
def surveyed(control_plane: ControlPlane) -> Namespace:
    """A namespace with a workload, made before the operator looks."""
    made = Namespace.new(control_plane, "surveyed")
    made.create(deployment("unseen", image_of("unseen")))
    return made


@pytest.fixture
def spared(control_plane: ControlPlane) -> Namespace:
    """A namespace that the registration leaves out, with the label all the same."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "spared", "labels": {"stella.ops/environment": "surveyed"}},
    }
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    made = Namespace(control_plane, "spared")
    made.create(deployment("unseen", image_of("unseen")))
    return made


def test_the_release_reports_what_runs_and_uninstall_takes_the_reports(  # noqa: PLR0913, PLR0917 - fixtures
    surveyed: Namespace, spared: Namespace, kind: str, operator: Program, cluster_helm: Helm, tmp_path: Path
) -> None:
    poll(lambda: scanned(operator), SECONDS, "a scan is done")
    [report] = reports_in(surveyed, kind)
    assert report["summary"] == {"pass": 0, "fail": 0, "warn": 1, "error": 0, "skip": 0}
    assert not reports_in(spared, kind)
    assert "work failed" not in operator.log.read_text()
    # As `kubectl exec` into the operator's pod, with its rights and files.
    account = tmp_path / f"{RELEASE}-operator.kubeconfig"
    command = [str(Path(sys.executable).with_name("evidence-gate")), "scan", "-n", surveyed.name]
    command += [f"--config={tmp_path / 'config.yaml'}", f"--kubeconfig={account}"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    assert answer.returncode == 0, answer.stderr
    assert "1 workloads: 1 warned; 1 would be denied if every action were Block" in answer.stdout
    operator.terminate()
    operator.wait(SECONDS)
    cluster_helm.run("uninstall", RELEASE, "--namespace", NAMESPACE)
    poll(lambda: not reports_in(surveyed, kind), SECONDS, "the report is gone")
