"""A release with break-glass and the rollback rule: the chart's rights are those that they take.

With the real controllers, so that a Deployment has the history that it has in a cluster.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.charts.chart import RELEASE, Helm
from tests.charts.installation import Installation, installed
from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of, statement
from tests.harness.polling import poll
from tests.harness.process import free_ports
from tests.harness.workloads import deployment

SECONDS = 30.0
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
AGE = timedelta(hours=1)
FRESH_FOR = timedelta(seconds=15)
"""How long the evidence of `v1` is fresh for: long enough to deploy it, and soon over."""


@pytest.fixture(scope="module")
def installation(
    control_plane: ControlPlane, cluster_helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    ports = free_ports(2)
    folder = tmp_path_factory.mktemp("webhook")
    gate = {
        "enabled": True,
        "missingEvidenceAction": "Block",
        "maxEvidenceAge": "1h",
        "rollback": "AllowPreviouslyAdmitted",
    }
    chosen: dict[str, Any] = {"gate": gate, "breakGlass": {"enabled": True, "maxDuration": "2h"}}
    with installed(control_plane, cluster_helm, folder, (ports[0], ports[1]), **chosen) as running:
        yield running


@pytest.fixture
def production(installation: Installation) -> Namespace:
    namespace = Namespace.new(installation.control_plane, "production")
    poll(lambda: not namespace.admits(image_of("unseen")), SECONDS, "the API server asks the webhook")
    return namespace


def publish(installation: Installation, name: str, observed_until: datetime) -> None:
    body = statement(digest_of(name), observedUntil=observed_until.strftime(FORMAT))
    envelope = json.loads(installation.signer.sign(body))
    head = {"apiVersion": "stella.ops/v1alpha1", "kind": "ExecutionEvidence", "metadata": {"name": name}}
    apply(installation.control_plane, head | {"spec": {"envelope": envelope}})


def get(namespace: Namespace, *what: str) -> Any:
    return json.loads(namespace.kubectl("get", *what, "-o", "json").stdout)


def wait_for_revision(namespace: Namespace, workload: str, name: str) -> None:
    def made() -> bool:
        return any(
            item["metadata"]["ownerReferences"][0]["name"] == workload
            and item["spec"]["template"]["spec"]["containers"][0]["image"] == image_of(name)
            for item in get(namespace, "replicasets")["items"]
        )

    poll(made, SECONDS, f"the ReplicaSet of {workload} with {name}")


def set_image(namespace: Namespace, workload: str, name: str) -> str:
    """Sets an image, and gives what kubectl says of it."""
    return namespace.kubectl("set", "image", f"deployment/{workload}", f"cart={image_of(name)}", check=False).stderr


def test_an_undo_brings_back_what_was_admitted_and_nobody_elses_image(
    installation: Installation, production: Namespace
) -> None:
    publish(installation, "v2", datetime.now(UTC))
    publish(installation, "v1", datetime.now(UTC) - AGE + FRESH_FOR)
    poll(lambda: production.admits(image_of("v1")) and production.admits(image_of("v2")), SECONDS, "evidence is seen")
    assert production.create(deployment("cart", image_of("v1"))).returncode == 0
    wait_for_revision(production, "cart", "v1")
    assert set_image(production, "cart", "v2") == ""
    assert production.create(deployment("other", image_of("v2"))).returncode == 0
    poll(lambda: not production.admits(image_of("v1")), SECONDS, "the evidence is stale")

    undone = production.kubectl("rollout", "undo", "deployment/cart", check=False)
    assert undone.returncode == 0, undone.stderr
    assert "this workload ran the image before, while it was fresh" in undone.stderr
    template = get(production, "deployment", "cart")["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == image_of("v1")

    def told() -> bool:
        return any(event["reason"] == "Rollback" and event["type"] == "Warning" for event in production.events())

    poll(told, SECONDS, "the Event is there")
    assert "rollback: none of the workload's ReplicaSets has this image" in set_image(production, "other", "v1")
    forge(production, "other", "v1")
    refusal = set_image(production, "other", "v1")
    assert "rollback: no ReplicaSet of the workload with this image was made while its evidence was fresh" in refusal


def forge(namespace: Namespace, workload: str, name: str) -> None:
    """Makes a ReplicaSet that says it is a workload's, and old; only the API server says when it was made."""
    owner = get(namespace, "deployment", workload)["metadata"]
    labels = {"app": "cart", "pod-template-hash": "forged"}
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "controller": True}
    forged = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{workload}-forged",
            "labels": labels,
            "creationTimestamp": (datetime.now(UTC) - AGE).strftime(FORMAT),
            "ownerReferences": [reference | {"name": workload, "uid": owner["uid"]}],
        },
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "cart", "image": image_of(name)}]},
            },
        },
    }
    assert namespace.create(forged).returncode == 0


def rescued(name: str, hours: float = 1.0) -> dict[str, Any]:
    end = (datetime.now(UTC) + timedelta(hours=hours)).strftime(FORMAT)
    item = deployment(name, image_of("unseen"))
    notes = {"stella.ops/break-glass": "checkout is down", "stella.ops/break-glass-expires": end}
    item["metadata"]["annotations"] = notes
    return item


def test_whoever_the_role_is_bound_to_may_bypass_there(production: Namespace) -> None:
    for role, account in (("edit", "robot"), ("edit", "stranger"), (f"{RELEASE}-break-glass", "robot")):
        who = f"--serviceaccount={production.name}:{account}"
        # Not named after the release, of which nothing may be left behind.
        name = f"{account}-{role.removeprefix(RELEASE)}"
        production.kubectl("create", "rolebinding", name, f"--clusterrole={role}", who)
    robot, stranger = (f"--as=system:serviceaccount:{production.name}:{name}" for name in ("robot", "stranger"))

    def admitted() -> bool:
        return production.create(rescued("tried"), robot, "--dry-run=server").returncode == 0

    poll(admitted, SECONDS, "the role is bound")
    result = production.create(rescued("cart"), robot)
    assert "Warning: break-glass: An authorised user bypassed the gate" in result.stderr
    assert "more than 2h ahead" in production.create(rescued("longer", 3.0), robot).stderr
    refusal = production.create(rescued("other"), stranger).stderr
    assert "the right to bypass executionevidencegates.stella.ops in this namespace is missing" in refusal


def test_the_pods_of_what_was_let_past_are_made_by_its_controllers(production: Namespace) -> None:
    assert production.create(rescued("cart")).returncode == 0
    wait_for_revision(production, "cart", "unseen")
