"""The ValidatingWebhookConfiguration: the shipped example, turned to a loopback address."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ENVIRONMENT_LABEL = "stella.ops/environment"

_EXAMPLE = Path(__file__).parents[2] / "manifests/examples/webhook-configuration.yaml"
_BOTH = ["CREATE", "UPDATE"]
_RULES = (
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]},
    {"apiGroups": ["argoproj.io"], "apiVersions": ["v1alpha1"], "resources": ["rollouts"]},
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["statefulsets", "daemonsets", "replicasets"]},
    {"apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["jobs", "cronjobs"]},
    {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods", "podtemplates"]},
)


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
    # The shipped example is what users copy, so it is what the tests register; only the address differs, and all
    # kinds are sent where the example has the default two.
    shipped = yaml.safe_load(_EXAMPLE.read_text(encoding="utf-8"))["webhooks"][0]
    return {
        **shipped,
        "name": webhook_name(environment),
        "clientConfig": {"url": f"{url}/admit/{environment}", "caBundle": ca_bundle},
        "namespaceSelector": {"matchLabels": {ENVIRONMENT_LABEL: environment}},
        "rules": [{"operations": _BOTH, "scope": "Namespaced", **rule} for rule in _RULES],
    }
