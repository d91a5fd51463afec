"""The evidence service in the chart: off by default, and never without somebody to vouch for callers."""

from typing import Any

import pytest
from click.testing import CliRunner

from tests.charts.chart import CHART, RELEASE, Helm, Objects
from webhook.cli.main import main
from webhook.server.query.cluster_callers import PATH, VERB

WEBHOOK = ("Deployment", f"{RELEASE}-webhook")
TOKENS = {"name": "evidence-tokens", "key": "tokens"}


def rendered(helm: Helm, **query: Any) -> Objects:
    return helm.render(values={"query": query})


def pod(objects: Objects) -> dict[str, Any]:
    spec: dict[str, Any] = objects[WEBHOOK]["spec"]["template"]["spec"]
    return spec


def arguments(objects: Objects) -> list[str]:
    return [part for part in pod(objects)["containers"][0]["args"] if part.startswith("--query")]


def granted(objects: Objects) -> set[tuple[str, str]]:
    rules = objects["ClusterRole", f"{RELEASE}-webhook"]["rules"]
    return {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}


REVIEWS = {("tokenreviews", "create"), ("subjectaccessreviews", "create")}


@pytest.mark.parametrize("query", [{}, {"enabled": False, "tokenSecret": TOKENS}])
def test_by_default_there_is_no_service_and_no_right(helm: Helm, query: dict[str, Any]) -> None:
    objects = rendered(helm, **query)
    assert arguments(objects) == []
    assert [port["name"] for port in pod(objects)["containers"][0]["ports"]] == ["reviews", "ops"]
    assert [port["name"] for port in objects["Service", RELEASE]["spec"]["ports"]] == ["reviews"]
    assert not REVIEWS & granted(objects)
    assert ("ClusterRole", f"{RELEASE}-evidence-reader") not in objects
    assert "query" not in str(objects["NetworkPolicy", RELEASE])


def test_the_api_server_vouches_for_callers_unless_there_are_tokens(helm: Helm) -> None:
    objects = rendered(helm, enabled=True)
    assert arguments(objects) == ["--query-listen=0.0.0.0:8444", "--query-cluster-callers"]
    assert granted(objects) >= REVIEWS


def test_the_right_to_ask_is_the_one_that_the_server_wants(helm: Helm) -> None:
    role = rendered(helm, enabled=True)["ClusterRole", f"{RELEASE}-evidence-reader"]
    assert role["rules"] == [{"nonResourceURLs": [PATH], "verbs": [VERB]}]


def test_nobody_has_the_right_to_ask_by_default(helm: Helm) -> None:
    objects = rendered(helm, enabled=True)
    bound = {item["roleRef"]["name"] for (kind, _), item in objects.items() if kind == "ClusterRoleBinding"}
    assert f"{RELEASE}-evidence-reader" not in bound


def test_tokens_come_from_a_secret_and_take_no_right(helm: Helm) -> None:
    objects = rendered(helm, enabled=True, tokenSecret=TOKENS)
    assert arguments(objects) == [
        "--query-listen=0.0.0.0:8444",
        "--query-token-file=/etc/evidence-gate-tokens/tokens",
    ]
    (volume,) = [entry for entry in pod(objects)["volumes"] if entry["name"] == "tokens"]
    assert volume["secret"] == {
        "secretName": "evidence-tokens",
        "defaultMode": 0o440,
        "items": [{"key": "tokens", "path": "tokens"}],
    }
    mounts = {entry["name"]: entry["mountPath"] for entry in pod(objects)["containers"][0]["volumeMounts"]}
    assert mounts["tokens"] == "/etc/evidence-gate-tokens"
    assert not REVIEWS & granted(objects)


def test_the_ports_are_those_that_were_asked_for(helm: Helm) -> None:
    objects = rendered(helm, enabled=True, port=9444, servicePort=444)
    ports = {port["name"]: port["containerPort"] for port in pod(objects)["containers"][0]["ports"]}
    assert ports["query"] == 9444
    assert {"name": "query", "port": 444, "targetPort": "query"} in objects["Service", RELEASE]["spec"]["ports"]
    assert {"port": "query", "protocol": "TCP"} in objects["NetworkPolicy", RELEASE]["spec"]["ingress"][0]["ports"]


def test_the_operator_s_pod_knows_nothing_of_it(helm: Helm) -> None:
    operator = rendered(helm, enabled=True)["Deployment", f"{RELEASE}-operator"]
    assert "query" not in str(operator)


@pytest.mark.parametrize("query", [{}, {"tokenSecret": TOKENS}])
def test_the_program_knows_the_options(helm: Helm, query: dict[str, Any]) -> None:
    given = arguments(rendered(helm, enabled=True, **query))
    # Without the other options it says which one is missing, and takes no offence at these.
    result = CliRunner().invoke(main, ["webhook", *[part for part in given if "file" not in part]])
    assert "Missing option '--config'" in result.stderr


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"enabled": "yes"}, "/query/enabled"),
    ({"port": 444}, "/query/port"),
    ({"servicePort": 0}, "/query/servicePort"),
    ({"tokenSecret": "evidence-tokens"}, "/query/tokenSecret"),
    ({"tokenSecret": {"name": "a"}}, "/query/tokenSecret"),
    ({"tokens": TOKENS}, "'tokens'"),
]


@pytest.mark.parametrize(("query", "path"), WRONG)
def test_a_wrong_value_is_refused_with_its_path(helm: Helm, query: dict[str, Any], path: str) -> None:
    result = helm.run("template", RELEASE, CHART, values={"query": query}, check=False)
    assert result.returncode != 0
    assert path in result.stderr
