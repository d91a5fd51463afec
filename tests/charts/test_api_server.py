"""The real API server takes what the chart renders, strictly, under Pod Security `restricted`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.chart import CI_VALUES, NAMESPACE, Helm, objects
from tests.charts.manifests import INSTALL
from tests.harness.cluster import apply
from tests.harness.control_plane import ControlPlane

FOREIGN = {
    "Certificate": "cert-manager.io/v1",
    "Issuer": "cert-manager.io/v1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
}


def definition(kind: str, api_version: str) -> dict[str, Any]:
    """Makes a definition without a schema: of foreign kinds, only what is around `spec` is checked here."""
    group, _, version = api_version.partition("/")
    plural = f"{kind.lower()}s"
    open_schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": open_schema}}
            ],
        },
    }


@pytest.fixture(scope="session")
def foreign_kinds(control_plane: ControlPlane) -> None:
    definitions = [definition(kind, version) for kind, version in FOREIGN.items()]
    apply(control_plane, *definitions)
    names = [f"crd/{item['metadata']['name']}" for item in definitions]
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)


def dry_run(control_plane: ControlPlane, manifests: str) -> set[tuple[str, str]]:
    """Gives kind and name of what the API server would store; a refusal is the test's failure."""
    flags = ["--dry-run=server", "--validate=strict", "-n", NAMESPACE, "-o", "json"]
    answer = json.loads(control_plane.kubectl("apply", "-f", "-", *flags, stdin=manifests).stdout)
    return {(item["kind"], item["metadata"]["name"]) for item in answer["items"]}


@pytest.mark.usefixtures("foreign_kinds")
@pytest.mark.parametrize("values", CI_VALUES, ids=lambda path: path.stem)
def test_every_values_file_gives_what_the_api_server_accepts(
    control_plane: ControlPlane, helm: Helm, values: Path
) -> None:
    manifests = helm.template("--values", values)
    hosts_network = yaml.safe_load(values.read_text()).get("webhook", {}).get("hostNetwork", False)
    enforced = "privileged" if hosts_network else "restricted"
    label = f"pod-security.kubernetes.io/enforce={enforced}"
    control_plane.kubectl("label", "namespace", NAMESPACE, label, "--overwrite")
    assert dry_run(control_plane, manifests) == set(objects(manifests))


def test_the_manifest_for_kubectl_is_accepted(control_plane: ControlPlane) -> None:
    assert dry_run(control_plane, INSTALL.read_text()) == set(objects(INSTALL.read_text()))


def test_a_misspelt_member_would_have_been_refused(control_plane: ControlPlane, helm: Helm) -> None:
    """The guard of the tests above: the dry run is as strict as they need."""
    manifests = helm.template().replace("terminationGracePeriodSeconds", "terminationGracePeriod")
    result = control_plane.kubectl(
        "apply", "-f", "-", "--dry-run=server", "--validate=strict", "-n", NAMESPACE, stdin=manifests, check=False
    )
    assert 'unknown field "spec.template.spec.terminationGracePeriod"' in result.stderr
