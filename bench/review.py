"""The reviewed object: a Deployment as a team applies it, grown to 36 KB by environment variables."""

import json
from typing import Any

from tests.harness.evidence import REPOSITORY, digest_of, image_of
from tests.harness.workloads import admission_review

REVIEW_BYTES = 36 * 1024
TOLERANCE_BYTES = 512

UID = "00000000-0000-4000-8000-000000000000"
"""The review's uid; the load generator gives each request its own."""

CART, PROXY = image_of("cart"), image_of("proxy")
IMAGES = (digest_of("cart"), digest_of("proxy"))
"""Digests of the two images that the Deployment runs."""

_LABELS = {"app.kubernetes.io/name": "cart", "app.kubernetes.io/part-of": "shop"}
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CREATED = "2026-01-05T09:30:00Z"
_VARIABLES = 66


def deployment(namespace: str = "shop") -> dict[str, Any]:
    """Makes the Deployment as `kubectl apply` sends it: two containers, an init container, two images.

    Args:
        namespace: Where it lies.

    Returns:
        A manifest that an API server accepts.
    """
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": namespace, "labels": _LABELS, "annotations": {}},
        "spec": {
            "replicas": 3,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": _LABELS},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": _LABELS, "annotations": {"prometheus.io/scrape": "true"}},
                "spec": _pod(),
            },
        },
    }
    applied = json.dumps(manifest, separators=(",", ":")) + "\n"
    manifest["metadata"] |= {"annotations": {_LAST_APPLIED: applied}}  # type: ignore[operator]  # a dictionary
    return manifest


def creation_review() -> bytes:
    """Writes the AdmissionReview of its creation, with what the API server adds: uid, time, managedFields.

    Returns:
        JSON of about `REVIEW_BYTES`, in the API server's compact form.
    """
    manifest = deployment()
    owned = {part: _owned(manifest[part]) for part in ("metadata", "spec")}
    manifest["metadata"] |= {
        "uid": "5a0f3c58-7f0e-4c1a-9d58-0c8a5f2e7b11",
        "generation": 1,
        "creationTimestamp": _CREATED,
        "managedFields": [
            {
                "manager": "kubectl-client-side-apply",
                "operation": "Update",
                "apiVersion": "apps/v1",
                "time": _CREATED,
                "fieldsType": "FieldsV1",
                "fieldsV1": {f"f:{part}": fields for part, fields in owned.items()},
            }
        ],
    }
    manifest["status"] = {}
    body = _compact(json.loads(admission_review(manifest, UID, "shop")))
    assert abs(len(body) - REVIEW_BYTES) < TOLERANCE_BYTES, f"the review has {len(body)} bytes"
    return body


def review_of(digests: list[str]) -> bytes:
    """Writes the review of a small Deployment that runs many images.

    Args:
        digests: One container each.

    Returns:
        The AdmissionReview of its creation.
    """
    manifest = deployment()
    manifest["metadata"]["annotations"] = {}
    containers = [{"name": f"c{index}", "image": f"{REPOSITORY}@{digest}"} for index, digest in enumerate(digests)]
    manifest["spec"]["template"]["spec"] = {"containers": containers}
    return _compact(json.loads(admission_review(manifest, UID, "shop")))


def _pod() -> dict[str, Any]:
    return {
        "serviceAccountName": "cart",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 45,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": _LABELS},
            }
        ],
        "initContainers": [
            _container("migrate", CART) | {"args": ["migrate", "--wait"], "env": _environment(_VARIABLES // 3)}
        ],
        "containers": [
            _container("cart", CART) | _probes(8080) | {"env": _environment(_VARIABLES)},
            _container("proxy", PROXY) | _probes(15021) | {"env": _environment(_VARIABLES // 5)},
        ],
        "volumes": [
            {"name": "scratch", "emptyDir": {"sizeLimit": "256Mi"}},
            {"name": "settings", "configMap": {"name": "cart-settings", "defaultMode": 288}},
            {"name": "tls", "secret": {"secretName": "cart-tls", "defaultMode": 288}},
        ],
    }


def _container(name: str, image: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 - a path inside a container
            {"name": "settings", "mountPath": "/etc/cart", "readOnly": True},
        ],
    }


def _probes(port: int) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/healthz", "port": port, "scheme": "HTTP"}, "periodSeconds": 10}
    return {
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "livenessProbe": probe | {"failureThreshold": 6},
        "readinessProbe": probe | {"httpGet": {"path": "/readyz", "port": port, "scheme": "HTTP"}},
    }


def _environment(count: int) -> list[dict[str, Any]]:
    """Every third variable comes from a Secret, the others are addresses of other services."""
    return [
        {"name": f"UPSTREAM_{index:02}_TOKEN", "valueFrom": {"secretKeyRef": {"name": "cart", "key": f"t{index}"}}}
        if index % 3 == 0
        else {"name": f"UPSTREAM_{index:02}_URL", "value": f"https://upstream-{index}.shop.svc:8443/api/v1"}
        for index in range(count)
    ]


def _owned(value: Any) -> dict[str, Any]:
    """Gives the fieldsV1 of a value: maps by member, lists of named items by name, all else as a whole."""
    if isinstance(value, dict):
        return {f"f:{name}": _owned(member) for name, member in value.items()}
    if isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value):
        return {f'k:{{"name":"{item["name"]}"}}': {".": {}} | _owned(item) for item in value}
    return {}


def _compact(review: dict[str, Any]) -> bytes:
    return json.dumps(review, separators=(",", ":")).encode()
