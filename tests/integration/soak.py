"""A staging environment on a real API server: pods with the status that a kubelet would write, and their profiles."""

import base64
import gzip
import itertools
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.attest.keys import private_pem, public_pem
from tests.attest.made import message, sample, scalar, tables
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.simulators.profile_server import ProfileServerSimulator
from webhook.model.timestamp import format_rfc3339

_TIME, _DURATION, _PERIOD_TYPE, _PERIOD = 9, 10, 11, 12
_CPU, _NANOSECONDS = 3, 4
_SECONDS = 60.0
_numbers = itertools.count(1)


def busy(begun: datetime) -> bytes:
    """Three functions at work, for thirty samples and 300 ms each; as Go writes it."""
    samples = [sample([location], [30, 300_000_000]) for location in (1, 2, 3)]
    nanoseconds = int(begun.timestamp()) * 10**9
    rest = scalar(_TIME, nanoseconds) + scalar(_DURATION, 10**10)
    rest += message(_PERIOD_TYPE, scalar(1, _CPU) + scalar(2, _NANOSECONDS)) + scalar(_PERIOD, 10**7)
    return gzip.compress(tables() + b"".join(samples) + rest)


@dataclass
class Soak:
    """An environment that an observer watches.

    Attributes:
        control_plane: Where it is.
        server: Has its profiles.
        folder: Of the observer's files.
        environment: Its name, which no other test has.
        namespace: One of its namespaces.
        gate: The gate's configuration, as the observer reads it.
    """

    control_plane: ControlPlane
    server: ProfileServerSimulator
    folder: Path
    environment: str
    namespace: Namespace
    gate: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def new(cls, control_plane: ControlPlane, server: ProfileServerSimulator, folder: Path, **gate: Any) -> "Soak":
        """Makes an environment with one namespace, and the observer's files.

        Args:
            control_plane: Where.
            server: Has the profiles.
            folder: Gets the files.
            gate: Sections of the gate's configuration that differ.

        Returns:
            The environment.
        """
        environment = f"soak-{next(_numbers)}"
        policy = {"Enabled": True, "MissingEvidenceAction": "Block", "EvidenceEnvironments": [environment]}
        (folder / "observer.pem").write_bytes(private_pem("P-256", owner="observer"))
        (folder / "observer.pub").write_bytes(public_pem("P-256", owner="observer"))
        made = {
            "PolicyGates": {"ExecutionEvidence": {**policy, "RequiredEnvironments": [f"{environment}-target"]}},
            "stores": {"cluster": {}},
            "trust": {"keys": [{"name": "observer", "file": str(folder / "observer.pub")}]},
            **gate,
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(made))
        return cls(control_plane, server, folder, environment, Namespace.new(control_plane, environment), made)

    @property
    def target(self) -> str:
        """The environment that requires evidence from this one."""
        return f"{self.environment}-target"

    def pod(self, name: str, image: str, image_id: str, namespace: Namespace | None = None) -> None:
        """Makes a pod, and writes the status of one that has been running for an hour.

        Args:
            name: Its name.
            image: As its author writes it.
            image_id: As its kubelet says it.
            namespace: Where; by default in the environment's own namespace.
        """
        where = namespace or self.namespace
        container = {"name": "cart", "image": image}
        manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"containers": [container]},
        }
        created = where.create(manifest)
        assert created.returncode == 0, created.stderr
        began = format_rfc3339(datetime.now(UTC) - timedelta(hours=1))
        told = {"name": "cart", "image": image, "imageID": image_id, "ready": True, "restartCount": 0}
        status = {"phase": "Running", "containerStatuses": [told | {"state": {"running": {"startedAt": began}}}]}
        patch = json.dumps({"status": status})
        where.kubectl("patch", "pod", name, "--subresource=status", "--type=merge", "-p", patch)

    def profile(self, pod: str, minutes: float = 10, namespace: Namespace | None = None) -> None:
        """Pushes a profile of a pod that was busy so many minutes ago."""
        labels = {"namespace": (namespace or self.namespace).name, "pod": pod, "container": "cart"}
        self.server.push(busy(datetime.now(UTC) - timedelta(minutes=minutes)), labels)

    def command(self, *flags: str, kubeconfig: Path | None = None, **changes: Any) -> list[str]:
        """Writes the observer's file, and gives its command line.

        Args:
            flags: Further options.
            kubeconfig: Who observes; by default an administrator.
            changes: Sections of the observer's file that differ.

        Returns:
            The command.
        """
        content: Mapping[str, Any] = {
            "environments": [self.environment],
            "source": {"kind": "pyroscope", "url": self.server.url, "caFile": str(self.server.ca_file)},
            "signing": {"keyFile": "observer.pem"},
            **changes,
        }
        (self.folder / "observer.yaml").write_text(json.dumps(content))
        program = str(Path(sys.executable).with_name("evidence-gate"))
        account = kubeconfig or self.control_plane.kubeconfig
        return [program, "observe", f"--config={self.folder / 'observer.yaml'}", f"--kubeconfig={account}", *flags]

    def observe(
        self, *flags: str, kubeconfig: Path | None = None, **changes: Any
    ) -> subprocess.CompletedProcess[str]:
        """Observes once; as `command`."""
        command = self.command(*flags, kubeconfig=kubeconfig, **changes)
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS)

    def evidence(self) -> list[str]:
        """Gives the statements of the ExecutionEvidence resources about this environment."""
        answer = self.control_plane.kubectl("get", "executionevidences", "-o", "json").stdout
        payloads = [item["spec"]["envelope"]["payload"] for item in json.loads(answer)["items"]]
        statements = [base64.b64decode(payload).decode(errors="replace") for payload in payloads]
        # Others' tests leave what is no statement at all.
        ours = [text for text in statements if f'"{self.environment}"' in text]
        return [text for text in ours if json.loads(text)["predicate"]["environment"] == self.environment]


def lines(answer: subprocess.CompletedProcess[str], message: str = "image observed") -> list[dict[str, Any]]:
    """Reads the log lines of one kind."""
    found = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    return [line for line in found if line["message"] == message]
