"""An installed release whose webhook runs as a process here, with a given certificate."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm, Values
from tests.charts.processes import HOST, lead_service_here, mount, start
from tests.harness.cluster import apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, beacon_statement, digest_of, statement
from tests.harness.polling import poll
from tests.harness.process import Program

_SECONDS = 30.0


@dataclass(frozen=True)
class Installation:
    """A release whose webhook runs beside the tests.

    Attributes:
        control_plane: Where it is installed.
        signer: Whose evidence it trusts.
        port: The Service's, and the one that the webhook listens on.
        ops_port: For probes and metrics.
    """

    control_plane: ControlPlane
    signer: Signer
    port: int
    ops_port: int

    def publish(self, name: str) -> None:
        """Puts sufficient evidence about an image into the cluster.

        Args:
            name: The image's, as `digest_of` takes it.
        """
        self._publish(name, statement(digest_of(name)))

    def publish_beacons(self, name: str, verified: int, expected: int) -> None:
        """Puts beacon data about an image into the cluster.

        Args:
            name: The image's, as `digest_of` takes it.
            verified: Beacons that were verified.
            expected: Beacons that were expected.
        """
        self._publish(f"{name}-{verified}-{expected}", beacon_statement(digest_of(name), verified, expected))

    def _publish(self, name: str, content: Mapping[str, Any]) -> None:
        envelope = json.loads(self.signer.sign(content))
        manifest = {
            "apiVersion": "stella.ops/v1alpha1",
            "kind": "ExecutionEvidence",
            "metadata": {"name": name},
            "spec": {"envelope": envelope},
        }
        apply(self.control_plane, manifest)

    def withdraw(self, name: str) -> None:
        """Takes the evidence about an image away.

        Args:
            name: As for `publish`.
        """
        self.control_plane.kubectl("delete", "executionevidence", name)

    def reviews(self) -> float:
        """Counts the reviews that reached the webhook.

        Returns:
            The number since its start.
        """
        return sum(float(line.rpartition(" ")[2]) for line in self._samples())

    def evaluated(self) -> float:
        """Counts the reviews that brought an image which was not there before.

        Returns:
            The number since its start.
        """
        new = [line for line in self._samples() if 'reason="ImagesUnchanged"' not in line]
        return sum(float(line.rpartition(" ")[2]) for line in new)

    def _samples(self) -> list[str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ops_port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return [line for line in lines if line.startswith("execution_evidence_gate_reviews_total{")]

    def answers_helm_test(self, helm: Helm) -> bool:
        """Runs the command of the chart's test pod.

        Args:
            helm: Renders the pod.

        Returns:
            Whether the command finds the webhook ready.
        """
        pod = helm.render()["Pod", f"{RELEASE}-test"]
        _, *arguments = pod["spec"]["containers"][0]["command"]
        # No name of a Service resolves here.
        local = [part.replace(f"{RELEASE}-ops:8080", f"127.0.0.1:{self.ops_port}") for part in arguments]
        return subprocess.run([sys.executable, *local], check=True, capture_output=True).stdout == b"ok\n\n"


@contextmanager
def installed(
    control_plane: ControlPlane, helm: Helm, folder: Path, ports: tuple[int, int], **sections: Any
) -> Iterator[Installation]:
    """Installs the release, and removes it afterwards.

    Args:
        control_plane: Where.
        helm: With the rights of an administrator.
        folder: Gets the webhook's files.
        ports: For reviews, and for probes and metrics.
        sections: Further sections of the values.

    Yields:
        Once the webhook listens.
    """
    authority, signer = trustme.CA(), Signer.new()
    port, ops_port = ports
    with ExitStack() as stack:
        _give_certificate(control_plane, authority, folder)
        stack.callback(control_plane.kubectl, "-n", NAMESPACE, "delete", "secret", f"{RELEASE}-tls")
        chosen = {**_values(signer, authority, ports), **sections}
        stack.callback(helm.run, "uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")
        helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=chosen)
        lead_service_here(control_plane)
        mount(control_plane, folder)
        program = start(control_plane, "webhook", folder)
        stack.callback(program.kill)
        poll(lambda: _answers(program, port), _SECONDS, "the webhook listens")
        yield Installation(control_plane, signer, port, ops_port)


def _values(signer: Signer, authority: trustme.CA, ports: tuple[int, int]) -> Values:
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


def _give_certificate(control_plane: ControlPlane, authority: trustme.CA, folder: Path) -> None:
    leaf = authority.issue_cert(HOST)
    leaf.private_key_pem.write_to_path(str(folder / "given.key"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "given.crt"))
    files = (f"--cert={folder / 'given.crt'}", f"--key={folder / 'given.key'}")
    control_plane.kubectl("-n", NAMESPACE, "create", "secret", "tls", f"{RELEASE}-tls", *files)


def _answers(program: Program, port: int) -> bool:
    assert program.exit_code is None, program.tail()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
