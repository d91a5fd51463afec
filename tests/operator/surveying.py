"""The operator as it scans: its rights, its configuration, and signed evidence for it to find."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, statement
from tests.operator.process import Operator, granted, make_operator_account
from tests.support.rules import OPEN

ROLE = "gate-scan"
SECONDS = 30.0
READ = ("list",)
WRITE = ("create", "delete", "get", "list", "patch")


def make_scan_account(control_plane: ControlPlane, namespace: str) -> Path:
    """Makes an operator's user that may scan, with exactly the rights that docs/operator.md lists.

    Args:
        control_plane: Where.
        namespace: As for `make_operator_account`.

    Returns:
        The user's kubeconfig.
    """
    kubeconfig = make_operator_account(control_plane, namespace, "nobody")
    rules: list[dict[str, Any]] = [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": list(READ)},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", *READ]},
        {"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": list(READ)},
        {"apiGroups": ["openreports.io"], "resources": ["reports"], "verbs": list(WRITE)},
        {"apiGroups": ["wgpolicyk8s.io"], "resources": ["policyreports"], "verbs": list(WRITE)},
        {
            "apiGroups": ["rbac.authorization.k8s.io"],
            "resources": ["clusterroles"],
            "resourceNames": [ROLE],
            "verbs": ["get"],
        },
    ]
    user = f"execution-evidence-gate-operator-{namespace}"
    apply(control_plane, *granted("ClusterRole", {"name": ROLE}, rules, user))
    return kubeconfig


class Surveying(Operator):
    """The operator's process, scanning alone; a context manager."""

    def __init__(self, folder: Path, kubeconfig: Path, *environments: str, **sections: Any) -> None:
        """Writes what the process will read.

        Args:
            folder: An existing folder.
            kubeconfig: With which the process talks to the API server.
            environments: Those that require evidence.
            sections: Further sections of the configuration file.
        """
        super().__init__(folder, kubeconfig, "unused", "unused")
        self.environments = environments
        self.configure(**sections)
        self._arguments = [
            f"--scan-role={ROLE}",
            f"--config={folder / 'operator.yaml'}",
            f"--kubeconfig={kubeconfig}",
            "--ops-listen=127.0.0.1:0",
        ]

    def configure(self, action: str = "Block", **sections: Any) -> None:
        """Replaces the configuration file.

        Args:
            action: The section's `MissingEvidenceAction`.
            sections: Further sections.
        """
        keys = [{"name": "staging", "file": "operator.pub", "environments": ["staging"]}]
        gate = {"Enabled": True, "MissingEvidenceAction": action, "RequiredEnvironments": list(self.environments)}
        document = {
            "PolicyGates": {"ExecutionEvidence": gate},
            "stores": {"cluster": {}},
            "trust": {"keys": keys},
            "disclosure": OPEN,
            **sections,
        }
        fresh = self.folder / ".operator.yaml.new"
        fresh.write_text(yaml.safe_dump(document))
        fresh.rename(self.folder / "operator.yaml")

    def evidence(self, name: str) -> dict[str, Any]:
        """Makes evidence about an image.

        Args:
            name: The image's, as for `image_of`; also the object's.

        Returns:
            The manifest.
        """
        envelope = json.loads(self.signer.sign(statement(digest_of(name))))
        head = {"apiVersion": "stella.ops/v1alpha1", "kind": "ExecutionEvidence", "metadata": {"name": name}}
        return head | {"spec": {"envelope": envelope}}

    def scans(self) -> list[dict[str, Any]]:
        """Reads the log's lines about scans."""
        lines = [json.loads(line) for line in self.program.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["message"] == "scanned"]


def namespaces(control_plane: ControlPlane, *environments: str | None) -> list[Namespace]:
    """Makes namespaces.

    Args:
        control_plane: Where.
        environments: One each.

    Returns:
        The namespaces.
    """
    return [Namespace.new(control_plane, environment) for environment in environments]
