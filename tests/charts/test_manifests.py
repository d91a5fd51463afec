"""The files that `make manifests` writes are those that lie here."""

from tests.charts.chart import NAMESPACE, Helm, objects
from tests.charts.manifests import DEFINITION, DEFINITION_IN_CHART, INSTALL, install_manifest


def test_the_chart_holds_the_shipped_definition() -> None:
    assert DEFINITION_IN_CHART.read_bytes() == DEFINITION.read_bytes()


def test_the_rendered_manifest_is_the_chart_s(helm: Helm) -> None:
    assert INSTALL.read_text() == install_manifest(helm), "run `make manifests`"


def test_the_rendered_manifest_cannot_stop_anybody() -> None:
    assert {kind for kind, _ in objects(INSTALL.read_text()) if "Webhook" in kind or "Admission" in kind} == set()


def test_whatever_has_a_namespace_names_it() -> None:
    cluster_wide = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
    homeless = {
        (kind, name)
        for (kind, name), item in objects(INSTALL.read_text()).items()
        if kind not in cluster_wide and item["metadata"].get("namespace") != NAMESPACE
    }
    assert homeless == set()
