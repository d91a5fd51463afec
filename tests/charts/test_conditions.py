"""Conditions, beacon-rate, providers and disclosure in the chart: the values are the program's own."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from tests.charts.chart import CHART, RELEASE, Helm
from tests.charts.pods import lay_out, pod_of
from tests.charts.test_values import SCHEMA, VALUES
from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.comparators import Comparator
from webhook.gates.conditions import Fact
from webhook.limits import LIMITS
from webhook.settings.conditions import ConditionQuerySettings, ConditionSettings
from webhook.settings.loading import load_settings
from webhook.settings.providers import DisclosureSettings, EnvSettings, ProviderSettings
from webhook.settings.section import Section

CONDITION = SCHEMA["definitions"]["condition"]
QUERY = {"provider": "execution-evidence", "check": "hot_symbol_count"}


def condition(**changes: Any) -> dict[str, Any]:
    entry = {"name": "a", "environments": ["production"], "query": QUERY, "comparator": "equals", "expected": 1}
    return {name: value for name, value in (entry | changes).items() if value is not ...}


def spellings(model: type[Section]) -> set[str]:
    return {to_camel(name) for name in model.model_fields}


def test_the_values_of_beacon_rate_are_the_policy_s_keys_and_defaults() -> None:
    defaults = BeaconRatePolicy().model_dump(mode="json")
    assert VALUES["beaconRate"] == {to_camel(name): value for name, value in defaults.items()}


def test_the_values_of_disclosure_are_its_keys_and_defaults() -> None:
    assert VALUES["disclosure"] == DisclosureSettings().model_dump(by_alias=True)


def test_the_values_of_providers_are_their_keys_and_defaults() -> None:
    defaults = ProviderSettings().model_dump(by_alias=True)
    env = EnvSettings(allowlist=("A",)).model_dump(mode="json", by_alias=True)
    remotes: dict[str, Any] = {"remote": [], "remoteHosts": []}
    assert VALUES["providers"] == defaults | remotes | {"env": env | {"allowlist": []}}


def test_the_schema_knows_exactly_the_members_of_a_condition() -> None:
    assert set(CONDITION["properties"]) == spellings(ConditionSettings)
    assert set(CONDITION["properties"]["query"]["properties"]) == spellings(ConditionQuerySettings)
    assert CONDITION["properties"]["comparator"]["enum"] == [member.value for member in Comparator]
    assert CONDITION["properties"]["bind"]["additionalProperties"]["enum"] == [member.value for member in Fact]
    assert SCHEMA["properties"]["conditions"]["maxItems"] == LIMITS.conditions


def test_the_schema_has_the_limits_of_variables() -> None:
    variables = SCHEMA["definitions"]["variables"]
    assert variables["maxItems"] == LIMITS.variables
    assert variables["items"]["pattern"] == rf"^[ -<>-~]{{1,{LIMITS.variable_name_bytes}}}$"


EXPECTED: list[Any] = [
    None,
    True,
    0,
    -3,
    0.1,
    0.0001,
    -0.0001,
    2**53 - 1,
    1 - 2**53,
    123456.789,
    "",
    "yes",
    "~",
    "1",
    "1.0",
    "1e3",
    "0o17",
    "1_000",
    "12:30:45",
    "2026-11-24",
    "<<",
    "a: b # c",
    "{{ .Values }}",
    " two\nlines\n\n",
    "tab\tquote\"back\\slash'",
    "\u00e9\u0001\u00a0\ufeff\U0001f600 <&>",
    [],
    [None, [1, "1"], {}],
    {"a": None, "yes": {"b": [False]}, "": 1, "1": 2},
]


def test_what_is_expected_and_asked_arrives_as_it_was_written(helm: Helm, tmp_path: Path) -> None:
    conditions = [
        condition(name=f"n{index}", expected=value, query=QUERY | {"params": {"value": value}})
        for index, value in enumerate(EXPECTED)
    ]
    # As JSON, since PyYAML and Helm do not read the same numbers out of YAML.
    (tmp_path / "values.json").write_text(json.dumps({"conditions": conditions}, ensure_ascii=False))
    rendered = helm.render("--values", tmp_path / "values.json")
    settings = load_settings(lay_out(rendered, "webhook", tmp_path))
    entries = settings.file.gates.conditions
    assert [entry.expected for entry in entries] == EXPECTED
    assert [entry.query.params for entry in entries] == [{"value": value} for value in EXPECTED]
    # Not only equal: 1 is True in Python.
    assert [entry.content for entry in entries] == [ConditionSettings.model_validate(c).content for c in conditions]


def test_the_members_of_a_condition_arrive_as_they_were_written(helm: Helm, tmp_path: Path) -> None:
    given = yaml.safe_load((CHART / "ci" / "conditions-values.yaml").read_text())["conditions"]
    values = {"conditions": given, "providers": {"env": {"allowlist": ["CHANGE_FREEZE"]}}}
    settings = load_settings(lay_out(helm.render(values=values), "webhook", tmp_path))
    direct = [ConditionSettings.model_validate(entry) for entry in given]
    assert list(settings.file.gates.conditions) == direct


@pytest.mark.parametrize("rate", [0, 0.0001, 0.8, 0.95, 1])
def test_the_rate_arrives_as_it_was_written(helm: Helm, tmp_path: Path, rate: float) -> None:
    rendered = helm.render(values={"beaconRate": {"minBeaconRate": rate}})
    settings = load_settings(lay_out(rendered, "webhook", tmp_path))
    assert settings.file.policy_gates.beacon_rate == BeaconRatePolicy.model_validate({"minBeaconRate": rate})


def test_the_sections_of_providers_and_disclosure_arrive(helm: Helm, tmp_path: Path) -> None:
    env = {"allowlist": ["A", "with space"], "denylist": ["B"], "allowRaw": True}
    values = {
        "providers": {"executionEvidence": {"allowRaw": True}, "env": env},
        "disclosure": {"allowRawValues": True, "requireProviderOptIn": False},
    }
    settings = load_settings(lay_out(helm.render(values=values), "webhook", tmp_path))
    assert settings.file.providers.opted_in == {"execution-evidence", "env"}
    assert settings.file.providers.env == EnvSettings.model_validate(env)
    assert settings.file.disclosure == DisclosureSettings.model_validate(values["disclosure"])


@pytest.mark.parametrize("env", [None, {}, {"allowlist": []}, {"denylist": ["A"], "allowRaw": True}])
def test_without_a_variable_that_may_be_asked_for_there_is_no_provider_env(helm: Helm, env: Any) -> None:
    rendered = helm.render(values={"providers": {"env": env}})
    section = yaml.safe_load(rendered["ConfigMap", RELEASE]["data"]["config.yaml"])["providers"]
    assert set(section) == set(ProviderSettings().model_dump(by_alias=True)) - {"env"}


def test_variables_are_the_webhook_s_alone_and_are_not_expanded(helm: Helm) -> None:
    rendered = helm.render(values={"webhook": {"env": {"FREEZE": "yes", "PRICE": "$5 $(FREEZE) $$"}}})
    # Kubernetes' EnvVar: `$$` is a dollar sign, and then nothing is expanded.
    assert pod_of(rendered, "webhook")["containers"][0]["env"] == [
        {"name": "LOG_LEVEL", "value": "INFO"},
        {"name": "FREEZE", "value": "yes"},
        {"name": "PRICE", "value": "$$5 $$(FREEZE) $$$$"},
    ]
    assert pod_of(rendered, "operator") == pod_of(helm.render(), "operator")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"beaconRate": {"Enabled": True}}, "'Enabled'"),
    ({"beaconRate": {"enabled": "yes"}}, "/beaconRate/enabled"),
    ({"beaconRate": {"missingBeaconAction": "block"}}, "/beaconRate/missingBeaconAction"),
    ({"beaconRate": {"requiredEnvironments": ["a b"]}}, "/beaconRate/requiredEnvironments/0"),
    ({"beaconRate": {"minBeaconRate": "0.8"}}, "/beaconRate/minBeaconRate"),
    ({"beaconRate": {"minBeaconRate": 1.1}}, "/beaconRate/minBeaconRate"),
    ({"beaconRate": {"minBeaconRate": 1e-5}}, "/beaconRate/minBeaconRate"),
    ({"conditions": {"a": {}}}, "/conditions"),
    ({"conditions": [condition()] * 65}, "/conditions"),
    ({"conditions": [condition(name="a/b")]}, "/conditions/0/name"),
    ({"conditions": [condition(name=...)]}, "/conditions/0': missing property 'name'"),
    ({"conditions": [condition(environments=[])]}, "/conditions/0/environments"),
    ({"conditions": [condition(environments=["a/b"])]}, "/conditions/0/environments/0"),
    ({"conditions": [condition(query={"provider": "env"})]}, "/conditions/0/query': missing property 'check'"),
    ({"conditions": [condition(query=QUERY | {"param": 1})]}, "/conditions/0/query"),
    ({"conditions": [condition(bind={"a": "image"})]}, "/conditions/0/bind/a"),
    ({"conditions": [condition(bind={"a": "name"}, query=QUERY | {"params": [1]})]}, "/conditions/0/query/params"),
    ({"conditions": [condition(comparator="==")]}, "/conditions/0/comparator"),
    ({"conditions": [condition(comparator="exists")]}, "/conditions/0"),
    ({"conditions": [condition(expected=...)]}, "/conditions/0': missing property 'expected'"),
    ({"conditions": [condition(comparator="less_than", expected="1")]}, "/conditions/0/expected"),
    ({"conditions": [condition(comparator="contains", expected="")]}, "/conditions/0/expected"),
    ({"conditions": [condition(comparator="contains", expected=[])]}, "/conditions/0/expected"),
    ({"conditions": [condition(comparator="contains", expected=1)]}, "/conditions/0/expected"),
    ({"conditions": [condition(comparator="in_set", expected="a")]}, "/conditions/0/expected"),
    ({"conditions": [condition(comparator="in_set", expected=[])]}, "/conditions/0/expected"),
    ({"conditions": [condition(expected=2**53)]}, "/conditions/0/expected"),
    ({"conditions": [condition(expected=[{"a": -(2**53)}])]}, "/conditions/0/expected"),
    ({"conditions": [condition(expected=1e-5)]}, "/conditions/0/expected"),
    ({"conditions": [condition(expected="a\u0085b")]}, "/conditions/0/expected"),
    ({"conditions": [condition(query=QUERY | {"params": {"\u007f": 1}})]}, "/conditions/0/query/params"),
    ({"conditions": [condition(minLane="Anybody")]}, "/conditions/0/minLane"),
    ({"conditions": [condition(action="Deny")]}, "/conditions/0/action"),
    ({"conditions": [condition(act="Warn")]}, "/conditions/0"),
    ({"providers": {"execution-evidence": {}}}, "'execution-evidence'"),
    ({"providers": {"beaconRate": {"allowRaw": "no"}}}, "/providers/beaconRate/allowRaw"),
    ({"providers": {"env": {"allowlist": ["A=B"]}}}, "/providers/env/allowlist/0"),
    ({"providers": {"env": {"denylist": "A"}}}, "/providers/env/denylist"),
    ({"disclosure": {"allowRaw": True}}, "'allowRaw'"),
    ({"disclosure": {"allowRawValues": 1}}, "/disclosure/allowRawValues"),
    ({"webhook": {"env": {"A": 1}}}, "/webhook/env/A"),
    ({"webhook": {"env": {"1A": ""}}}, "'1A'"),
    ({"webhook": {"env": {"LOG_LEVEL": "DEBUG"}}}, "'LOG_LEVEL'"),
    ({"webhook": {"env": {"POD_NAME": "a"}}}, "'POD_NAME'"),
]


@pytest.mark.parametrize(("values", "path"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_value_is_refused_with_its_path(helm: Helm, values: dict[str, Any], path: str) -> None:
    result = helm.run("template", RELEASE, CHART, values=values, check=False)
    assert result.returncode != 0
    assert path in result.stderr


# With any of these the webhook would not start, and what it is registered for could not be deployed to.
REFUSED: list[tuple[list[dict[str, Any]], str]] = [
    ([condition(), condition(environments=["canary"])], "conditions[1].name: a stands twice"),
    (
        [condition(), condition(name="b", query=QUERY | {"provider": "env"})],
        "conditions[1].query.provider: there is no provider env",
    ),
    (
        [condition(query=QUERY | {"params": {"key": "A"}}, bind={"key": "name"})],
        "conditions[0]: key stands in bind and in query.params",
    ),
]


@pytest.mark.parametrize(("conditions", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_conditions_that_contradict_the_rest_are_refused(
    helm: Helm, conditions: list[dict[str, Any]], message: str
) -> None:
    result = helm.run("template", RELEASE, CHART, values={"conditions": conditions}, check=False)
    assert result.returncode != 0
    assert message in result.stderr
