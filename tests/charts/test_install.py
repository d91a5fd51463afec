"""`helm install`, `upgrade` and `uninstall` against the real API server and its controllers."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm
from tests.charts.leftovers import present
from tests.harness.control_plane import ControlPlane
from tests.harness.polling import poll

SECONDS = 30.0
ENABLED = {
    "gate": {"enabled": True, "missingEvidenceAction": "Block"},
    "admission": {"protectEnvironmentLabel": True},
}


def pods(control_plane: ControlPlane, component: str) -> list[dict[str, Any]]:
    selector = f"app.kubernetes.io/component={component}"
    answer = control_plane.kubectl("get", "pods", "-n", NAMESPACE, "-l", selector, "-o", "json").stdout
    items: list[dict[str, Any]] = json.loads(answer)["items"]
    return items


@pytest.mark.usefixtures("nothing")
def test_install_makes_everything_and_the_controllers_make_the_pods(
    control_plane: ControlPlane, cluster_helm: Helm
) -> None:
    notes = cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=ENABLED).stdout
    rendered = cluster_helm.render("--skip-tests", values=ENABLED)
    assert {f"{kind}/{name}" for kind, name in rendered} <= present(control_plane)
    # Without nodes they stay pending; that they exist is what accounts, priority class and Pod Security allow.
    poll(lambda: len(pods(control_plane, "webhook")) == 3, SECONDS, "three pods of the webhook")
    poll(lambda: len(pods(control_plane, "operator")) == 1, SECONDS, "one pod of the operator")
    assert "The gate is registered for: production." in notes
    assert notes.count("\n  kubectl ") + notes.count("\n  helm ") == 3


@pytest.mark.usefixtures("nothing")
def test_uninstall_leaves_the_definition_and_nothing_else(control_plane: ControlPlane, cluster_helm: Helm) -> None:
    cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=ENABLED)
    cluster_helm.run("uninstall", RELEASE, "--namespace", NAMESPACE)
    kept = {"CustomResourceDefinition/executionevidences.stella.ops"}
    poll(lambda: present(control_plane) == kept, SECONDS, "everything else is gone")


@pytest.mark.usefixtures("nothing")
def test_uninstall_removes_the_webhook_configuration_first(control_plane: ControlPlane, cluster_helm: Helm) -> None:
    cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=ENABLED)
    before = len(control_plane.audit_events(verb="delete"))
    cluster_helm.run("uninstall", RELEASE, "--namespace", NAMESPACE)
    deleted = [event["objectRef"] for event in control_plane.audit_events(verb="delete")[before:]]
    mine = [item["resource"] for item in deleted if RELEASE in item.get("name", "")]
    assert mine[0] == "validatingwebhookconfigurations"


@pytest.mark.usefixtures("nothing")
def test_a_release_that_was_gone_takes_its_definition_over_again(
    control_plane: ControlPlane, cluster_helm: Helm
) -> None:
    for _ in range(2):
        cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE)
        cluster_helm.run("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")
    control_plane.kubectl("get", "crd", "executionevidences.stella.ops")


@pytest.mark.usefixtures("nothing")
def test_an_upgrade_brings_the_definition_up_to_date(
    control_plane: ControlPlane, cluster_helm: Helm, tmp_path: Path
) -> None:
    older = shutil.copytree(CHART, tmp_path / "older")
    definition = older / "files" / "executionevidences.yaml"
    definition.write_text(definition.read_text().replace("shortNames: [exev]", "shortNames: [old]"))
    query = ("get", "crd", "executionevidences.stella.ops", "-o", "jsonpath={.spec.names.shortNames}")
    cluster_helm.run("install", RELEASE, older, "--namespace", NAMESPACE)
    assert control_plane.kubectl(*query).stdout == '["old"]'
    cluster_helm.run("upgrade", RELEASE, CHART, "--namespace", NAMESPACE)
    assert control_plane.kubectl(*query).stdout == '["exev"]'


@pytest.mark.usefixtures("nothing")
def test_an_upgrade_leaves_the_authority_that_the_operator_wrote(
    control_plane: ControlPlane, cluster_helm: Helm
) -> None:
    cluster_helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, values=ENABLED)
    patch = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "aGVsbG8="}]
    target = ("validatingwebhookconfiguration", RELEASE)
    control_plane.kubectl("patch", *target, "--type=json", "-p", json.dumps(patch), "--field-manager=operator")
    cluster_helm.run(
        "upgrade", RELEASE, CHART, "--namespace", NAMESPACE, values=ENABLED | {"workloads": ["Deployment"]}
    )
    written = control_plane.kubectl("get", *target, "-o", "jsonpath={.webhooks[0].clientConfig.caBundle}").stdout
    assert written == "aGVsbG8="
