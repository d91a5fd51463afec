"""The rendered registration, configuration and accounts, with the real webhook behind them."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm, Values
from tests.charts.processes import HOST, lead_service_here, mount, start
from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, digest_of, image_of, statement
from tests.harness.polling import poll
from tests.harness.process import Program, free_ports
from tests.harness.workloads import deployment

SECONDS = 30.0


@dataclass(frozen=True)
class Installation:
    """A release whose webhook runs beside the tests."""

    control_plane: ControlPlane
    signer: Signer
    ops_port: int

    def publish(self, name: str) -> None:
        """Puts sufficient evidence about an image into the cluster."""
        envelope = json.loads(self.signer.sign(statement(digest_of(name))))
        manifest = {
            "apiVersion": "stella.ops/v1alpha1",
            "kind": "ExecutionEvidence",
            "metadata": {"name": name},
            "spec": {"envelope": envelope},
        }
        apply(self.control_plane, manifest)


def values(signer: Signer, authority: trustme.CA, ports: tuple[int, int]) -> Values:
    key = {"name": "staging", "publicKey": signer.public_pem.decode(), "environments": ["staging"]}
    port, ops_port = ports
    return {
        "gate": {
            "enabled": True,
            "missingEvidenceAction": "Block",
            "requiredEnvironments": ["production", "canary"],
            "overrides": {"canary": {"missingEvidenceAction": "Warn"}},
        },
        "trust": {"keys": [key]},
        "certificates": {"mode": "secret", "caBundle": authority.cert_pem.bytes().decode()},
        # Of an ExternalName the API server takes the port from the registration.
        "service": {"port": port},
        "webhook": {"port": port, "opsPort": ops_port},
    }


def give_certificate(control_plane: ControlPlane, authority: trustme.CA, folder: Path) -> None:
    leaf = authority.issue_cert(HOST)
    leaf.private_key_pem.write_to_path(str(folder / "given.key"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "given.crt"))
    files = (f"--cert={folder / 'given.crt'}", f"--key={folder / 'given.key'}")
    control_plane.kubectl("-n", NAMESPACE, "create", "secret", "tls", f"{RELEASE}-tls", *files)


def answers(program: Program, port: int) -> bool:
    assert program.exit_code is None, program.tail()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def installation(
    control_plane: ControlPlane, cluster_helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    authority, signer, (port, ops_port) = trustme.CA(), Signer.new(), free_ports(2)
    folder = tmp_path_factory.mktemp("webhook")
    with ExitStack() as stack:
        give_certificate(control_plane, authority, folder)
        stack.callback(control_plane.kubectl, "-n", NAMESPACE, "delete", "secret", f"{RELEASE}-tls")
        chosen = values(signer, authority, (port, ops_port))
        stack.callback(cluster_helm.run, "uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")
        cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=chosen)
        lead_service_here(control_plane)
        mount(control_plane, folder)
        program = start(control_plane, "webhook", folder)
        stack.callback(program.kill)
        poll(lambda: answers(program, port), SECONDS, "the webhook listens")
        yield Installation(control_plane, signer, ops_port)


@pytest.fixture(scope="module")
def production(installation: Installation) -> Namespace:
    namespace = Namespace.new(installation.control_plane, "production")

    def asked() -> bool:
        return (
            "denied the request"
            in namespace.create(deployment("asked", image_of("asked")), "--dry-run=server").stderr
        )

    poll(asked, SECONDS, "the API server asks the webhook")
    return namespace


def test_an_image_without_evidence_is_denied_by_the_entry_of_its_environment(production: Namespace) -> None:
    result = production.create(deployment("unseen", image_of("unseen")))
    assert 'admission webhook "production.execution-evidence.stella.ops" denied the request' in result.stderr
    assert "No execution evidence found for this artifact in required environment" in result.stderr


def test_an_image_with_evidence_in_the_cluster_is_admitted(installation: Installation, production: Namespace) -> None:
    installation.publish("seen")
    poll(lambda: production.admits(image_of("seen")), SECONDS, "the evidence is seen")
    assert production.create(deployment("seen", image_of("seen"))).returncode == 0


@pytest.mark.usefixtures("production")
def test_an_environment_that_warns_admits_with_a_warning(installation: Installation) -> None:
    canary = Namespace.new(installation.control_plane, "canary")
    result = canary.create(deployment("unseen", image_of("unseen")))
    assert result.returncode == 0
    assert "No execution evidence found for this artifact (warn mode)" in result.stderr


@pytest.mark.usefixtures("production")
def test_a_namespace_of_no_environment_is_left_alone(installation: Installation) -> None:
    assert Namespace.new(installation.control_plane, None).admits(image_of("unseen"))


@pytest.mark.usefixtures("production")
def test_the_gate_s_own_namespace_is_left_alone_whatever_its_label(installation: Installation) -> None:
    own = Namespace(installation.control_plane, NAMESPACE)
    own.control_plane.kubectl("label", "namespace", NAMESPACE, "stella.ops/environment=production")
    try:
        assert own.admits(image_of("unseen"))
    finally:
        own.control_plane.kubectl("label", "namespace", NAMESPACE, "stella.ops/environment-")


def test_the_account_may_write_the_event_of_a_decision(production: Namespace) -> None:
    production.create(deployment("told", image_of("told")))

    def told() -> bool:
        return any(event["involvedObject"].get("name") == "told" for event in production.events())

    poll(told, SECONDS, "the Event of the denial")


def test_the_command_of_helm_test_finds_the_webhook_ready(installation: Installation, cluster_helm: Helm) -> None:
    pod = cluster_helm.render()["Pod", f"{RELEASE}-test"]
    _, *arguments = pod["spec"]["containers"][0]["command"]
    # No name of a Service resolves here.
    local = [part.replace(f"{RELEASE}-ops:8080", f"127.0.0.1:{installation.ops_port}") for part in arguments]
    assert subprocess.run([sys.executable, *local], check=True, capture_output=True).stdout == b"ok\n\n"
