"""Alerts and dashboard ask only for what the processes count, and only of Services that exist."""

import json
import re
from typing import Any

import pytest

from tests.charts.chart import NAMESPACE, RELEASE, Helm, of_kind
from tests.support.exposed import SUFFIXES, exposed
from webhook.operator.metrics import OperatorMetrics

ALL = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}}
NAME = re.compile(r"execution_evidence_gate_\w+")


def counted() -> set[str]:
    webhook = {name + suffix for name, kind in exposed().items() for suffix in SUFFIXES[kind]} | set(exposed())
    return webhook | set(NAME.findall(OperatorMetrics().render().decode()))


def monitoring(helm: Helm) -> tuple[list[dict[str, Any]], dict[str, Any], set[str]]:
    """Gives the alerts, the dashboard and the Services' names."""
    rendered = helm.render(values={"monitoring": ALL})
    alerts = rendered["PrometheusRule", RELEASE]["spec"]["groups"][0]["rules"]
    text = rendered["ConfigMap", f"{RELEASE}-dashboard"]["data"]["execution-evidence-gate.json"]
    return alerts, json.loads(text), {item["metadata"]["name"] for item in of_kind(rendered, "Service")}


def test_alerts_ask_for_what_is_counted(helm: Helm) -> None:
    alerts, _, _ = monitoring(helm)
    asked = {name for alert in alerts for name in NAME.findall(alert["expr"])}
    assert asked
    assert asked <= counted()


def test_alerts_select_services_that_exist(helm: Helm) -> None:
    alerts, _, services = monitoring(helm)
    for alert in alerts:
        assert re.findall(r'namespace="(.*?)"', alert["expr"]) == [NAMESPACE]
        assert set(re.findall(r'job="(.*?)"', alert["expr"])) <= services


@pytest.mark.parametrize("mode", ["operator", "cert-manager", "secret"])
def test_the_end_of_the_certificate_is_told_whoever_makes_it(helm: Helm, mode: str) -> None:
    certificates = {"mode": mode, "caBundle": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"}
    rendered = helm.render(values={"monitoring": ALL, "certificates": certificates, "scan": {"enabled": False}})
    rules = rendered["PrometheusRule", RELEASE]["spec"]["groups"][0]["rules"]
    [alert] = [rule for rule in rules if rule["alert"] == "ExecutionEvidenceGateCertificateExpires"]
    assert "execution_evidence_gate_certificate_not_after_seconds" in alert["expr"]
    # Without the operator nobody counts what it counts, and such an alert would sleep for ever.
    assert (mode == "operator") == any("_operator_" in rule["expr"] for rule in rules)


@pytest.mark.parametrize("mode", ["operator", "cert-manager"])
def test_an_operator_that_makes_no_certificates_is_not_asked_about_them(helm: Helm, mode: str) -> None:
    rendered = helm.render(values={"monitoring": ALL, "certificates": {"mode": mode}})
    names = {rule["alert"] for rule in rendered["PrometheusRule", RELEASE]["spec"]["groups"][0]["rules"]}
    assert "ExecutionEvidenceGateOperatorUnhealthy" in names
    assert ("ExecutionEvidenceGateCertificateNotRenewed" in names) is (mode == "operator")


def test_a_store_that_does_not_see_all_evidence_is_told(helm: Helm) -> None:
    [alert] = [rule for rule in monitoring(helm)[0] if rule["alert"] == "ExecutionEvidenceGateStoreGaps"]
    selector = f'{{namespace="{NAMESPACE}",job="{RELEASE}-ops"}}'
    assert alert["expr"] == f"max(execution_evidence_gate_store_gaps{selector}) > 0"


def test_the_dashboard_asks_for_what_is_counted(helm: Helm) -> None:
    _, dashboard, _ = monitoring(helm)
    asked = {
        name for panel in dashboard["panels"] for target in panel["targets"] for name in NAME.findall(target["expr"])
    }
    assert asked
    assert asked <= counted()


@pytest.mark.parametrize("component", ["webhook", "operator"])
def test_every_pod_is_scraped(helm: Helm, component: str) -> None:
    rendered = helm.render(values={"monitoring": ALL})
    monitor = rendered["ServiceMonitor", RELEASE]["spec"]
    pod = rendered["Deployment", f"{RELEASE}-{component}"]["spec"]["template"]
    scraped = [
        service
        for service in of_kind(rendered, "Service")
        if monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        and service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        and any(port["name"] == monitor["endpoints"][0]["port"] for port in service["spec"]["ports"])
    ]
    assert len(scraped) == 1
