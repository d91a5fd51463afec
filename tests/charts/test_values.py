"""values.yaml and values.schema.json: they hold what the program's own models hold, and refuse anything else."""

import itertools
import json
import re
import tomllib
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from tests.charts.chart import CHART, RELEASE, Helm
from webhook.gates.policy import ExecutionEvidencePolicy, PolicyModel, PolicyOverrides
from webhook.settings.file import WORKLOADS
from webhook.settings.stores import RegistryHostSettings, RegistryStoreSettings
from webhook.settings.trust import TrustedIdentitySettings, TrustedKeySettings, TrustSettings

TEXT = (CHART / "values.yaml").read_text()
VALUES: dict[str, Any] = yaml.safe_load(TEXT)
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
KEY = "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n"
AUTHORITY = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


def spellings(model: type[PolicyModel]) -> set[str]:
    return {to_camel(name) for name in model.model_fields}


def test_the_gate_s_values_are_the_policy_s_keys_and_defaults() -> None:
    defaults = ExecutionEvidencePolicy().model_dump(mode="json")
    assert VALUES["gate"] == {to_camel(name): value for name, value in defaults.items()}


@pytest.mark.parametrize(
    ("model", "properties"),
    [
        (ExecutionEvidencePolicy, SCHEMA["properties"]["gate"]["properties"]),
        (PolicyOverrides, SCHEMA["definitions"]["override"]["properties"]),
    ],
)
def test_the_schema_knows_exactly_the_policy_s_keys(model: type[PolicyModel], properties: dict[str, Any]) -> None:
    assert set(properties) == spellings(model)


def test_the_schema_knows_exactly_the_keys_of_trust() -> None:
    assert set(VALUES["trust"]) == {to_camel(name) for name in TrustSettings.model_fields}
    # The chart writes the file itself, from one of the two.
    named = {to_camel(name) for name in TrustedKeySettings.model_fields} - {"file"} | {"publicKey", "secret"}
    assert set(SCHEMA["definitions"]["trustedKey"]["properties"]) == named
    identity = {to_camel(name) for name in TrustedIdentitySettings.model_fields}
    assert set(SCHEMA["definitions"]["trustedIdentity"]["properties"]) == identity


def test_the_schema_knows_exactly_the_keys_of_the_registry_store() -> None:
    # The chart writes both files itself.
    named = {to_camel(name) for name in RegistryStoreSettings.model_fields} - {"dockerConfig"} | {
        "dockerConfigSecret"
    }
    assert set(VALUES["registry"]) == named
    special = {to_camel(name) for name in RegistryHostSettings.model_fields} - {"caFile"} | {"caBundle"}
    schema = SCHEMA["properties"]["registry"]["properties"]["hosts"]["additionalProperties"]
    assert set(schema["properties"]) == special


def test_the_registry_s_values_have_the_store_s_defaults() -> None:
    defaults = RegistryStoreSettings(allow=("ghcr.io/*",)).model_dump(mode="json", by_alias=True)
    written = {name: value for name, value in defaults.items() if name not in {"allow", "dockerConfig"}}
    assert {name: VALUES["registry"][name] for name in written} == written


def test_the_schema_knows_exactly_the_kinds_that_the_gate_can_read() -> None:
    assert SCHEMA["properties"]["workloads"]["items"]["enum"] == list(WORKLOADS)


