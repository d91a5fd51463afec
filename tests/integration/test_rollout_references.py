"""Rollouts that take their pods from another object, as the shipped match conditions let the API server ask.

No controller is at work, so nothing is changed behind the tests' back; test_rollouts_controller.py has the real one.
"""

import json
from typing import Any

import pytest

from tests.harness.cluster import Namespace
from tests.harness.evidence import image_of
from tests.harness.gate import Gate
from tests.harness.workloads import workload

DENIED = "(EvidenceMissing)"
VERSIONS = {"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "PodTemplate": "v1"}


def referring(kind: str = "Deployment", name: str = "cart", **spec: Any) -> dict[str, Any]:
    reference = {"apiVersion": VERSIONS[kind], "kind": kind, "name": name}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "cart"},
        "spec": {"replicas": 1, "workloadRef": reference, **spec},
    }


def template(name: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "cart", "image": image_of(name)}]}}


def patch(namespace: Namespace, change: Any, kind: str = "rollout") -> str:
    """Patches the object `cart`; gives what kubectl says about a refusal."""
    text = json.dumps(change)
    return namespace.kubectl("patch", kind, "cart", "--type=merge", "-p", text, check=False).stderr


def start(namespace: Namespace, **spec: Any) -> None:
    """Makes a Deployment without pods that has evidence, and the Rollout that refers to it."""
    assert namespace.create(workload("Deployment", "cart", image_of("sufficient"), replicas=0)).returncode == 0
    assert namespace.create(referring(**spec)).returncode == 0


@pytest.mark.parametrize("kind", VERSIONS)
def test_what_a_rollout_refers_to_is_read_and_its_changes_are_evaluated(production: Namespace, kind: str) -> None:
    assert "EvidenceUnavailable" in production.create(referring(kind)).stderr
    assert production.create(workload(kind, "cart", image_of("sufficient"))).returncode == 0
    assert production.create(referring(kind)).returncode == 0
    change = {"template": template("nobody-ran-it")}
    assert DENIED in patch(production, change if kind == "PodTemplate" else {"spec": change}, kind)


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"annotations": {"rollout.argoproj.io/workload-generation": "2"}}},
        {"metadata": {"finalizers": ["example.com/hold"]}},
        {"spec": {"paused": True}},
        {"spec": {"strategy": {"canary": {"steps": [{"setWeight": 20}]}}}},
        {"spec": {"replicas": 5}},
        {"spec": {"replicas": 0}},
        {"spec": {"template": template("nobody-ran-it")}},
    ],
    ids=["generation", "finalizer", "paused", "steps", "more replicas", "no replicas", "a template beside it"],
)
def test_a_change_that_keeps_the_reference_never_asks_the_webhook(
    production: Namespace, gate: Gate, change: Any
) -> None:
    start(production)
    before = gate.reviews()
    assert patch(production, change) == ""
    assert gate.reviews() == before


def test_another_reference_is_read(production: Namespace) -> None:
    start(production)
    assert "Deployment/other, which cannot be read" in patch(production, {"spec": {"workloadRef": {"name": "other"}}})


def test_a_reference_in_the_place_of_a_template_is_read(production: Namespace) -> None:
    assert production.create(workload("Rollout", "cart", image_of("sufficient"))).returncode == 0
    reference = referring(name="other")["spec"]["workloadRef"]
    for change in ({"workloadRef": reference}, {"workloadRef": reference, "template": None}):
        assert "Deployment/other, which cannot be read" in patch(production, {"spec": change})


def test_a_template_cannot_hide_beside_a_reference_that_is_taken_away(production: Namespace) -> None:
    # The template stays as it is; only now pods are made from it.
    start(production, template=template("nobody-ran-it"))
    assert DENIED in patch(production, {"spec": {"workloadRef": None}})


def test_a_template_in_the_place_of_a_reference_is_evaluated(production: Namespace) -> None:
    start(production)
    assert DENIED in patch(production, {"spec": {"workloadRef": None, "template": template("nobody-ran-it")}})
    assert patch(production, {"spec": {"workloadRef": None, "template": template("sufficient")}}) == ""


def test_the_first_pods_of_a_rollout_are_evaluated_by_what_it_refers_to(production: Namespace, gate: Gate) -> None:
    start(production, replicas=0)
    before = gate.reviews()
    assert patch(production, {"spec": {"replicas": 2}}) == ""
    assert gate.reviews() == before + 1
    production.kubectl("delete", "deployment", "cart")
    patch(production, {"spec": {"replicas": 0}})
    assert "EvidenceUnavailable" in patch(production, {"spec": {"replicas": 2}})
