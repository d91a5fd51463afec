"""A release that reads evidence from a private registry: the chart's rights and files, with the real processes."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm
from tests.charts.processes import lead_service_here, mount, read, start
from tests.harness import oras
from tests.harness.attaching import Publisher
from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.polling import poll
from tests.harness.process import free_ports
from tests.harness.registry import Registry
from tests.harness.workloads import deployment

SECONDS = 30.0
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
UNAVAILABLE = "Error from server (ServiceUnavailable)"


def login(name: str, content: str) -> dict[str, Any]:
    """A Secret as `kubectl create secret docker-registry` makes it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(content.encode()).decode()},
    }


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry"), referrers=True, private=True) as running:
        yield running


@pytest.fixture(scope="module")
def images(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> tuple[Publisher, list[str]]:
    """Two attested images, in a repository for which the release has a login and in one for which it has none."""
    publisher = Publisher(tmp_path_factory.mktemp("publisher"))
    named = []
    for path in ("shared/base", "shop/cart"):
        pusher = registry.repository(path)
        named.append(f"{pusher.repository}@{pusher.image('cart')}")
        oras.attach(named[-1], publisher.envelope(named[-1]), reached=registry.oras_flags())
    return publisher, named


def chosen(registry: Registry, publisher: Publisher, ports: tuple[int, int]) -> dict[str, Any]:
    key = {"name": "staging", "publicKey": (publisher.folder / "staging.pub").read_text()}
    special = {"caBundle": registry.ca_file.read_text(), "addresses": ["127.0.0.0/8"]}
    port, ops_port = ports
    return {
        "gate": {"enabled": True, "missingEvidenceAction": "Block"},
        "trust": {"keys": [key]},
        "registry": {
            "allow": [f"{registry.host}/*"],
            "hosts": {registry.host: special},
            "dockerConfigSecret": "registry-login",
            "pullSecrets": True,
            "absentSeconds": 0,
        },
        # Of an ExternalName the API server takes the port from the registration.
        "service": {"port": port},
        "webhook": {"port": port, "opsPort": ops_port},
    }


@pytest.fixture(scope="module")
def production(
    control_plane: ControlPlane,
    cluster_helm: Helm,
    registry: Registry,
    images: tuple[Publisher, list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Namespace]:
    operators, webhooks = tmp_path_factory.mktemp("operator"), tmp_path_factory.mktemp("webhook")
    shared = json.loads(registry.docker_config())
    shared["auths"] = {f"{host}/shared/": entry for host, entry in shared["auths"].items()}
    with ExitStack() as stack:
        secret = login("registry-login", json.dumps(shared))
        secret["metadata"]["namespace"] = NAMESPACE
        apply(control_plane, secret)
        stack.callback(control_plane.kubectl, "-n", NAMESPACE, "delete", "secret", "registry-login")
        port, ops_port = free_ports(2)
        values = chosen(registry, images[0], (port, ops_port))
        stack.callback(cluster_helm.run, "uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")
        cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=values)
        lead_service_here(control_plane)
        # The operator reads the same configuration, and has no file with credentials.
        mount(control_plane, operators)
        operator = start(control_plane, "operator", operators)
        stack.callback(operator.kill)
        tls = ("-n", NAMESPACE, "get", "secret", f"{RELEASE}-tls")
        poll(lambda: control_plane.kubectl(*tls, check=False).returncode == 0, SECONDS, "the certificate is there")
        mount(control_plane, webhooks)
        mount_secrets(control_plane, webhooks)
        stack.callback(start(control_plane, "webhook", webhooks).kill)
        namespace = Namespace.new(control_plane, "production")
        poll(lambda: "denied the request" in asked(namespace), SECONDS, "the API server asks the webhook")
        assert operator.exit_code is None, operator.tail()
        yield namespace


def mount_secrets(control_plane: ControlPlane, folder: Path) -> None:
    """Writes the Secrets of the webhook's first volume, as the kubelet would."""
    pod = read(control_plane, "deployment", f"{RELEASE}-webhook")["spec"]["template"]["spec"]
    for source in pod["volumes"][0]["projected"]["sources"]:
        if "secret" in source:
            data = read(control_plane, "secret", source["secret"]["name"])["data"]
            for item in source["secret"]["items"]:
                (folder / item["path"]).write_bytes(base64.b64decode(data[item["key"]]))


def asked(namespace: Namespace) -> str:
    return namespace.create(
        deployment("asked", f"elsewhere.example.com/a@sha256:{'0' * 64}"), "--dry-run=server"
    ).stderr


def test_the_release_s_own_login_opens_what_it_is_for(
    production: Namespace, images: tuple[Publisher, list[str]]
) -> None:
    shared, cart = images[1]
    assert production.create(deployment("shared", shared)).returncode == 0
    refusal = production.create(deployment("cart", cart)).stderr
    assert UNAVAILABLE in refusal
    assert "401" in refusal


@pytest.mark.parametrize("by", ["pod", "account"])
def test_a_pull_secret_opens_what_the_pods_may_pull(
    by: str,
    control_plane: ControlPlane,
    production: Namespace,
    registry: Registry,
    images: tuple[Publisher, list[str]],
) -> None:
    environment = production.name.rpartition("-")[0]
    namespace = Namespace.new(control_plane, environment)
    assert namespace.create(login("pull", registry.docker_config())).returncode == 0
    reference = {"imagePullSecrets": [{"name": "pull"}]}
    manifest = deployment("cart", images[1][1])
    if by == "pod":
        manifest["spec"]["template"]["spec"] |= reference
    else:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "shop"}, **reference}
        assert namespace.create(account).returncode == 0
        manifest["spec"]["template"]["spec"]["serviceAccountName"] = "shop"
    result = namespace.create(manifest)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("component", "verb", "resource", "expected"),
    [
        ("webhook", "get", "secrets", "yes"),
        ("webhook", "get", "serviceaccounts", "yes"),
        ("webhook", "list", "secrets", "no"),
        ("webhook", "watch", "secrets", "no"),
        ("webhook", "create", "secrets", "no"),
        ("webhook", "list", "serviceaccounts", "no"),
        ("operator", "get", "secrets", "no"),
    ],
)
def test_secrets_can_be_read_by_name_and_by_the_webhook_alone(
    control_plane: ControlPlane, component: str, verb: str, resource: str, expected: str
) -> None:
    question = ("auth", "can-i", verb, resource, "-n", "default", f"--as={ACCOUNT}-{component}")
    assert control_plane.kubectl(*question, check=False).stdout.strip() == expected
