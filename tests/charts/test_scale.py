"""The sub-resource `scale` of `kubectl scale`, HPA and KEDA, through the installed gate."""

import json
from collections.abc import Iterator

import pytest

from tests.charts.chart import Helm
from tests.charts.installation import Installation, installed
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.process import free_ports
from tests.harness.rollouts import define_rollouts
from tests.harness.workloads import API_VERSIONS, workload

SECONDS = 30.0
KINDS = ["Deployment", "Rollout", "StatefulSet"]
DENIED = 'admission webhook "production.execution-evidence.stella.ops" denied the request'


@pytest.fixture(scope="module")
def installation(
    control_plane: ControlPlane, cluster_helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    define_rollouts(control_plane)
    ports = free_ports(2)
    chosen = {"workloads": KINDS, "evaluateScaleUp": True}
    folder = tmp_path_factory.mktemp("webhook")
    with installed(control_plane, cluster_helm, folder, (ports[0], ports[1]), **chosen) as running:
        yield running


@pytest.fixture
def production(installation: Installation) -> Namespace:
    namespace = Namespace.new(installation.control_plane, "production")
    poll(lambda: not namespace.admits(image_of("unseen")), SECONDS, "the API server asks the webhook")
    return namespace


def start(installation: Installation, namespace: Namespace, kind: str, replicas: int) -> None:
    """Makes `cart` while there is evidence about its image, and takes that away."""
    name = f"{kind}-{namespace.name}".lower()
    installation.publish(name)
    poll(lambda: namespace.admits(image_of(name)), SECONDS, "the evidence is seen")
    assert namespace.create(workload(kind, "cart", image_of(name), replicas=replicas)).returncode == 0
    installation.withdraw(name)
    poll(lambda: not namespace.admits(image_of(name)), SECONDS, "the evidence is gone")


def scale(namespace: Namespace, kind: str, replicas: int) -> str:
    """Runs `kubectl scale`, and gives what it says of a refusal."""
    return namespace.kubectl("scale", kind, "cart", f"--replicas={replicas}", check=False).stderr


def update_scale(namespace: Namespace, kind: str, replicas: int) -> str:
    """Does what the HPA controller does: reads the Scale, and puts it back with another number."""
    path = f"/apis/{API_VERSIONS[kind]}/namespaces/{namespace.name}/{kind.lower()}s/cart/scale"
    item = json.loads(namespace.kubectl("get", "--raw", path).stdout)
    item["spec"]["replicas"] = replicas
    return namespace.kubectl("replace", "--raw", path, "-f", "-", stdin=json.dumps(item), check=False).stderr


def replicas_of(namespace: Namespace, kind: str) -> str:
    return namespace.kubectl("get", kind, "cart", "-o", "jsonpath={.spec.replicas}").stdout


@pytest.mark.parametrize("kind", KINDS)
def test_a_scale_from_zero_is_denied_without_evidence(
    installation: Installation, production: Namespace, kind: str
) -> None:
    start(installation, production, kind, replicas=0)
    for refusal in (scale(production, kind, 3), update_scale(production, kind, 3)):
        assert DENIED in refusal
        assert f"(container cart of {kind}/cart)" in refusal
    assert replicas_of(production, kind) == "0"


@pytest.mark.parametrize("kind", KINDS)
def test_a_scale_from_zero_is_admitted_with_evidence(
    installation: Installation, production: Namespace, kind: str
) -> None:
    name = f"stays-{kind}".lower()
    installation.publish(name)
    poll(lambda: production.admits(image_of(name)), SECONDS, "the evidence is seen")
    assert production.create(workload(kind, "cart", image_of(name), replicas=0)).returncode == 0
    before = installation.evaluated()
    assert scale(production, kind, 1) == ""
    assert replicas_of(production, kind) == "1"
    assert installation.evaluated() == before + 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_scale_of_what_runs_is_never_asked_about(
    installation: Installation, production: Namespace, kind: str
) -> None:
    start(installation, production, kind, replicas=1)
    before = installation.reviews()
    for number in (3, 2, 0, 0):
        assert scale(production, kind, number) == ""
    assert installation.reviews() == before
    assert "(EvidenceMissing)" in scale(production, kind, 1)


def test_a_scale_from_zero_leaves_an_event_about_what_is_scaled(
    installation: Installation, production: Namespace
) -> None:
    start(installation, production, "Deployment", replicas=0)
    scale(production, "Deployment", 3)
    uid = production.kubectl("get", "deployment", "cart", "-o", "jsonpath={.metadata.uid}").stdout

    def told() -> bool:
        about = [event["involvedObject"] for event in production.events() if event["reason"] == "EvidenceMissing"]
        return {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "uid": uid} in [
            {key: item.get(key) for key in ("apiVersion", "kind", "name", "uid")} for item in about
        ]

    poll(told, SECONDS, "the Event of the denial")
