"""What the chart renders, where the values decide about it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tests.charts.chart import CHART, CI_VALUES, NAMESPACE, RELEASE, Helm, Objects, of_kind
from tests.charts.pods import PUBLIC, SECRETS, lay_out
from webhook.cli.main import main
from webhook.settings.loading import load_settings

ROOT = CHART.parents[1]
WEBHOOK = ("Deployment", f"{RELEASE}-webhook")
BLOCKING = {"enabled": True, "missingEvidenceAction": "Block"}
WITH_OPERATOR = [path for path in CI_VALUES if "certificates:" not in path.read_text()]


def entries(helm: Helm, **values: Any) -> dict[str, dict[str, Any]]:
    """Gives the entries of the webhook configuration by their environment."""
    configurations = of_kind(helm.render(values=values), "ValidatingWebhookConfiguration")
    found = [entry for configuration in configurations for entry in configuration["webhooks"]]
    return {entry["clientConfig"]["service"]["path"].removeprefix("/admit/"): entry for entry in found}


@pytest.mark.parametrize("values", CI_VALUES, ids=lambda path: path.stem)
def test_the_chart_passes_helm_s_lint(helm: Helm, values: Path) -> None:
    helm.run("lint", "--strict", CHART, "--values", values)


@pytest.mark.parametrize("values", [None, *CI_VALUES], ids=lambda path: path.stem if path else "defaults")
def test_the_configuration_is_one_that_the_server_accepts(helm: Helm, values: Path | None, tmp_path: Path) -> None:
    rendered = helm.render(*(("--values", values) if values else ()))
    result = CliRunner().invoke(main, ["config", "check", str(lay_out(rendered, "webhook", tmp_path))])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("values", WITH_OPERATOR, ids=lambda path: path.stem)
def test_the_operator_reads_the_same_configuration_with_public_keys_and_the_registries_login_alone(
    helm: Helm, values: Path, tmp_path: Path
) -> None:
    rendered = helm.render("--values", values)
    folders = {"webhook": tmp_path / "webhook", "operator": tmp_path / "operator"}
    for folder in folders.values():
        folder.mkdir()
    webhook = load_settings(lay_out(rendered, "webhook", folders["webhook"]))
    secrets = {**PUBLIC, "registry-login": SECRETS["registry-login"]}
    operator = load_settings(lay_out(rendered, "operator", folders["operator"], secrets))
    assert operator.digest == webhook.digest
    assert operator.trust.digest == webhook.trust.digest


@pytest.mark.parametrize(
    "gate",
    [
        {},
        {"enabled": False, "missingEvidenceAction": "Block"},
        {"enabled": True, "overrides": {"Production": {"enabled": False}}},
        {"enabled": True, "requiredEnvironments": []},
    ],
)
def test_a_gate_that_is_off_renders_nothing_that_could_stop_anybody(helm: Helm, gate: dict[str, Any]) -> None:
    rendered = helm.render(values={"gate": gate, "admission": {"protectEnvironmentLabel": True}})
    assert {kind for kind, _ in rendered if "Webhook" in kind or "Admission" in kind} == set()


def test_an_environment_can_be_armed_alone(helm: Helm) -> None:
    gate = {"requiredEnvironments": ["production", "canary"], "overrides": {"canary": {"enabled": True}}}
    assert set(entries(helm, gate=gate)) == {"canary"}


@pytest.mark.parametrize(
    ("gate", "policies", "expected"),
    [
        ({"missingEvidenceAction": "Block"}, {}, "Fail"),
        ({"missingEvidenceAction": "Warn"}, {}, "Ignore"),
        (
            {"missingEvidenceAction": "Block", "overrides": {"production": {"missingEvidenceAction": "Warn"}}},
            {},
            "Ignore",
        ),
        (
            {"missingEvidenceAction": "Warn", "overrides": {"PRODUCTION": {"missingEvidenceAction": "Block"}}},
            {},
            "Fail",
        ),
        ({"missingEvidenceAction": "Block", "overrides": {"canary": {"missingEvidenceAction": "Warn"}}}, {}, "Fail"),
        # With no webhook, evidence is as unavailable as with no store.
        ({"missingEvidenceAction": "Warn", "unavailableEvidenceAction": "Block"}, {}, "Fail"),
        ({"missingEvidenceAction": "Block", "unavailableEvidenceAction": "Warn"}, {}, "Fail"),
        ({"missingEvidenceAction": "Warn", "unavailableEvidenceAction": "Warn"}, {}, "Ignore"),
        (
            {"missingEvidenceAction": "Warn", "overrides": {"Production": {"unavailableEvidenceAction": "Block"}}},
            {},
            "Fail",
        ),
        (
            {
                "missingEvidenceAction": "Warn",
                "unavailableEvidenceAction": "Block",
                "overrides": {"production": {"unavailableEvidenceAction": "Warn"}},
            },
            {},
            "Ignore",
        ),
        (
            {"enabled": False, "missingEvidenceAction": "Warn", "unavailableEvidenceAction": "Block"}
            | {"overrides": {"production": {"enabled": True}}},
            {},
            "Fail",
        ),
        ({"missingEvidenceAction": "Block"}, {"production": "Ignore"}, "Ignore"),
        ({"missingEvidenceAction": "Block"}, {"Production": "Ignore"}, "Ignore"),
        ({"missingEvidenceAction": "Warn"}, {"production": "Fail"}, "Fail"),
    ],
)
def test_the_failure_policy_follows_what_missing_and_unavailable_evidence_does(
    helm: Helm, gate: dict[str, Any], policies: dict[str, str], expected: str
) -> None:
    found = entries(helm, gate={"enabled": True, **gate}, admission={"failurePolicies": policies})
    assert found["production"]["failurePolicy"] == expected


def test_kube_system_and_the_gate_s_own_namespace_are_never_asked_about(helm: Helm) -> None:
    found = entries(helm, gate=BLOCKING, admission={"excludedNamespaces": ["monitoring"]})
    assert found["production"]["namespaceSelector"]["matchExpressions"] == [
        {
            "key": "kubernetes.io/metadata.name",
            "operator": "NotIn",
            "values": ["kube-system", NAMESPACE, "monitoring"],
        }
    ]


def test_the_entries_are_those_of_the_shipped_example(helm: Helm) -> None:
    example = yaml.safe_load((ROOT / "manifests/examples/webhook-configuration.yaml").read_text())
    gate = BLOCKING | {"requiredEnvironments": ["production", "canary"]}
    rendered = helm.render(values={"gate": gate})["ValidatingWebhookConfiguration", RELEASE]
    for entry in rendered["webhooks"]:
        del entry["namespaceSelector"]["matchExpressions"]  # The example asks its reader to leave the labels off.
    for entry in example["webhooks"]:
        del entry["clientConfig"]["caBundle"]  # In the chart the operator's.
    assert rendered["webhooks"] == example["webhooks"]
    assert rendered["metadata"]["name"] == example["metadata"]["name"]


def test_an_environment_s_name_becomes_part_of_a_host_name(helm: Helm) -> None:
    gate = BLOCKING | {"requiredEnvironments": ["EU_West.1"]}
    found = entries(helm, gate=gate)["EU_West.1"]
    assert found["name"] == "eu-west-1.execution-evidence.stella.ops"
    assert found["namespaceSelector"]["matchLabels"] == {"stella.ops/environment": "EU_West.1"}


def test_an_authority_of_clients_is_followed_in_the_configuration_s_volume(helm: Helm) -> None:
    authority = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"
    chosen = {"caBundle": f"\n{authority}\n\n", "names": ["kube-apiserver", "system:apiserver"]}
    rendered = helm.render(values={"admission": {"clientAuthentication": chosen}})
    container = rendered[WEBHOOK]["spec"]["template"]["spec"]["containers"][0]
    assert [part for part in container["args"] if part.startswith("--client-")] == [
        "--client-ca=/etc/evidence-gate/client-ca.pem",
        "--client-name=kube-apiserver",
        "--client-name=system:apiserver",
    ]
    assert rendered["ConfigMap", RELEASE]["data"]["client-ca.pem"] == f"{authority}\n"


def test_nobody_is_asked_for_a_certificate_by_default(helm: Helm) -> None:
    rendered = helm.render()
    container = rendered[WEBHOOK]["spec"]["template"]["spec"]["containers"][0]
    assert not any("--client" in part for part in container["args"])
    assert "client-ca.pem" not in rendered["ConfigMap", RELEASE]["data"]


def test_the_pod_outlives_the_drain(helm: Helm) -> None:
    pod = helm.render(values={"webhook": {"drainSeconds": 45}})[WEBHOOK]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 45 + 30


@pytest.mark.parametrize(
    ("webhook", "budgets"),
    [
        ({}, 1),
        ({"replicas": 2}, 1),
        ({"replicas": 1}, 0),
        ({"replicas": 1, "autoscaling": {"enabled": True, "minReplicas": 2}}, 1),
        ({"replicas": 3, "autoscaling": {"enabled": True, "minReplicas": 1}}, 0),
    ],
)
def test_a_disruption_budget_needs_more_than_one_pod(helm: Helm, webhook: dict[str, Any], budgets: int) -> None:
    assert len(of_kind(helm.render(values={"webhook": webhook}), "PodDisruptionBudget")) == budgets


def test_with_autoscaling_nobody_else_sets_the_number_of_replicas(helm: Helm) -> None:
    rendered = helm.render(values={"webhook": {"autoscaling": {"enabled": True}}})
    assert "replicas" not in rendered[WEBHOOK]["spec"]
    target = of_kind(rendered, "HorizontalPodAutoscaler")[0]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == WEBHOOK


def test_the_right_to_write_events_comes_with_events_alone(helm: Helm) -> None:
    values = {"events": {"enabled": False}, "workloads": ["Deployment"]}
    role = helm.render(values=values)["ClusterRole", f"{RELEASE}-webhook"]
    assert role["rules"] == [
        {"apiGroups": ["stella.ops"], "resources": ["executionevidences"], "verbs": ["list", "watch"]}
    ]


def test_the_right_to_delete_evidence_comes_with_retention_alone(helm: Helm) -> None:
    def verbs(values: dict[str, Any]) -> set[str]:
        role = helm.render(values=values)["ClusterRole", f"{RELEASE}-operator"]
        return {verb for rule in role["rules"] for verb in rule["verbs"]}

    assert "delete" not in verbs({})
    assert "delete" in verbs({"operator": {"retention": "2160h"}})


def operator_rules(rendered: Objects) -> list[dict[str, Any]]:
    """What the operator may do in the cluster."""
    roles = (rendered["ClusterRole", f"{RELEASE}-{part}"] for part in ("operator", "scan"))
    return [rule for role in roles for rule in role["rules"]]


@pytest.mark.parametrize("mode", ["cert-manager", "secret"])
def test_without_the_operator_nobody_may_touch_secrets(helm: Helm, mode: str) -> None:
    authority = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
    certificates = {"mode": mode, "caBundle": authority}
    rendered = helm.render(values={"certificates": certificates, "scan": {"enabled": False}})
    assert ("Deployment", f"{RELEASE}-operator") not in rendered
    assert of_kind(rendered, "Role") == []
    # An operator that only scans has no more to do with them.
    rendered = helm.render(values={"certificates": certificates})
    arguments = rendered["Deployment", f"{RELEASE}-operator"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert not any(argument.startswith(("--secret", "--service", "--webhook")) for argument in arguments)
    assert of_kind(rendered, "Role") == []
    resources = {name for rule in operator_rules(rendered) for name in rule["resources"]}
    assert not resources & {"secrets", "validatingwebhookconfigurations"}


def test_cert_manager_is_told_where_its_authority_goes(helm: Helm) -> None:
    rendered = helm.render(values={"gate": BLOCKING, "certificates": {"mode": "cert-manager"}})
    configuration = rendered["ValidatingWebhookConfiguration", RELEASE]
    assert configuration["metadata"]["annotations"] == {"cert-manager.io/inject-ca-from": f"{NAMESPACE}/{RELEASE}"}
    certificate = rendered["Certificate", RELEASE]["spec"]
    assert certificate["dnsNames"] == [f"{RELEASE}.{NAMESPACE}.svc"]
    mounted = rendered[WEBHOOK]["spec"]["template"]["spec"]["volumes"][1]["secret"]["secretName"]
    assert certificate["secretName"] == mounted


def test_the_admissions_enforcer_of_aks_is_kept_away(helm: Helm) -> None:
    rendered = helm.render(values={"gate": BLOCKING, "admission": {"disableAdmissionsEnforcer": True}})
    annotations = rendered["ValidatingWebhookConfiguration", RELEASE]["metadata"]["annotations"]
    assert annotations == {"admissions.enforcer/disabled": "true"}


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, "registry.example.com/execution-evidence-gate:0.1.0"),
        ({"repository": "localhost:5000/gate", "tag": "1"}, "localhost:5000/gate:1"),
        ({"repository": "a/b", "tag": "1", "digest": f"sha256:{'0' * 64}"}, f"a/b@sha256:{'0' * 64}"),
    ],
)
def test_the_image_is_named_by_digest_or_tag(helm: Helm, image: dict[str, str], reference: str) -> None:
    rendered = helm.render(values={"image": image})
    used = {item["spec"]["template"]["spec"]["containers"][0]["image"] for item in of_kind(rendered, "Deployment")}
    assert used == {reference}


def test_selectors_never_change_with_the_version(helm: Helm) -> None:
    for item in of_kind(helm.render(), "Deployment"):
        assert "app.kubernetes.io/version" not in item["spec"]["selector"]["matchLabels"]


def test_there_is_never_more_than_one_operator(helm: Helm) -> None:
    operator = helm.render()["Deployment", f"{RELEASE}-operator"]["spec"]
    assert (operator["replicas"], operator["strategy"]) == (1, {"type": "Recreate"})


def test_on_the_node_s_network_a_port_is_freed_before_it_is_taken(helm: Helm) -> None:
    deployment = helm.render(values={"webhook": {"hostNetwork": True}})[WEBHOOK]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
