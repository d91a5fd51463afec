"""What the tests do in the cluster: namespaces of an environment, the webhook's registration and its account."""

import itertools
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.api_server import ApiServer
from tests.harness.control_plane import ControlPlane
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.webhook_configuration import ENVIRONMENT_LABEL, webhook_configuration
from tests.harness.workloads import deployment

_ACCOUNT = "execution-evidence-gate"
_ACCOUNT_ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": _ACCOUNT},
    "rules": [
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
        {"apiGroups": ["stella.ops"], "resources": ["executionevidences"], "verbs": ["list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["podtemplates"], "verbs": ["get"]},
    ],
}
_ACTIVE_SECONDS = 10.0
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Namespace:
    """A namespace of one test.

    Attributes:
        control_plane: Where it is.
        name: Its name.
    """

    control_plane: ApiServer
    name: str

    @classmethod
    def new(cls, control_plane: ApiServer, environment: str | None) -> "Namespace":
        """Makes a namespace.

        Args:
            control_plane: Where to make it.
            environment: The value of its label `stella.ops/environment`; None for no label.

        Returns:
            The namespace.
        """
        name = f"{environment or 'unlabelled'}-{next(_numbers)}"
        labels = {} if environment is None else {ENVIRONMENT_LABEL: environment}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        apply(control_plane, manifest)
        return cls(control_plane, name)

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs kubectl in this namespace; as `ControlPlane.kubectl`."""
        return self.control_plane.kubectl("-n", self.name, *args, stdin=stdin, check=check)

    def create(self, manifest: Mapping[str, Any], *flags: str) -> subprocess.CompletedProcess[str]:
        """Runs `kubectl create -f -`.

        Args:
            manifest: The object.
            flags: Further arguments.

        Returns:
            What kubectl printed; a refusal is no error of the test.
        """
        return self.kubectl("create", "-f", "-", *flags, stdin=json.dumps(manifest), check=False)

    def admits(self, image: str) -> bool:
        """Asks by a dry run whether a Deployment of an image would be admitted.

        Args:
            image: The image.

        Returns:
            True if it would.
        """
        return self.create(deployment("asked", image), "--dry-run=server").returncode == 0

    def events(self) -> list[dict[str, Any]]:
        """Lists the Events as `kubectl get events` gets them.

        Returns:
            core/v1 Events.
        """
        listed: list[dict[str, Any]] = json.loads(self.kubectl("get", "events", "-o", "json").stdout)["items"]
        return listed


def apply(control_plane: ApiServer, *manifests: Mapping[str, Any]) -> None:
    """Runs `kubectl apply`.

    Args:
        control_plane: Where.
        manifests: The objects.
    """
    bundle = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(bundle))


def make_account(control_plane: ControlPlane) -> Path:
    """Makes the webhook's own user, with exactly the rights that it needs.

    Args:
        control_plane: Where.

    Returns:
        The user's kubeconfig.
    """
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _ACCOUNT},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _ACCOUNT},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": _ACCOUNT}],
    }
    apply(control_plane, _ACCOUNT_ROLE, binding)
    return control_plane.kubeconfig_for(_ACCOUNT)


@contextmanager
def registered(control_plane: ControlPlane, gate: Gate, environments: Sequence[str]) -> Iterator[None]:
    """Registers a running webhook with the API server while the context lasts.

    Args:
        control_plane: Where.
        gate: The webhook.
        environments: One entry each; the first one must block an image that is named by a tag.

    Yields:
        Once the API server asks the webhook.
    """
    name = f"execution-evidence-gate-{environments[0]}"
    probe = Namespace.new(control_plane, environments[0])
    apply(control_plane, webhook_configuration(name, gate.url, gate.ca_pem, environments))
    try:
        poll(lambda: not probe.admits("by-tag:1"), _ACTIVE_SECONDS, "the API server asks the webhook")
        yield
    finally:
        control_plane.kubectl("delete", "validatingwebhookconfiguration", name)
