"""The release as it comes: the operator makes the certificate, and the registration trusts it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm
from tests.charts.processes import lead_service_here, mount, read, start
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.process import Program, free_ports
from tests.harness.workloads import deployment

SECONDS = 30.0
SECRETS = (f"{RELEASE}-tls", f"{RELEASE}-tls-ca")


def has_secret(control_plane: ControlPlane, name: str) -> bool:
    return control_plane.kubectl("-n", NAMESPACE, "get", "secret", name, check=False).returncode == 0


@pytest.fixture
def operator(control_plane: ControlPlane, cluster_helm: Helm, tmp_path: Path) -> Iterator[Program]:
    """The operator of a release whose webhook runs too; uninstalled afterwards unless the test has."""
    port, ops_port = free_ports(2)
    values = {
        "gate": {"enabled": True, "missingEvidenceAction": "Block"},
        # Of an ExternalName the API server takes the port from the registration.
        "service": {"port": port},
        "webhook": {"port": port, "opsPort": ops_port},
    }
    with ExitStack() as stack:
        stack.callback(
            cluster_helm.run, "uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", "--ignore-not-found"
        )
        cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=values)
        lead_service_here(control_plane)
        mount(control_plane, tmp_path)
        program = start(control_plane, "operator", tmp_path)
        stack.callback(program.kill)

        def certified() -> bool:
            assert program.exit_code is None, program.tail()
            return all(has_secret(control_plane, name) for name in SECRETS)

        poll(certified, SECONDS, "the operator has made both Secrets")
        mount(control_plane, tmp_path)
        stack.callback(start(control_plane, "webhook", tmp_path).kill)
        yield program


@pytest.mark.usefixtures("operator")
def test_the_gate_denies_with_nothing_set_but_that_it_shall(control_plane: ControlPlane) -> None:
    production = Namespace.new(control_plane, "production")

    def denied() -> bool:
        answer = production.create(deployment("unseen", image_of("unseen")), "--dry-run=server")
        return "No execution evidence found for this artifact in required environment" in answer.stderr

    poll(denied, SECONDS, "the API server trusts the webhook and asks it")
    configuration = read(control_plane, "validatingwebhookconfiguration", RELEASE)
    assert all(entry["clientConfig"]["caBundle"] for entry in configuration["webhooks"])


def test_uninstall_takes_the_secrets_that_the_operator_made(
    operator: Program, control_plane: ControlPlane, cluster_helm: Helm
) -> None:
    operator.terminate()
    operator.wait(SECONDS)
    cluster_helm.run("uninstall", RELEASE, "--namespace", NAMESPACE)

    def gone() -> bool:
        return not any(has_secret(control_plane, name) for name in SECRETS)

    poll(gone, SECONDS, "the operator's Secrets are gone")
