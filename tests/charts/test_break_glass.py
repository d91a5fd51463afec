"""Break-glass and the rollback rule in the chart: off, and no right for them, unless they are asked for."""

from typing import Any

import pytest
import yaml

from tests.charts.chart import CHART, RELEASE, Helm, Objects, of_kind
from webhook.admission.bypass import GROUP, RESOURCE, VERB
from webhook.settings.file import BreakGlassSettings

ROLE = ("ClusterRole", f"{RELEASE}-break-glass")
ACCESS = ("authorization.k8s.io", "subjectaccessreviews", "create")
LIST = ("apps", "replicasets", "list")


def rights(objects: Objects) -> list[tuple[str, str, str]]:
    rules = objects["ClusterRole", f"{RELEASE}-webhook"]["rules"]
    return [
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def configuration(objects: Objects) -> Any:
    return yaml.safe_load(objects["ConfigMap", RELEASE]["data"]["config.yaml"])


def test_the_values_are_the_section_s_keys_and_defaults(helm: Helm) -> None:
    section = configuration(helm.render())["breakGlass"]
    assert section == {"enabled": False, "maxDuration": "24h"}
    assert BreakGlassSettings.model_validate(section) == BreakGlassSettings()


def test_by_default_there_is_no_right_for_either(helm: Helm) -> None:
    objects = helm.render()
    assert {ACCESS, LIST} & {*rights(objects)} == set()
    assert ROLE not in objects


def test_break_glass_takes_one_right_and_brings_the_role_to_bind(helm: Helm) -> None:
    objects = helm.render(values={"breakGlass": {"enabled": True, "maxDuration": "2h"}})
    assert rights(objects).count(ACCESS) == 1
    assert LIST not in rights(objects)
    assert configuration(objects)["breakGlass"] == {"enabled": True, "maxDuration": "2h"}
    assert objects[ROLE]["rules"] == [{"apiGroups": [GROUP], "resources": [RESOURCE], "verbs": [VERB]}]


def test_nobody_may_bypass_by_default(helm: Helm) -> None:
    objects = helm.render(values={"breakGlass": {"enabled": True}})
    bindings = [*of_kind(objects, "ClusterRoleBinding"), *of_kind(objects, "RoleBinding")]
    assert ROLE[1] not in {item["roleRef"]["name"] for item in bindings}
    # Nor by a role that gathers others, such as `admin` and `edit`.
    assert [name for name in objects[ROLE]["metadata"]["labels"] if name.startswith("rbac.")] == []


def test_values_of_a_release_that_knew_neither_still_render(helm: Helm) -> None:
    objects = helm.render(values={"breakGlass": None, "gate": {"rollback": None}})
    assert configuration(objects)["breakGlass"] == {}
    assert "rollback" not in configuration(objects)["PolicyGates"]["ExecutionEvidence"]


RETURNS: list[tuple[dict[str, Any], bool]] = [
    ({"rollback": "Gate"}, False),
    ({"rollback": "AllowPreviouslyAdmitted"}, True),
    ({"overrides": {"canary": {"rollback": "AllowPreviouslyAdmitted"}}}, True),
    ({"overrides": {"canary": {"rollback": "Gate"}, "test": {}}}, False),
]


@pytest.mark.parametrize(("gate", "expected"), RETURNS)
def test_replica_sets_are_listed_only_where_an_image_may_return(
    helm: Helm,
    gate: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    objects = helm.render(values={"gate": gate})
    assert (LIST in rights(objects)) is expected
    assert ACCESS not in rights(objects)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"breakGlass": {"enabled": "yes"}}, "/breakGlass/enabled"),
    ({"breakGlass": {"maxDuration": "1 day"}}, "/breakGlass/maxDuration"),
    ({"breakGlass": {"maxduration": "1h"}}, "'maxduration'"),
    ({"gate": {"rollback": "Allow"}}, "/gate/rollback"),
    ({"gate": {"overrides": {"canary": {"rollback": "Allow"}}}}, "/gate/overrides/canary/rollback"),
]


@pytest.mark.parametrize(("values", "path"), WRONG)
def test_a_wrong_value_is_refused_with_its_path(helm: Helm, values: dict[str, Any], path: str) -> None:
    result = helm.run("template", RELEASE, CHART, values=values, check=False)
    assert result.returncode != 0
    assert path in result.stderr
