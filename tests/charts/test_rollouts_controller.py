"""The real Argo Rollouts, led through the installed gate: images are evaluated, steps are not.

Sources: argo-rollouts 1.10 (rollout/, pkg/kubectl-argo-rollouts/cmd).
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.charts.chart import Helm
from tests.charts.installation import Installation, installed
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.process import free_ports
from tests.harness.ready_pods import ReadyPods
from tests.harness.rollouts import Rollouts, running_rollouts
from tests.harness.workloads import deployment, workload

SECONDS = 30.0
CANARY = {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}
DENIED = 'admission webhook "production.execution-evidence.stella.ops" denied the request'


@pytest.fixture(scope="module")
def installation(
    control_plane: ControlPlane, cluster_helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """The release with the default `workloads`, and evidence about `v1` and `v2`."""
    port, ops_port = free_ports(2)
    folder = tmp_path_factory.mktemp("webhook")
    with installed(control_plane, cluster_helm, folder, (port, ops_port)) as running:
        running.publish("v1")
        running.publish("v2")
        yield running


@pytest.fixture(scope="module")
def rollouts(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollouts]:
    with running_rollouts(control_plane, tmp_path_factory.mktemp("rollouts")) as running, ReadyPods(control_plane):
        yield running


@pytest.fixture
def production(installation: Installation) -> Namespace:
    """A namespace of the environment `production`, once the gate evaluates there."""
    namespace = Namespace.new(installation.control_plane, "production")
    poll(lambda: not namespace.admits(image_of("unseen")), SECONDS, "the API server asks the webhook")
    poll(lambda: namespace.admits(image_of("v1")) and namespace.admits(image_of("v2")), SECONDS, "evidence is seen")
    return namespace


def rollout(image: str, **spec: Any) -> dict[str, Any]:
    return workload("Rollout", "cart", image, **{"replicas": 2, "strategy": CANARY} | spec)


def start(namespace: Namespace, rollouts: Rollouts, **spec: Any) -> None:
    """Starts `cart` with the image `v1`, and waits until all of its pods are there."""
    assert namespace.create(rollout(image_of("v1"), **spec)).stderr == ""
    rollouts.wait_for(namespace, "cart", "healthy", phase="Healthy")


def set_image(namespace: Namespace, rollouts: Rollouts, name: str) -> str:
    """Runs `kubectl argo rollouts set image`, and gives what it says of a refusal."""
    return rollouts.plugin(namespace, "set", "image", "cart", f"cart={image_of(name)}").stderr


def step(namespace: Namespace, rollouts: Rollouts, *command: str) -> None:
    result = rollouts.plugin(namespace, *command)
    assert result.returncode == 0, result.stderr


def images(namespace: Namespace) -> set[str]:
    """The images that pods run."""
    found = json.loads(namespace.kubectl("get", "pods", "-o", "json").stdout)["items"]
    return {pod["spec"]["containers"][0]["image"] for pod in found if "deletionTimestamp" not in pod["metadata"]}


def wait_for_images(namespace: Namespace, *names: str) -> None:
    wanted = {image_of(name) for name in names}
    poll(lambda: images(namespace) == wanted, SECONDS, f"pods of {', '.join(names)} and no others")


def test_a_canary_goes_from_its_start_to_its_promotion_with_one_evaluation_of_each_image(
    installation: Installation, production: Namespace, rollouts: Rollouts
) -> None:
    evaluated, asked = installation.evaluated(), installation.reviews()
    start(production, rollouts)
    wait_for_images(production, "v1")
    assert set_image(production, rollouts, "v2") == ""
    rollouts.wait_for(production, "cart", "paused at its step", phase="Paused")
    wait_for_images(production, "v1", "v2")
    step(production, rollouts, "promote", "cart")
    status = rollouts.wait_for(production, "cart", "promoted", phase="Healthy")
    assert status["stableRS"] == status["currentPodHash"]
    wait_for_images(production, "v2")
    assert installation.evaluated() == evaluated + 2
    # The ReplicaSets and pods that the controller makes are not asked about, nor are its updates but the first, which
    # writes the template anew (`resources: {}`).
    assert installation.reviews() == asked + 3


def test_an_image_that_nobody_observed_is_denied_at_the_rollout_and_the_old_one_goes_on(
    production: Namespace, rollouts: Rollouts
) -> None:
    start(production, rollouts)
    refusal = set_image(production, rollouts, "unseen")
    assert DENIED in refusal
    assert "(EvidenceMissing)" in refusal
    rollouts.wait_for(production, "cart", "healthy", phase="Healthy")
    assert images(production) == {image_of("v1")}


def test_abort_and_retry_are_steps_and_not_evaluated(
    installation: Installation, production: Namespace, rollouts: Rollouts
) -> None:
    start(production, rollouts)
    assert set_image(production, rollouts, "v2") == ""
    rollouts.wait_for(production, "cart", "paused at its step", phase="Paused")
    before = installation.reviews()
    step(production, rollouts, "abort", "cart")
    rollouts.wait_for(production, "cart", "aborted", phase="Degraded", abort=True)
    wait_for_images(production, "v1")
    step(production, rollouts, "retry", "rollout", "cart")
    rollouts.wait_for(production, "cart", "paused again", phase="Paused")
    step(production, rollouts, "promote", "cart", "--full")
    rollouts.wait_for(production, "cart", "promoted", phase="Healthy")
    wait_for_images(production, "v2")
    assert installation.reviews() == before


def test_pausing_is_a_step_and_a_new_image_meanwhile_is_not(
    installation: Installation, production: Namespace, rollouts: Rollouts
) -> None:
    start(production, rollouts)
    before = installation.reviews()
    step(production, rollouts, "pause", "cart")
    # An update that loses a race against the controller's is made again by the plugin, and is asked about again.
    rollouts.wait_for(production, "cart", "paused", phase="Paused")
    assert installation.reviews() == before
    assert "(EvidenceMissing)" in set_image(production, rollouts, "unseen")
    assert set_image(production, rollouts, "v2") == ""
    assert installation.reviews() == before + 2
    step(production, rollouts, "promote", "cart", "--full")
    rollouts.wait_for(production, "cart", "promoted", phase="Healthy")
    wait_for_images(production, "v2")
    assert installation.reviews() == before + 2


def test_undo_brings_an_image_back_and_is_evaluated(
    installation: Installation, production: Namespace, rollouts: Rollouts
) -> None:
    installation.publish("v0")
    poll(lambda: production.admits(image_of("v0")), SECONDS, "the evidence is seen")
    assert production.create(rollout(image_of("v0"))).stderr == ""
    rollouts.wait_for(production, "cart", "healthy", phase="Healthy")
    assert set_image(production, rollouts, "v2") == ""
    rollouts.wait_for(production, "cart", "paused at its step", phase="Paused")
    step(production, rollouts, "promote", "cart", "--full")
    rollouts.wait_for(production, "cart", "promoted", phase="Healthy")
    installation.withdraw("v0")
    poll(lambda: not production.admits(image_of("v0")), SECONDS, "the evidence is gone")
    assert "(EvidenceMissing)" in rollouts.plugin(production, "undo", "cart").stderr
    installation.publish("v0")
    poll(lambda: production.admits(image_of("v0")), SECONDS, "the evidence is back")
    step(production, rollouts, "undo", "cart")
    rollouts.wait_for(production, "cart", "on its way back", phase="Paused")
    wait_for_images(production, "v0", "v2")


def service(name: str) -> dict[str, Any]:
    spec = {"selector": {"app": "cart"}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def test_blue_green_is_evaluated_at_its_image_and_not_at_its_switch(
    installation: Installation, production: Namespace, rollouts: Rollouts
) -> None:
    for name in ("active", "preview"):
        production.create(service(name))
    strategy = {"blueGreen": {"activeService": "active", "previewService": "preview", "autoPromotionEnabled": False}}
    before = installation.evaluated()
    start(production, rollouts, strategy=strategy)
    assert "(EvidenceMissing)" in set_image(production, rollouts, "unseen")
    assert set_image(production, rollouts, "v2") == ""
    rollouts.wait_for(production, "cart", "paused before the switch", phase="Paused")
    step(production, rollouts, "promote", "cart")
    rollouts.wait_for(production, "cart", "switched", phase="Healthy")
    assert installation.evaluated() == before + 3


REFERENCE = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}


def referring(**reference: str) -> dict[str, Any]:
    spec = {"replicas": 2, "strategy": CANARY, "workloadRef": REFERENCE | reference}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "cart"}, "spec": spec}


def patch_deployment(namespace: Namespace, name: str) -> str:
    """Gives the Deployment an image, and says what is said of a refusal."""
    spec = {"template": {"spec": {"containers": [{"name": "cart", "image": image_of(name)}]}}}
    change = json.dumps({"spec": spec})
    return namespace.kubectl("patch", "deployment", "cart", "-p", change, check=False).stderr


def replicas(namespace: Namespace) -> str:
    return namespace.kubectl("get", "deployment", "cart", "-o", "jsonpath={.spec.replicas}").stdout


def test_a_deployment_at_zero_that_a_rollout_refers_to_is_evaluated_when_it_changes(
    installation: Installation, production: Namespace, rollouts: Rollouts
) -> None:
    before = installation.reviews()
    assert production.create(deployment("cart", image_of("v1"), replicas=1)).stderr == ""
    assert production.create(referring(scaleDown="onsuccess")).stderr == ""
    rollouts.wait_for(production, "cart", "healthy", phase="Healthy")
    poll(lambda: replicas(production) == "0", SECONDS, "the controller scales the Deployment down")
    wait_for_images(production, "v1")
    assert installation.reviews() == before + 2
    assert "(EvidenceMissing)" in patch_deployment(production, "unseen")
    assert patch_deployment(production, "v2") == ""
    rollouts.wait_for(production, "cart", "paused at its step", phase="Paused")
    wait_for_images(production, "v1", "v2")
    step(production, rollouts, "promote", "cart")
    rollouts.wait_for(production, "cart", "promoted", phase="Healthy")
    wait_for_images(production, "v2")
    # The controller's updates of such a Rollout are not asked about either, though it has no template.
    assert installation.reviews() == before + 4
    # `undo` patches the Deployment, and is evaluated there.
    step(production, rollouts, "undo", "cart")
    assert installation.reviews() == before + 5
    rollouts.wait_for(production, "cart", "on its way back", phase="Paused")
    wait_for_images(production, "v1", "v2")


@pytest.mark.usefixtures("production")
def test_a_rollout_is_denied_for_the_image_of_a_deployment_that_was_there_before(installation: Installation) -> None:
    # Made while the namespace belonged to no environment.
    namespace = Namespace.new(installation.control_plane, None)
    assert namespace.create(deployment("cart", image_of("unseen"), replicas=0)).returncode == 0
    namespace.control_plane.kubectl("label", "namespace", namespace.name, "stella.ops/environment=production")
    poll(lambda: not namespace.admits(image_of("unseen")), SECONDS, "the namespace is of the environment")
    refusal = namespace.create(referring()).stderr
    assert DENIED in refusal
    assert f"image: {image_of('unseen')} (container cart of Deployment/cart)" in refusal


def test_a_rollout_that_refers_to_nothing_is_to_be_tried_again(production: Namespace) -> None:
    refusal = production.create(referring()).stderr
    assert "Deployment/cart, which cannot be read: it does not exist (EvidenceUnavailable)" in refusal
    assert "ServiceUnavailable" in refusal
    assert production.create(deployment("cart", image_of("v1"))).returncode == 0
    assert production.create(referring()).returncode == 0
