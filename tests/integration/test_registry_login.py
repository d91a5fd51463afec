"""A registry that wants a login: nobody's, the configured one, and that of the pod's pull secrets."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import oras
from tests.harness.attaching import Publisher
from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.registry import Registry
from tests.harness.workloads import deployment
from tests.integration.conftest import GateStarter

ACCOUNT = "execution-evidence-gate"
"""The webhook's own user."""
UNAVAILABLE = "Error from server (ServiceUnavailable)"


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    folder = tmp_path / "publisher"
    folder.mkdir()
    return Publisher(folder)


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "private"
    folder.mkdir()
    with Registry(folder, referrers=True, private=True) as running:
        yield running


def pushed(registry: Registry, path: str) -> str:
    pusher = registry.repository(path)
    return f"{pusher.repository}@{pusher.image('cart')}"


def test_a_registry_that_wants_a_login_is_unavailable_without_one(
    start_gate: GateStarter, control_plane: ControlPlane, private: Registry, publisher: Publisher
) -> None:
    image = pushed(private, "shop/cart")
    start_gate("locked", stores={"registry": private.settings()}, trust=publisher.trust())
    result = Namespace.new(control_plane, "locked").create(deployment("cart", image))
    assert UNAVAILABLE in result.stderr
    assert "401" in result.stderr


def test_the_configured_docker_login_opens_a_registry(
    start_gate: GateStarter, control_plane: ControlPlane, private: Registry, publisher: Publisher
) -> None:
    image = pushed(private, "shop/cart")
    oras.attach(image, publisher.envelope(image), reached=private.oras_flags())
    config = private.folder / "config.json"
    config.write_text(private.docker_config())
    section = private.settings(dockerConfig=str(config))
    start_gate("login", stores={"registry": section}, trust=publisher.trust())
    result = Namespace.new(control_plane, "login").create(deployment("cart", image))
    assert (result.returncode, result.stderr) == (0, "")


Pod = Callable[[Namespace], dict[str, Any]]


def named_by_the_pod(_: Namespace) -> dict[str, Any]:
    return {"imagePullSecrets": [{"name": "pull"}]}


def named_by_its_account(namespace: Namespace) -> dict[str, Any]:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "shop"},
        "imagePullSecrets": [{"name": "pull"}],
    }
    assert namespace.create(account).returncode == 0
    return {"serviceAccountName": "shop"}


@pytest.mark.parametrize("pod", [named_by_the_pod, named_by_its_account])
def test_a_pull_secret_opens_a_registry_for_the_pods_that_may_use_it(
    start_gate: GateStarter, control_plane: ControlPlane, private: Registry, publisher: Publisher, pod: Pod
) -> None:
    grant_pull_secrets(control_plane)
    image = pushed(private, "shop/cart")
    oras.attach(image, publisher.envelope(image), reached=private.oras_flags())
    environment = pod.__name__.replace("_", "-")
    start_gate(environment, stores={"registry": private.settings(pullSecrets=True)}, trust=publisher.trust())
    namespace = Namespace.new(control_plane, environment)
    assert namespace.create(pull_secret(private)).returncode == 0
    manifest = deployment("cart", image)
    manifest["spec"]["template"]["spec"] |= pod(namespace)
    assert (namespace.create(manifest).returncode) == 0
    assert UNAVAILABLE in namespace.create(deployment("without-the-secret", image)).stderr
    assert UNAVAILABLE in Namespace.new(control_plane, environment).create(manifest).stderr


def pull_secret(registry: Registry) -> dict[str, Any]:
    data = base64.b64encode(registry.docker_config().encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pull"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": data},
    }


def grant_pull_secrets(control_plane: ControlPlane) -> None:
    """Lets the webhook's user read Secrets and ServiceAccounts, as the chart does where pull secrets are wanted."""
    name = f"{ACCOUNT}-pull-secrets"
    group = "rbac.authorization.k8s.io"
    role = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [{"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"]}],
    }
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": ACCOUNT}],
    }
    apply(control_plane, role, binding)
