"""What the chart makes of `registry`."""

from typing import Any

import pytest
import yaml

from tests.charts.chart import CHART, RELEASE, Helm, Objects

AUTHORITY = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"
WEBHOOK = ("Deployment", f"{RELEASE}-webhook")
OPERATOR = ("Deployment", f"{RELEASE}-operator")
ROLE = ("ClusterRole", f"{RELEASE}-webhook")
POLICY = ("NetworkPolicy", f"{RELEASE}-registries")
ALLOW = {"allow": ["ghcr.io/team/*"]}
SECRETS = {"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"]}


def stores(rendered: Objects) -> dict[str, Any]:
    configuration = yaml.safe_load(rendered["ConfigMap", RELEASE]["data"]["config.yaml"])
    found: dict[str, Any] = configuration["stores"]
    return found


def sources(rendered: Objects, deployment: tuple[str, str]) -> list[dict[str, Any]]:
    volumes = rendered[deployment]["spec"]["template"]["spec"]["volumes"]
    found: list[dict[str, Any]] = volumes[0]["projected"]["sources"]
    return found


# None: helm takes the key away. The rest of the section says nothing by itself.
UNUSED: list[Any] = [
    {},
    None,
    {"allow": None},
    {"allow": [], "pullSecrets": True, "dockerConfigSecret": "login", "hosts": {"ghcr.io": {"caBundle": AUTHORITY}}},
]


@pytest.mark.parametrize("registry", UNUSED)
def test_nothing_is_there_for_registries_that_nobody_asks(helm: Helm, registry: Any) -> None:
    assert helm.render(values={"registry": registry}) == helm.render()


def test_by_default_no_registry_is_asked(helm: Helm) -> None:
    rendered = helm.render()
    assert stores(rendered) == {"cluster": {}}
    assert POLICY not in rendered
    assert SECRETS not in rendered[ROLE]["rules"]


def test_a_registry_is_asked_anonymously_and_nothing_else_is_granted(helm: Helm) -> None:
    rendered = helm.render(values={"registry": ALLOW})
    section = {**ALLOW, "hosts": {}, "mirrors": {}, "pullSecrets": False, "absentSeconds": 30}
    assert stores(rendered) == {"cluster": {}, "registry": section}
    assert rendered[ROLE] == helm.render()[ROLE]
    assert rendered[WEBHOOK] == helm.render()[WEBHOOK]


def test_the_section_is_the_one_that_was_given(helm: Helm) -> None:
    values = yaml.safe_load((CHART / "ci" / "registry-values.yaml").read_text())
    section = stores(helm.render(values=values))["registry"]
    given = dict(values["registry"])
    hosts = given.pop("hosts")
    del given["dockerConfigSecret"]
    assert {name: section[name] for name in given} == given
    assert set(section) - set(given) == {"hosts", "dockerConfig"}
    assert {name: host.get("addresses") for name, host in section["hosts"].items()} == {
        name: host.get("addresses") for name, host in hosts.items()
    }


def test_each_registry_has_its_own_authorities(helm: Helm) -> None:
    names = ["ghcr.io", "a-b:5000", "a.b:5000", "a:b", "[fd00::5]:5000", "fd00-5--5000"]
    hosts = {name: {"caBundle": f"\n{AUTHORITY}\n\n# {name}\n"} for name in names}
    rendered = helm.render(values={"registry": ALLOW | {"hosts": hosts}})
    data = rendered["ConfigMap", RELEASE]["data"]
    found = {name: data[entry["caFile"]] for name, entry in stores(rendered)["registry"]["hosts"].items()}
    assert found == {name: f"{AUTHORITY}\n\n# {name}\n" for name in names}


@pytest.mark.parametrize("scan", [True, False])
def test_the_credentials_are_for_whoever_asks_registries(
    helm: Helm,
    scan: bool,  # noqa: FBT001 - a table's column
) -> None:
    rendered = helm.render(values={"registry": ALLOW | {"dockerConfigSecret": "login"}, "scan": {"enabled": scan}})
    assert stores(rendered)["registry"]["dockerConfig"] == "docker-config.json"
    # 0440: the group, which is the pod's, and nobody else.
    item = {"key": ".dockerconfigjson", "path": "docker-config.json", "mode": 0o440}
    login = {"name": "login", "items": [item]}
    assert sources(rendered, WEBHOOK)[1:] == [{"secret": login}]
    # Optional: certificates are renewed also while somebody mends the Secret.
    assert sources(rendered, OPERATOR)[1:] == ([{"secret": login | {"optional": True}}] if scan else [])


def test_the_right_to_read_secrets_comes_with_pull_secrets_alone(helm: Helm) -> None:
    for pull_secrets in (False, True):
        rendered = helm.render(values={"registry": ALLOW | {"pullSecrets": pull_secrets}})
        assert stores(rendered)["registry"]["pullSecrets"] is pull_secrets
        assert (SECRETS in rendered[ROLE]["rules"]) is pull_secrets
        # Not for scans: two processes that may read every Secret are one too many.
        for part in ("operator", "scan"):
            rules = rendered["ClusterRole", f"{RELEASE}-{part}"]["rules"]
            assert not any("secrets" in rule["resources"] for rule in rules)


@pytest.mark.parametrize(("scan", "who"), [(True, ["webhook", "operator"]), (False, ["webhook"])])
def test_whoever_asks_registries_may_reach_them(
    helm: Helm,
    scan: bool,  # noqa: FBT001 - a table's column
    who: list[str],
) -> None:
    values = {"registry": ALLOW, "networkPolicy": {"registryPorts": [443, 5000]}, "scan": {"enabled": scan}}
    policy = helm.render(values=values)[POLICY]["spec"]
    [expression] = policy["podSelector"]["matchExpressions"]
    assert expression == {"key": "app.kubernetes.io/component", "operator": "In", "values": who}
    assert policy["policyTypes"] == ["Egress"]
    ports = [{"port": 443, "protocol": "TCP"}, {"port": 5000, "protocol": "TCP"}]
    assert policy["egress"] == [{"ports": ports}]


def test_without_network_policies_there_is_none_for_registries(helm: Helm) -> None:
    assert POLICY not in helm.render(values={"registry": ALLOW, "networkPolicy": {"enabled": False}})


@pytest.mark.parametrize("gate", [{"tagPolicy": "Resolve"}, {"overrides": {"canary": {"tagPolicy": "Resolve"}}}])
def test_tags_are_resolved_only_where_a_registry_may_be_asked(helm: Helm, gate: dict[str, Any]) -> None:
    result = helm.run("template", RELEASE, CHART, values={"gate": gate}, check=False)
    assert "gate.tagPolicy Resolve asks registries for digests; name them in registry.allow" in result.stderr
    rendered = helm.render(values={"gate": gate, "registry": ALLOW})
    assert "tagPolicy: Resolve" in rendered["ConfigMap", RELEASE]["data"]["config.yaml"]
