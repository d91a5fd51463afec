"""Manifests of every workload kind, as small as the API server accepts them."""

import json
from typing import Any

_LABELS = {"app": "cart"}
_NEVER = {"restartPolicy": "Never"}

API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Pod": "v1",
    "PodTemplate": "v1",
    "Rollout": "argoproj.io/v1alpha1",
}
"""Kind to API version."""

ROLLOUT_CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "rollouts.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "scope": "Namespaced",
        "names": {"kind": "Rollout", "plural": "rollouts", "singular": "rollout", "listKind": "RolloutList"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                },
            }
        ],
    },
}
"""Argo's Rollout without its schema; of its controller nothing is needed here."""


def workload(kind: str, name: str, image: str, **spec: Any) -> dict[str, Any]:
    """Makes an object of any kind that runs one container called `cart`.

    Args:
        kind: A key of `API_VERSIONS`.
        name: The object's name.
        image: The container's image.
        spec: Further members of `spec`.

    Returns:
        The manifest.
    """
    container = {"name": "cart", "image": image}
    head = {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": {"name": name}}
    if kind == "PodTemplate":
        # The one kind without `spec`.
        return head | {"template": {"metadata": {"labels": _LABELS}, "spec": {"containers": [container]}}}
    return head | {"spec": _spec(kind, {"containers": [container]}) | spec}


def deployment(name: str, image: str, **spec: Any) -> dict[str, Any]:
    """Makes a Deployment.

    Args:
        name: As for `workload`.
        image: As for `workload`.
        spec: As for `workload`.

    Returns:
        The manifest.
    """
    return workload("Deployment", name, image, **spec)


def admission_review(item: dict[str, Any], uid: str, namespace: str) -> bytes:
    """Writes the review of an object's creation, as the API server sends it.

    Args:
        item: The object.
        uid: The request's uid.
        namespace: Where it is to be created.

    Returns:
        The request's body.
    """
    group, _, version = item["apiVersion"].rpartition("/")
    kind = {"group": group, "version": version, "kind": item["kind"]}
    resource = {"group": group, "version": version, "resource": f"{item['kind'].lower()}s"}
    request = {
        "uid": uid,
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": item["metadata"]["name"],
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "admin", "groups": ["system:masters", "system:authenticated"]},
        "object": item,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    review = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
    return json.dumps(review).encode()


def _spec(kind: str, pod: dict[str, Any]) -> dict[str, Any]:
    template = {"metadata": {"labels": _LABELS}, "spec": pod}
    selected = {"selector": {"matchLabels": _LABELS}, "template": template}
    match kind:
        case "Pod":
            return pod
        case "Job":
            return {"template": template | {"spec": pod | _NEVER}}
        case "CronJob":
            job = {"spec": {"template": template | {"spec": pod | _NEVER}}}
            return {"schedule": "0 3 * * *", "jobTemplate": job}
        case "StatefulSet":
            return selected | {"serviceName": "cart"}
        case _:
            return selected
