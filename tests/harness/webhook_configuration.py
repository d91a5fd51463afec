"""The ValidatingWebhookConfiguration, one entry an environment, with the conditions that spare needless calls."""

import base64
from collections.abc import Sequence
from typing import Any

ENVIRONMENT_LABEL = "stella.ops/environment"

_BOTH = ["CREATE", "UPDATE"]
_RULES = (
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]},
    {"apiGroups": ["argoproj.io"], "apiVersions": ["v1alpha1"], "resources": ["rollouts"]},
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["statefulsets", "daemonsets", "replicasets"]},
    {"apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["jobs", "cronjobs"]},
    {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]},
)

_HAS_TEMPLATES = (
    "has(object.spec) && has(object.spec.template) && has(oldObject.spec) && has(oldObject.spec.template)"
)
_SAME_TEMPLATE = f"{_HAS_TEMPLATES} && object.spec.template == oldObject.spec.template"
_SCALED_UP_FROM_ZERO = (
    "has(oldObject.spec.replicas) && oldObject.spec.replicas == 0"
    " && (!has(object.spec.replicas) || object.spec.replicas > 0)"
)
_BRINGS_SOMETHING_NEW = f"request.operation != 'UPDATE' || !({_SAME_TEMPLATE}) || ({_SCALED_UP_FROM_ZERO})"
"""False for an update that leaves the pod template alone and does not start the first pods."""


def webhook_name(environment: str) -> str:
    """Names an environment's entry, as kubectl's messages and the audit annotations show it.

    Args:
        environment: The environment.

    Returns:
        A domain name.
    """
    return f"{environment}.execution-evidence.stella.ops"


def webhook_configuration(name: str, url: str, ca_pem: bytes, environments: Sequence[str]) -> dict[str, Any]:
    """Makes the configuration.

    Args:
        name: The object's name.
        url: Where the webhook listens, without a path.
        ca_pem: Who signed its certificate.
        environments: One entry each.

    Returns:
        The manifest.
    """
    bundle = base64.b64encode(ca_pem).decode()
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [_entry(environment, url, bundle) for environment in environments],
    }


def _entry(environment: str, url: str, ca_bundle: str) -> dict[str, Any]:
    return {
        "name": webhook_name(environment),
        "clientConfig": {"url": f"{url}/admit/{environment}", "caBundle": ca_bundle},
        "namespaceSelector": {"matchLabels": {ENVIRONMENT_LABEL: environment}},
        "rules": [{"operations": _BOTH, "scope": "Namespaced", **rule} for rule in _RULES],
        "matchConditions": [{"name": "brings-something-new", "expression": _BRINGS_SOMETHING_NEW}],
        "matchPolicy": "Equivalent",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "NoneOnDryRun",
        "failurePolicy": "Fail",
        "timeoutSeconds": 10,
    }
