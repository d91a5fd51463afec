"""Providers elsewhere in the chart: what is the webhook's alone, and what is followed by both processes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from tests.attest.keys import public_pem
from tests.charts.chart import CHART, RELEASE, Helm, Objects
from tests.charts.pods import SECRETS, lay_out, pod_of
from tests.charts.test_values import AUTHORITY, KEY, SCHEMA
from webhook.limits import LIMITS
from webhook.settings.loading import load_settings
from webhook.settings.remote import RemoteProviderSettings, RemoteSurface, ResultKeySettings
from webhook.trust.keys import PublicKey

GIVEN: dict[str, Any] = yaml.safe_load((CHART / "ci" / "conditions-values.yaml").read_text())
POLICY = ("NetworkPolicy", f"{RELEASE}-outgoing")
DEFINITION = SCHEMA["definitions"]["remote"]["properties"]
REMOTE = {"id": "a", "url": "https://a.example.com/rpc", "surface": "server"}


def providers(*remotes: dict[str, Any], hosts: tuple[str, ...] = ("a.example.com",)) -> dict[str, Any]:
    return {"providers": {"remoteHosts": list(hosts), "remote": list(remotes)}}


def mounted(rendered: Objects, component: str) -> list[dict[str, Any]]:
    sources: list[dict[str, Any]] = pod_of(rendered, component)["volumes"][0]["projected"]["sources"]
    return [source["secret"] for source in sources if "secret" in source]


def test_the_schema_knows_exactly_the_keys_of_a_remote() -> None:
    # The chart writes the files itself.
    named = {to_camel(name) for name in RemoteProviderSettings.model_fields} - {"caFile", "tokenFile"}
    assert set(DEFINITION) == named | {"caBundle", "tokenSecret"}
    key = {to_camel(name) for name in ResultKeySettings.model_fields} - {"file"} | {"publicKey", "secret"}
    assert set(SCHEMA["definitions"]["resultKey"]["properties"]) == key


def test_the_schema_has_the_limits_of_remotes() -> None:
    section = SCHEMA["properties"]["providers"]["properties"]
    assert section["remote"]["maxItems"] == section["remoteHosts"]["maxItems"] == LIMITS.remotes
    assert DEFINITION["signature"]["properties"]["keys"]["maxItems"] == LIMITS.remote_keys
    assert DEFINITION["namespaceIds"]["maxProperties"] == LIMITS.remote_namespaces
    assert DEFINITION["timeoutSeconds"]["maximum"] == LIMITS.deadline_maximum
    assert DEFINITION["surface"]["enum"] == [member.value for member in RemoteSurface]


def test_the_section_is_the_one_that_was_given(helm: Helm, tmp_path: Path) -> None:
    values = {"providers": {name: GIVEN["providers"][name] for name in ("remoteHosts", "remote")}}
    settings = load_settings(lay_out(helm.render(values=values), "webhook", tmp_path))
    decisions, scanner = settings.file.providers.remote
    given, bare = GIVEN["providers"]["remote"]
    apart = {"caBundle", "tokenSecret", "signature"}
    section = decisions.model_dump(mode="json", by_alias=True)
    assert {name: section[name] for name in given.keys() - apart} == {
        name: value for name, value in given.items() if name not in apart
    }
    assert scanner == RemoteProviderSettings.model_validate(bare)
    loaded = settings.remotes[0]
    assert loaded.authorities == given["caBundle"].encode()
    assert loaded.token == SECRETS["decisions"]["token"]
    assert set(loaded.keys or ()) == {"key-1", "key-2"}


def test_the_token_is_the_webhook_s_alone(helm: Helm) -> None:
    remote = REMOTE | {"tokenSecret": {"name": "login", "key": "token"}}
    rendered = helm.render(values=providers(remote))
    # 0440: the group, which is the pod's, and nobody else.
    item = {"key": "token", "path": "remote-a.token", "mode": 0o440}
    assert mounted(rendered, "webhook") == [{"name": "login", "items": [item]}]
    assert mounted(rendered, "operator") == []


def test_each_key_and_authority_has_a_file_of_its_own(helm: Helm, tmp_path: Path) -> None:
    ids = ["a", "a-1", "a.token", "a_1"]
    keys = [{"keyId": f"k{index}", "publicKey": public_pem("Ed25519", f"k{index}").decode()} for index in range(2)]
    remotes = [
        REMOTE | {"id": name, "caBundle": f"{AUTHORITY}# {name}\n", "signature": {"keys": keys}} for name in ids
    ]
    remotes[1] = remotes[1] | {"signature": {"keys": keys[::-1]}}
    settings = load_settings(lay_out(helm.render(values=providers(*remotes)), "webhook", tmp_path))
    held = {key["keyId"]: PublicKey.from_pem(key["publicKey"].encode()) for key in keys}
    for remote in settings.remotes:
        assert remote.authorities == f"{AUTHORITY}# {remote.section.id}\n".encode()
        assert remote.keys == held


@pytest.mark.parametrize(
    ("urls", "ports"),
    [
        ([], None),
        (["https://a.example.com/rpc"], [443]),
        (["https://a.example.com:443/rpc", "https://a.example.com/provider/rpc"], [443]),
        (["https://a.example.com:8443/rpc", "https://[fd00::5]:9443/x", "https://[fd00::5]/x"], [8443, 9443, 443]),
        (["https://a.example.com/rpc:8443"], [443]),
    ],
)
def test_the_webhook_alone_may_reach_the_ports_of_its_remotes(
    helm: Helm, urls: list[str], ports: list[int] | None
) -> None:
    hosts = ("a.example.com", "a.example.com:8443", "[fd00::5]:9443", "[fd00::5]")
    remotes = [REMOTE | {"id": f"r{index}", "url": url} for index, url in enumerate(urls)]
    rendered = helm.render(values=providers(*remotes, hosts=hosts))
    if ports is None:
        assert POLICY not in rendered
        return
    policy = rendered[POLICY]["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "webhook"
    assert policy["policyTypes"] == ["Egress"]
    assert policy["egress"] == [{"ports": [{"port": port, "protocol": "TCP"} for port in ports]}]


def test_without_network_policies_there_is_none_for_remotes(helm: Helm) -> None:
    values = providers(REMOTE) | {"networkPolicy": {"enabled": False}}
    assert POLICY not in helm.render(values=values)


def test_a_condition_may_ask_a_remote(helm: Helm) -> None:
    query = {"provider": "a", "check": "x"}
    condition = {"name": "c", "environments": ["production"], "query": query, "comparator": "exists"}
    assert helm.render(values=providers(REMOTE) | {"conditions": [condition]})


IDENTIFIED = REMOTE | {"tenantId": 1, "namespaceIds": {"shop": 1}}
SIGNED = {"keyId": "k", "publicKey": KEY}
WRONG: list[tuple[dict[str, Any], str]] = [
    (REMOTE | {"id": "A"}, "/providers/remote/0/id"),
    (REMOTE | {"url": "http://a.example.com/rpc"}, "/providers/remote/0/url"),
    (REMOTE | {"url": "https://u:p@a.example.com/rpc"}, "/providers/remote/0/url"),
    (REMOTE | {"url": "https://A.example.com/rpc"}, "/providers/remote/0/url"),
    (REMOTE | {"url": "https://a.example.com"}, "/providers/remote/0/url"),
    (REMOTE | {"url": "https://a.example.com/rpc?a=b"}, "/providers/remote/0/url"),
    (REMOTE | {"surface": "gate"}, "/providers/remote/0/surface"),
    ({"id": "a", "url": REMOTE["url"]}, "/providers/remote/0': missing property 'surface'"),
    (REMOTE | {"caFile": "a.pem"}, "/providers/remote/0"),
    (REMOTE | {"tokenFile": "a"}, "/providers/remote/0"),
    (REMOTE | {"caBundle": KEY}, "/providers/remote/0/caBundle"),
    (REMOTE | {"tokenSecret": "a"}, "/providers/remote/0/tokenSecret"),
    (REMOTE | {"tokenSecret": {"name": "a"}}, "/providers/remote/0/tokenSecret"),
    (REMOTE | {"timeoutSeconds": 31}, "/providers/remote/0/timeoutSeconds"),
    (REMOTE | {"timeoutSeconds": 0}, "/providers/remote/0/timeoutSeconds"),
    (REMOTE | {"minLane": "verified"}, "/providers/remote/0/minLane"),
    (REMOTE | {"signature": {"keys": []}}, "/providers/remote/0/signature/keys"),
    (REMOTE | {"signature": {"keys": [{"keyId": "k"}]}}, "/providers/remote/0/signature/keys/0"),
    (REMOTE | {"signature": {"keys": [SIGNED | {"file": "a"}]}}, "/providers/remote/0/signature/keys/0"),
    (IDENTIFIED | {"tenantId": 0}, "/providers/remote/0/tenantId"),
    (IDENTIFIED | {"tenantId": 2**53}, "/providers/remote/0/tenantId"),
    (IDENTIFIED | {"namespaceIds": {"shop": 2**53}}, "/providers/remote/0/namespaceIds/shop"),
    (IDENTIFIED | {"namespaceIds": {"Shop": 1}}, "'Shop'"),
    (IDENTIFIED | {"namespaceIds": {}}, "/providers/remote/0"),
    (REMOTE | {"namespaceIds": {"shop": 1}}, "/providers/remote/0': missing property 'tenantId'"),
    (REMOTE | {"tenantId": 1}, "/providers/remote/0"),
    (REMOTE | {"allowRaw": "yes"}, "/providers/remote/0/allowRaw"),
    (REMOTE | {"id": "env"}, "providers.remote[0].id: env stands twice, or is a provider of this program"),
    (
        REMOTE | {"url": "https://a.example.com:8443/rpc"},
        "providers.remote[0].url: a.example.com:8443 does not stand in providers.remoteHosts",
    ),
    (REMOTE | {"signature": {"keys": [SIGNED, SIGNED]}}, "providers.remote[0].signature.keys: k stands twice"),
]


@pytest.mark.parametrize(("remote", "path"), WRONG, ids=[path for _, path in WRONG])
def test_a_wrong_remote_is_refused_with_its_path(helm: Helm, remote: dict[str, Any], path: str) -> None:
    result = helm.run("template", RELEASE, CHART, values=providers(remote), check=False)
    assert result.returncode != 0
    assert path in result.stderr


def test_an_id_stands_once(helm: Helm) -> None:
    result = helm.run("template", RELEASE, CHART, values=providers(REMOTE, REMOTE), check=False)
    assert "providers.remote[1].id: a stands twice" in result.stderr


@pytest.mark.parametrize("host", ["https://a.example.com", "A.example.com", "a.example.com/", "*.example.com", "a:0"])
def test_a_wrong_host_is_refused_with_its_path(helm: Helm, host: str) -> None:
    result = helm.run("template", RELEASE, CHART, values=providers(hosts=(host,)), check=False)
    assert "/providers/remoteHosts/0" in result.stderr


def test_the_default_port_may_be_written_or_left_out(helm: Helm, tmp_path: Path) -> None:
    remotes = [REMOTE, {**REMOTE, "id": "b", "url": "https://b.example.com:443/rpc"}]
    rendered = helm.render(values=providers(*remotes, hosts=("a.example.com:443", "b.example.com")))
    assert len(load_settings(lay_out(rendered, "webhook", tmp_path)).remotes) == len(remotes)
