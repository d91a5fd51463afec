"""The optional policy: who may take a namespace out of its environment, or move it into another one."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm
from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.polling import poll

SECONDS = 20.0
LABEL = "stella.ops/environment"
REFUSED = "the label stella.ops/environment of a namespace may be changed only by who may `assign`"
VALUES = {"gate": {"enabled": True}, "admission": {"protectEnvironmentLabel": True}}
RBAC = "rbac.authorization.k8s.io"


def bind(control_plane: ControlPlane, user: str, *roles: str) -> Path:
    """Makes a user with cluster roles."""
    for number, role in enumerate(roles):
        binding = {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{user}-{number}"},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
        }
        apply(control_plane, binding)
    return control_plane.kubeconfig_for(user)


@pytest.fixture(scope="module")
def editor(control_plane: ControlPlane) -> Path:
    """Somebody who may write namespaces, their subresources too."""
    resources = ["namespaces", "namespaces/status", "namespaces/finalize"]
    rules = [{"apiGroups": [""], "resources": resources, "verbs": ["get", "create", "update", "patch"]}]
    role = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "namespace-editor"},
        "rules": rules,
    }
    apply(control_plane, role)
    return bind(control_plane, "editor", "namespace-editor")


@pytest.fixture(scope="module")
def production(control_plane: ControlPlane, cluster_helm: Helm, editor: Path) -> Iterator[Namespace]:
    """A namespace of production, once the policy is in force."""
    cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=VALUES)
    namespace = Namespace.new(control_plane, "production")
    probe = Namespace.new(control_plane, "probe")
    numbers = iter(range(1_000_000))
    poll(lambda: label(probe, editor, f"e{next(numbers)}").returncode != 0, SECONDS, "the policy is in force")
    yield namespace
    cluster_helm.run("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")


def label(
    namespace: Namespace, user: Path, value: str | None, subresource: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Sets the environment label, or removes it, as a user."""
    patch = json.dumps({"metadata": {"labels": {LABEL: value}}})
    flags = [f"--subresource={subresource}"] if subresource else []
    arguments = ["patch", "namespace", namespace.name, "--type=merge", "-p", patch, *flags]
    return namespace.control_plane.kubectl("--kubeconfig", str(user), *arguments, check=False)


@pytest.mark.parametrize("subresource", [None, "status"])
@pytest.mark.parametrize("value", ["canary", None, ""])
def test_nobody_else_changes_or_removes_the_label(
    production: Namespace, editor: Path, value: str | None, subresource: str | None
) -> None:
    result = label(production, editor, value, subresource)
    assert result.returncode != 0
    assert REFUSED in result.stderr


def test_finalizing_a_namespace_is_no_way_round(production: Namespace, editor: Path) -> None:
    namespace = json.loads(production.control_plane.kubectl("get", "namespace", production.name, "-o", "json").stdout)
    del namespace["metadata"]["labels"][LABEL]
    path = f"/api/v1/namespaces/{production.name}/finalize"
    result = production.control_plane.kubectl(
        "--kubeconfig", str(editor), "replace", "--raw", path, "-f", "-", stdin=json.dumps(namespace), check=False
    )
    assert result.returncode != 0
    assert REFUSED in result.stderr


def test_everything_else_about_the_namespace_is_free(production: Namespace, editor: Path) -> None:
    arguments = ["label", "namespace", production.name, "team=shop", "--overwrite"]
    production.control_plane.kubectl("--kubeconfig", str(editor), *arguments)


@pytest.mark.usefixtures("production")
def test_a_namespace_without_the_label_may_get_one(editor: Path, control_plane: ControlPlane) -> None:
    fresh = Namespace.new(control_plane, None)
    assert label(fresh, editor, "production").returncode == 0


@pytest.mark.usefixtures("production")
def test_whoever_may_assign_may_change_and_remove_it(control_plane: ControlPlane) -> None:
    assigner = bind(control_plane, "assigner", "namespace-editor", f"{RELEASE}-environment-assigner")
    namespace = Namespace.new(control_plane, "production")
    assert label(namespace, assigner, "canary").returncode == 0
    assert label(namespace, assigner, None).returncode == 0
