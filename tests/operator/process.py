"""The operator as it runs in a cluster: a process of its own, with the rights that docs/operator.md lists."""

import base64
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.harness.cluster import apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.process import Program
from tests.harness.webhook_configuration import webhook_configuration

READY_SECONDS = 30.0
SERVICE = "gate"
SECRET = "gate-tls"  # noqa: S105 - the name of an object
_ACCOUNT = "execution-evidence-gate-operator"
_RBAC = "rbac.authorization.k8s.io"


def make_operator_account(control_plane: ControlPlane, namespace: str, configuration: str) -> Path:
    """Makes the operator's own user, with exactly the rights that it needs.

    Args:
        control_plane: Where.
        namespace: The namespace of Secrets and Service.
        configuration: The webhook configuration's name.

    Returns:
        The user's kubeconfig.
    """
    user = f"{_ACCOUNT}-{namespace}"
    webhooks = {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["validatingwebhookconfigurations"]}
    own = [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "verbs": ["get", "patch"],
            "resourceNames": [SECRET, f"{SECRET}-ca"],
        },
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["services"], "verbs": ["get"], "resourceNames": [SERVICE]},
    ]
    everywhere = [
        {**webhooks, "verbs": ["list", "watch"]},
        {**webhooks, "verbs": ["get", "patch"], "resourceNames": [configuration]},
        {"apiGroups": ["stella.ops"], "resources": ["executionevidences"], "verbs": ["list", "watch", "delete"]},
        {"apiGroups": ["stella.ops"], "resources": ["executionevidences/status"], "verbs": ["patch"]},
        {
            "apiGroups": ["apiextensions.k8s.io"],
            "resources": ["customresourcedefinitions"],
            "verbs": ["list", "watch"],
        },
    ]
    apply(
        control_plane,
        *granted("Role", {"name": user, "namespace": namespace}, own, user),
        *granted("ClusterRole", {"name": user}, everywhere, user),
    )
    return control_plane.kubeconfig_for(user)


def granted(kind: str, metadata: dict[str, str], rules: Sequence[dict[str, Any]], user: str) -> list[dict[str, Any]]:
    """Makes a role, and its binding to a user.

    Args:
        kind: `Role` or `ClusterRole`.
        metadata: Of both.
        rules: What is granted.
        user: To whom.

    Returns:
        The manifests.
    """
    version = f"{_RBAC}/v1"
    return [
        {"apiVersion": version, "kind": kind, "metadata": metadata, "rules": list(rules)},
        {
            "apiVersion": version,
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": metadata["name"]},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
        },
    ]


class Operator:
    """The operator's process; a context manager.

    Attributes:
        folder: Its configuration, key and log.
        signer: The one whose word its configuration trusts, as `staging`.
        program: The running process.
    """

    program: Program

    def __init__(self, folder: Path, kubeconfig: Path, namespace: str, configuration: str, *options: str) -> None:
        """Writes what the process will read.

        Args:
            folder: An existing folder.
            kubeconfig: With which the process talks to the API server.
            namespace: As the option.
            configuration: As the option `--webhook-configuration`.
            options: Further options.
        """
        self.folder = folder
        self.signer = Signer.new()
        self.trust(self.signer)
        keys = [{"name": "staging", "file": "operator.pub", "environments": ["staging"]}]
        config = folder / "operator.yaml"
        config.write_text(yaml.safe_dump({"stores": {"cluster": {}}, "trust": {"keys": keys}}))
        self._arguments = [
            f"--namespace={namespace}",
            f"--service={SERVICE}",
            f"--secret={SECRET}",
            f"--webhook-configuration={configuration}",
            f"--config={config}",
            f"--kubeconfig={kubeconfig}",
            "--ops-listen=127.0.0.1:0",
            *options,
        ]

    def __enter__(self) -> Self:
        """Starts the process, and waits until it says that it works."""
        command = [str(Path(sys.executable).with_name("evidence-gate")), "operator", *self._arguments]
        self.program = Program(command, self.folder / "operator.log")
        poll(lambda: "operating" in self.program.log.read_text(), READY_SECONDS, "the operator works")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kills the process; a failing test shows the end of its output."""
        self.program.kill()
        if error is not None:
            error.add_note(self.program.tail())

    def trust(self, signer: Signer) -> None:
        """Replaces the key file that the configuration trusts.

        Args:
            signer: Whose word counts from now on.
        """
        fresh = self.folder / ".operator.pub.new"
        fresh.write_bytes(signer.public_pem)
        fresh.rename(self.folder / "operator.pub")

    def address(self) -> str:
        """Gives host and port of its probes and metrics."""
        lines = [json.loads(line) for line in self.program.log.read_text().splitlines() if line.startswith("{")]
        found = next(line["ops_address"] for line in lines if line["message"] == "operating")
        return str(found).removeprefix("http://")


def secret_data(control_plane: ControlPlane, namespace: str, name: str = SECRET) -> dict[str, bytes]:
    """Reads a Secret, as the kubelet does to mount it.

    Args:
        control_plane: Where.
        namespace: Its namespace.
        name: Its name.

    Returns:
        Its data; empty if it does not exist.
    """
    result = control_plane.kubectl("-n", namespace, "get", "secret", name, "-o", "json", check=False)
    data = json.loads(result.stdout)["data"] if result.returncode == 0 else {}
    return {key: base64.b64decode(value) for key, value in data.items()}


def mount(gate: Gate, data: dict[str, bytes]) -> None:
    """Gives a webhook the certificate of a Secret, as the kubelet does.

    Args:
        gate: The webhook.
        data: The Secret's data.
    """
    for name in ("tls.key", "tls.crt"):
        fresh = gate.folder / f".{name}.mounted"
        fresh.write_bytes(data[name])
        fresh.rename(gate.folder / name)


def service_in_front(namespace: str) -> dict[str, Any]:
    """Makes a Service by whose name an API server without nodes reaches the loopback address.

    Args:
        namespace: Its namespace.

    Returns:
        The manifest.
    """
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": namespace},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    }


def configuration_by_service(name: str, gate: Gate, namespace: str, environment: str) -> dict[str, Any]:
    """Makes a webhook configuration that calls by service name, without a caBundle, beside an entry of others.

    Args:
        name: Its name.
        gate: The webhook.
        namespace: The Service's namespace.
        environment: The environment of its entry.

    Returns:
        The manifest.
    """
    manifest = webhook_configuration(name, gate.url, b"", [environment])
    service = {
        "namespace": namespace,
        "name": SERVICE,
        "path": f"/admit/{environment}",
        "port": int(gate.url.rpartition(":")[2]),
    }
    entry = manifest["webhooks"][0]
    foreign = {
        **entry,
        "name": "somebody.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "failurePolicy": "Ignore",
        "namespaceSelector": {"matchLabels": {"nobody": "here"}},
    }
    manifest["webhooks"] = [{**entry, "clientConfig": {"service": service}}, foreign]
    return manifest