def objects_below(schema: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    if isinstance(schema, list):
        return [found for index, part in enumerate(schema) for found in objects_below(part, f"{path}/{index}")]
    if not isinstance(schema, dict):
        return []
    own = [(path, schema)] if schema.get("type") == "object" else []
    return own + [found for name, part in schema.items() for found in objects_below(part, f"{path}/{name}")]


@pytest.mark.parametrize(("path", "schema"), objects_below(SCHEMA), ids=lambda value: value or "")
def test_no_object_lets_unknown_values_through(path: str, schema: dict[str, Any]) -> None:
    # False, or a schema for a map's values; never absent or true.
    assert schema.get("additionalProperties", True) is not True, path


def test_every_value_is_in_the_schema_and_the_other_way_round() -> None:
    def compare(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
        assert set(values) == set(schema["properties"]), path
        for name, value in values.items():
            if "properties" in schema["properties"][name]:
                compare(value, schema["properties"][name], f"{path}.{name}")

    compare(VALUES, SCHEMA, "")


def test_every_value_has_a_comment() -> None:
    lines = TEXT.splitlines()
    bare = [
        line
        for before, line in itertools.pairwise(lines)
        if re.match(r"\s*[a-zA-Z]+:", line)
        and not before.lstrip().startswith("#")
        and "{cpu:" not in line
        and "{memory:" not in line
    ]
    assert bare == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"gate": {"enabled": "yes"}}, "/gate/enabled"),
    ({"gate": {"Enabled": True}}, "'Enabled'"),
    ({"gates": {}}, "'gates'"),
    ({"gate": {"missingEvidenceAction": "block"}}, "/gate/missingEvidenceAction"),
    ({"gate": {"requiredEnvironments": "production"}}, "/gate/requiredEnvironments"),
    ({"gate": {"requiredEnvironments": ["pro duction"]}}, "/gate/requiredEnvironments/0"),
    ({"gate": {"requiredEnvironments": ["a/b"]}}, "/gate/requiredEnvironments/0"),
    ({"gate": {"minHotSymbolCount": -1}}, "/gate/minHotSymbolCount"),
    ({"gate": {"minHotSymbolCount": 1.5}}, "/gate/minHotSymbolCount"),
    ({"gate": {"maxEvidenceAge": "30d"}}, "/gate/maxEvidenceAge"),
    ({"gate": {"tagPolicy": "resolve"}}, "/gate/tagPolicy"),
    ({"gate": {"overrides": {"canary": {"requiredEnvironments": []}}}}, "/gate/overrides/canary"),
    ({"gate": {"overrides": {"canary": {"minLane": "Anybody"}}}}, "/gate/overrides/canary/minLane"),
    ({"trust": {"threshold": 0}}, "/trust/threshold"),
    ({"trust": {"keys": [{"name": "staging"}]}}, "/trust/keys/0"),
    ({"trust": {"keys": [{"name": "staging", "publicKey": "MCow"}]}}, "/trust/keys/0/publicKey"),
    ({"trust": {"keys": [{"name": "../a", "publicKey": KEY}]}}, "/trust/keys/0/name"),
    ({"trust": {"keys": [{"name": "a", "publicKey": KEY, "secret": {"name": "a", "key": "b"}}]}}, "/trust/keys/0"),
    ({"trust": {"keys": [{"name": "a", "secret": {"name": "a"}}]}}, "/trust/keys/0/secret"),
    ({"registry": {"allow": "ghcr.io/*"}}, "/registry/allow"),
    ({"registry": {"allowed": ["ghcr.io/*"]}}, "'allowed'"),
    ({"registry": {"hosts": {"https://ghcr.io": {}}}}, "propertyName 'https://ghcr.io'"),
    ({"registry": {"hosts": {"ghcr.io": {"caFile": "ca.pem"}}}}, "/registry/hosts/ghcr.io"),
    ({"registry": {"hosts": {"ghcr.io": {"caBundle": KEY}}}}, "/registry/hosts/ghcr.io/caBundle"),
    ({"registry": {"hosts": {"ghcr.io": {"insecure": "yes"}}}}, "/registry/hosts/ghcr.io/insecure"),
    ({"registry": {"hosts": {"ghcr.io": {"addresses": ["all"]}}}}, "/registry/hosts/ghcr.io/addresses/0"),
    ({"registry": {"evidenceRepository": "ghcr.io"}}, "/registry/evidenceRepository"),
    ({"registry": {"mirrors": {"docker.io": []}}}, "/registry/mirrors/docker.io"),
    ({"registry": {"mirrors": {"docker.io": ["https://a"]}}}, "/registry/mirrors/docker.io/0"),
    ({"registry": {"dockerConfigSecret": "a/b"}}, "/registry/dockerConfigSecret"),
    ({"registry": {"pullSecrets": ["a"]}}, "/registry/pullSecrets"),
    ({"registry": {"platforms": ["amd64"]}}, "/registry/platforms"),
    ({"registry": {"absentSeconds": -1}}, "/registry/absentSeconds"),
    ({"workloads": []}, "/workloads"),
    ({"workloads": ["Deploiment"]}, "/workloads/0"),
    ({"helpUrl": "wiki"}, "/helpUrl"),
    ({"admission": {"timeoutSeconds": 31}}, "/admission/timeoutSeconds"),
    ({"admission": {"failurePolicies": {"production": "fail"}}}, "/admission/failurePolicies/production"),
    ({"admission": {"environmentLabel": "a'b"}}, "/admission/environmentLabel"),
    ({"admission": {"clientAuthentication": {"caBundle": KEY}}}, "/admission/clientAuthentication/caBundle"),
    (
        {"admission": {"clientAuthentication": {"names": ["kube-apiserver"]}}},
        "/admission/clientAuthentication': missing property 'caBundle'",
    ),
    (
        {"admission": {"clientAuthentication": {"caBundle": AUTHORITY, "names": ["$(HOME)"]}}},
        "/admission/clientAuthentication/names/0",
    ),
    ({"certificates": {"mode": "vault"}}, "/certificates/mode"),
    ({"certificates": {"mode": "secret"}}, "/certificates': missing property 'caBundle'"),
    ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
    ({"image": {"repository": "https://registry.example.com/a"}}, "/image/repository"),
    ({"webhook": {"replicas": 0}}, "/webhook/replicas"),
    ({"webhook": {"drainSeconds": 601}}, "/webhook/drainSeconds"),
    ({"webhook": {"port": 443}}, "/webhook/port"),
    ({"webhook": {"resources": {"request": {}}}}, "/webhook/resources"),
    ({"networkPolicy": {"apiServerPorts": [0]}}, "/networkPolicy/apiServerPorts/0"),
    ({"networkPolicy": {"registryPorts": []}}, "/networkPolicy/registryPorts"),
]


@pytest.mark.parametrize(("values", "path"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_value_is_refused_with_its_path(helm: Helm, values: dict[str, Any], path: str) -> None:
    result = helm.run("template", RELEASE, CHART, values=values, check=False)
    assert result.returncode != 0
    assert path in result.stderr


def test_a_failure_policy_for_an_environment_that_does_not_exist_is_refused(helm: Helm) -> None:
    values = {"admission": {"failurePolicies": {"prodction": "Ignore"}}}
    result = helm.run("template", RELEASE, CHART, values=values, check=False)
    message = "admission.failurePolicies.prodction: no environment that gate, beaconRate or a condition names"
    assert message in result.stderr


def test_the_chart_is_for_the_program_of_its_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((CHART.parents[1] / "pyproject.toml").read_text())
    assert chart["appVersion"] == project["project"]["version"]
