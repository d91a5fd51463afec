"""The real Argo Rollouts: its definitions, its controller with the rights that it asks for, its kubectl plugin."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.polling import poll
from tests.harness.process import Program, free_ports
from tests.tools.build import program
from tests.tools.modules import ROLLOUTS_MODULE

_ACCOUNT = "argo-rollouts"
_SECONDS = 60.0


@dataclass(frozen=True)
class Rollouts:
    """A running controller.

    Attributes:
        control_plane: Where it works.
        program: Its process.
    """

    control_plane: ControlPlane
    program: Program

    def plugin(self, namespace: Namespace, *args: str) -> subprocess.CompletedProcess[str]:
        """Runs `kubectl argo rollouts` as the administrator.

        Args:
            namespace: Where.
            args: Its arguments.

        Returns:
            What it printed; a refusal is no error of the test.
        """
        command = [
            str(program("kubectl-argo-rollouts")),
            *("--kubeconfig", str(self.control_plane.kubeconfig), "-n", namespace.name),
            *args,
        ]
        home = {"HOME": str(self.control_plane.folder)}
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS, env=home)

    def wait_for(self, namespace: Namespace, name: str, what: str, **wanted: Any) -> dict[str, Any]:
        """Waits until a Rollout's status has certain members.

        Args:
            namespace: Where it is.
            name: Its name.
            what: What is awaited, for the failure's text.
            wanted: Members of `status`.

        Returns:
            The Rollout's status.
        """

        def reached() -> dict[str, Any] | None:
            assert self.program.exit_code is None, self.program.tail()
            found = namespace.kubectl("get", "rollout", name, "-o", "json").stdout
            rollout: dict[str, Any] = json.loads(found)
            status: dict[str, Any] = rollout.get("status", {})
            # What the controller says of an older generation says nothing of this one.
            current = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
            return status if current and wanted.items() <= status.items() else None

        return poll(reached, _SECONDS, f"{name}: {what}")


def define_rollouts(control_plane: ControlPlane) -> None:
    """Makes the kinds of Argo Rollouts.

    Args:
        control_plane: Where.
    """
    files = [program(name) for name in ROLLOUTS_MODULE.names if name.endswith("-crd.yaml")]
    for path in files:
        # Too large for the annotation that `kubectl apply` leaves otherwise.
        control_plane.kubectl("apply", "--server-side", "-f", str(path))
    names = [f"crd/{yaml.safe_load(path.read_text())['metadata']['name']}" for path in files]
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)


@contextmanager
def running_rollouts(control_plane: ControlPlane, folder: Path) -> Iterator[Rollouts]:
    """Runs the controller.

    Args:
        control_plane: Where; it has controllers.
        folder: Gets its log.

    Yields:
        Once it is ready.
    """
    define_rollouts(control_plane)
    control_plane.kubectl("apply", "-f", str(program("argo-rollouts-clusterrole.yaml")))
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _ACCOUNT},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _ACCOUNT},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": _ACCOUNT}],
    }
    apply(control_plane, binding)
    metrics, health = free_ports(2)
    flags = {
        "kubeconfig": control_plane.kubeconfig_for(_ACCOUNT),
        "leader-elect": "false",
        "metricsPort": metrics,
        "healthzPort": health,
    }
    arguments = [f"--{flag}={value}" for flag, value in flags.items()]
    running = Program([program("rollouts-controller"), *arguments], folder / "rollouts-controller.log")
    try:
        yield Rollouts(control_plane, running)
    finally:
        running.kill()
