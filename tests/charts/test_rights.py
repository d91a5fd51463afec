"""What the webhook may read, and which scales it is asked about, follow from what is evaluated."""

from typing import Any

import pytest

from tests.charts.chart import RELEASE, Helm, of_kind
from webhook.admission.pod_finder import REFERENCED
from webhook.admission.pods import KINDS
from webhook.settings.file import WORKLOADS


def rights(helm: Helm, **values: Any) -> dict[str, set[str]]:
    """Gives the resources that the webhook may get, and by what verbs."""
    role = helm.render(values=values)["ClusterRole", f"{RELEASE}-webhook"]
    found: dict[str, set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault(f"{group}/{resource}", set()).update(rule["verbs"])
    return {name: verbs for name, verbs in found.items() if not name.startswith(("stella.ops/", "events.k8s.io/"))}


ALL_KINDS = list(WORKLOADS)
READ: list[tuple[list[str], bool, set[str]]] = [
    (["Deployment", "Rollout"], False, {"apps/deployments"}),
    (["Deployment"], False, set()),
    (["Rollout"], False, set()),
    (["Rollout", "PodTemplate", "ReplicaSet"], False, {"/podtemplates", "apps/replicasets"}),
    (ALL_KINDS, False, {"apps/deployments", "apps/replicasets", "/podtemplates"}),
    (["Deployment"], True, {"apps/deployments"}),
    (["Job", "Pod"], True, set()),
    (["StatefulSet", "Rollout"], True, {"apps/statefulsets", "argoproj.io/rollouts"}),
    (
        ALL_KINDS,
        True,
        {"apps/deployments", "apps/replicasets", "apps/statefulsets", "argoproj.io/rollouts", "/podtemplates"},
    ),
]


def test_the_table_has_every_kind_that_can_be_referred_to_or_scaled() -> None:
    read = {*REFERENCED, *(kind for kind, known in KINDS.items() if known.scales)}
    assert READ[-1][2] == {f"{KINDS[kind].group}/{KINDS[kind].plural}" for kind in read}


@pytest.mark.parametrize(("workloads", "scale_up", "expected"), READ)
def test_the_webhook_may_get_what_a_review_can_lead_to_and_nothing_else(
    helm: Helm,
    workloads: list[str],
    scale_up: bool,  # noqa: FBT001 - a table's column
    expected: set[str],
) -> None:
    found = rights(helm, workloads=workloads, evaluateScaleUp=scale_up)
    assert found == {name: {"get"} for name in expected}


@pytest.mark.parametrize("workloads", [["Deployment", "Rollout"], ["Job"], ALL_KINDS])
def test_a_scan_may_list_what_is_evaluated_and_write_its_own_reports(helm: Helm, workloads: list[str]) -> None:
    name = f"{RELEASE}-scan"
    found: dict[str, set[str]] = {}
    for rule in helm.render(values={"workloads": workloads})["ClusterRole", name]["rules"]:
        # What changes something is bound to one name, but for a creation, which cannot be.
        assert rule.get("resourceNames") == [name] or set(rule["verbs"]) <= {"list", "create", "get"}
        for resource in rule["resources"]:
            found.setdefault(f"{rule['apiGroups'][0]}/{resource}", set()).update(rule["verbs"])
    reports = {"list", "create", "get", "patch", "delete"}
    referred = set(REFERENCED) & set(workloads) if "Rollout" in workloads else set()
    assert found == {
        "/namespaces": {"get", "list"},
        "openreports.io/reports": reports,
        "wgpolicyk8s.io/policyreports": reports,
        "rbac.authorization.k8s.io/clusterroles": {"get"},
    } | {
        f"{KINDS[kind].group}/{KINDS[kind].plural}": {"list", *(["get"] if kind in referred else [])}
        for kind in workloads
    }


def test_without_scans_the_operator_may_list_no_workloads(helm: Helm) -> None:
    rendered = helm.render(values={"scan": {"enabled": False}})
    assert ("ClusterRole", f"{RELEASE}-scan") not in rendered
    resources = {
        name for rule in rendered["ClusterRole", f"{RELEASE}-operator"]["rules"] for name in rule["resources"]
    }
    assert not resources & {"namespaces", *(known.plural for known in KINDS.values())}


def entry_of(helm: Helm, **values: Any) -> dict[str, Any]:
    """Gives the one entry of the webhook configuration."""
    rendered = helm.render(values={"gate": {"enabled": True}, **values})
    [configuration] = of_kind(rendered, "ValidatingWebhookConfiguration")
    entry: dict[str, Any]
    [entry] = configuration["webhooks"]
    return entry


def test_a_scale_is_asked_about_only_where_that_is_wanted(helm: Helm) -> None:
    for wanted in (False, True):
        entry = entry_of(helm, workloads=ALL_KINDS, evaluateScaleUp=wanted)
        scaled = {resource for rule in entry["rules"] for resource in rule["resources"] if "/" in resource}
        names = [condition["name"] for condition in entry["matchConditions"]]
        assert scaled == (
            {"deployments/scale", "rollouts/scale", "statefulsets/scale", "replicasets/scale"} if wanted else set()
        )
        assert names == ["brings-something-new", *(["starts-the-first-pods"] if wanted else [])]


def test_no_condition_on_scales_is_left_where_no_kind_can_be_scaled(helm: Helm) -> None:
    entry = entry_of(helm, workloads=["Job", "Pod"], evaluateScaleUp=True)
    assert [condition["name"] for condition in entry["matchConditions"]] == ["brings-something-new"]
