"""The section `observer` in the chart: a CronJob with an account of its own, or nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from tests.attest.keys import private_pem
from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm, Objects
from tests.charts.observing import NAME, OWN_FILES, lay_out, pod_of, sources
from tests.charts.pods import SECRETS
from tests.charts.test_values import AUTHORITY, KEY, SCHEMA, VALUES
from webhook.observer.settings import (
    ObserverFile,
    PublishSettings,
    RegistryPublishSettings,
    SigningSettings,
    load_observer_settings,
)
from webhook.observer.signing import open_signer
from webhook.observer.sources.opening import open_source
from webhook.observer.sources.settings import LabelSettings, ServerKind, SourceSettings
from webhook.settings.section import Section

GIVEN = CHART / "ci" / "observer-values.yaml"
URL = "https://pyroscope.example.com"
PAIR = {"name": "observer", "key": "k"}
KEYLESS = {"keyless": {"enabled": True}}
SIGNED = {"signing": {"keySecret": PAIR}}
OBSERVERS = {
    **SECRETS,
    "profiles": {"password": b"secret\n"},
    "observer": {"cosign.key": private_pem("Ed25519", b"a passphrase"), "passphrase": b"a passphrase\n"},
    "pusher": {".dockerconfigjson": b'{"auths": {}}'},
}
"""The Secrets that the values name."""


def rendered(helm: Helm, *, whole: dict[str, Any] | None = None, **observer: Any) -> Objects:
    source = {"url": URL} | observer.pop("source", {})
    chosen = {"enabled": True, "source": source, **SIGNED, **observer}
    return helm.render(values={**(whole or {}), "observer": chosen})


def file(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(objects["ConfigMap", NAME]["data"]["observer.yaml"])
    return found


def spellings(model: type[Section], without: set[str], instead: set[str]) -> set[str]:
    named = {to_camel(name) for name in model.model_fields}
    assert without <= named
    return named - without | instead


def test_the_values_are_the_file_s_keys() -> None:
    # The chart names files, and what it knows already, itself.
    observer = VALUES["observer"]
    own = {"enabled", "schedule", "dryRun", "resources", "nodeSelector", "tolerations"}
    assert set(observer) == spellings(ObserverFile, {"gate", "environmentLabel", "excludedNamespaces"}, own)
    files = {"tokenFile", "caFile"}
    assert set(observer["source"]) == spellings(SourceSettings, files, {"tokenSecret", "caBundle"})
    assert set(observer["source"]["labels"]) == spellings(LabelSettings, set(), set())
    secrets = {"keySecret", "passphraseSecret"}
    assert set(observer["signing"]) == spellings(SigningSettings, {"keyFile", "passphraseFile"}, secrets)
    assert set(observer["publish"]) == spellings(PublishSettings, set(), set())
    registry = spellings(RegistryPublishSettings, {"dockerConfig"}, {"enabled", "dockerConfigSecret"})
    assert set(observer["publish"]["registry"]) == registry
    kinds = SCHEMA["properties"]["observer"]["properties"]["source"]["properties"]["kind"]["enum"]
    assert kinds == [kind.value for kind in ServerKind]


def test_the_values_have_the_file_s_defaults(helm: Helm, tmp_path: Path) -> None:
    objects = rendered(helm)
    written = load_observer_settings(lay_out(objects, tmp_path, OBSERVERS | {"observer": {"k": b""}})).file
    assert written == ObserverFile.model_validate(
        {
            "source": {"kind": "pyroscope", "url": URL},
            "signing": {"keyFile": tmp_path / "own" / "signing.key"},
            "excludedNamespaces": ["kube-system", NAMESPACE],
        }
    )


def test_everything_that_can_be_said_is_what_the_observer_reads(helm: Helm, tmp_path: Path) -> None:
    path = lay_out(helm.render("--values", GIVEN), tmp_path, OBSERVERS)
    settings = load_observer_settings(path)
    own = tmp_path / "own"
    assert settings.file == ObserverFile.model_validate(
        {
            "environments": ["staging"],
            "excludedNamespaces": ["kube-system", NAMESPACE],
            "window": "2h",
            "refreshAfter": "72h",
            "multiPlatform": False,
            "source": {
                "kind": "pyroscope",
                "url": "https://pyroscope.example.com:4040/profiles",
                "profileType": "process_cpu:samples:count:cpu:nanoseconds",
                "labels": {"container": None},
                "matchers": {"cluster": "staging-1", "shard": "1"},
                "tenant": "shop",
                "basicAuth": {"username": "observer", "passwordFile": own / "source.password"},
                "caFile": "observer-source.pem",
                "timeoutSeconds": 12.5,
            },
            "signing": {"keyFile": own / "signing.key", "passphraseFile": own / "signing.passphrase"},
            "publish": {"registry": {"layout": "cosign", "dockerConfig": own / "docker-config.json"}},
        }
    )
    assert settings.refresh_after == timedelta(hours=72)
    assert open_source(settings.file.source, tmp_path).tells_containers is False
    open_signer(settings.file.signing, tmp_path)


@pytest.mark.parametrize("none", ["", None])
def test_no_label_for_containers_may_be_said_in_two_ways(helm: Helm, none: str | None) -> None:
    # Helm leaves out what is null, and the file would take its default.
    written = file(rendered(helm, source={"labels": {"container": none}}))["source"]["labels"]
    assert written == {"namespace": "namespace", "pod": "pod", "container": None}


def test_by_default_there_is_nothing_of_it(helm: Helm) -> None:
    for values in ({}, {"observer": {"source": {"url": URL}, **SIGNED}}, {"observer": None}):
        assert helm.render(values=values) == helm.render()
    assert not [name for _, name in helm.render() if "observer" in name]


def rules(objects: Objects, kind: str = "ClusterRole") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = objects[kind, NAME]["rules"]
    return found


EVIDENCE = {"apiGroups": ["stella.ops"], "resources": ["executionevidences"]}
READ, WRITE = EVIDENCE | {"verbs": ["list", "watch"]}, EVIDENCE | {"verbs": ["get", "create"]}


def core(resource: str, *verbs: str, **more: Any) -> dict[str, Any]:
    return {"apiGroups": [""], "resources": [resource], "verbs": list(verbs), **more}


def test_it_may_list_pods_and_create_evidence_and_nothing_else(helm: Helm) -> None:
    objects = rendered(helm)
    assert rules(objects) == [core("namespaces", "list"), core("pods", "list"), READ, WRITE]
    assert ("Role", NAME) not in objects
    [subject] = objects["ClusterRoleBinding", NAME]["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    assert pod_of(objects)["serviceAccountName"] == NAME


def test_where_namespaces_are_named_it_sees_the_pods_of_those_alone(helm: Helm) -> None:
    objects = rendered(helm, namespaces=["shop", "shop"])
    assert rules(objects) == [core("namespaces", "get", resourceNames=["shop"]), READ, WRITE]
    assert rules(objects, "Role") == [core("pods", "list")]
    assert {objects[kind, NAME]["metadata"]["namespace"] for kind in ("Role", "RoleBinding")} == {"shop"}
    assert objects["RoleBinding", NAME]["subjects"] == objects["ClusterRoleBinding", NAME]["subjects"]


@pytest.mark.parametrize(
    ("observer", "whole"),
    [
        ({"dryRun": True}, {}),
        (
            {"publish": {"cluster": False, "registry": {"enabled": True}}},
            {"registry": {"allow": ["a.example.com/*"]}},
        ),
    ],
)
def test_it_may_create_nothing_that_it_does_not_write(helm: Helm, observer: dict[str, Any], whole: Any) -> None:
    assert WRITE not in rules(rendered(helm, whole=whole, **observer))


def test_the_key_is_the_observer_s_alone(helm: Helm) -> None:
    objects = rendered(helm)
    assert [source["secret"]["name"] for source in sources(objects, "observer") if "secret" in source] == ["observer"]
    others = {key: item for key, item in objects.items() if "observer" not in key[1]}
    assert others == helm.render()
    assert "observer" not in str(others)


def test_a_dry_run_gets_no_key_and_needs_none(helm: Helm) -> None:
    for signing in ({}, SIGNED["signing"], KEYLESS):
        objects = rendered(helm, dryRun=True, signing=signing)
        assert [list(source) for source in sources(objects, "observer")] == [["downwardAPI"]]
        assert pod_of(objects)["containers"][0]["args"][-1] == "--dry-run"


def test_a_keyless_observer_has_a_token_for_sigstore_alone(helm: Helm) -> None:
    config = '{"mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"}'
    keyless = {"enabled": True, "audience": "fulcio", "trustConfig": config, "ports": [443, 8443]}
    objects = rendered(helm, signing={"keyless": keyless})
    token, _ = sources(objects, "observer")
    assert token["serviceAccountToken"] == {"audience": "fulcio", "expirationSeconds": 3600, "path": "identity-token"}
    assert file(objects)["signing"] == {
        "keyless": {"identityTokenFile": f"{OWN_FILES}/identity-token", "trustConfig": "observer-trust-config.json"}
    }
    assert objects["ConfigMap", NAME]["data"]["observer-trust-config.json"].strip() == config
    assert {"port": 8443, "protocol": "TCP"} in objects["NetworkPolicy", NAME]["spec"]["egress"][2]["ports"]
    (home,) = [mount for mount in pod_of(objects)["containers"][0]["volumeMounts"] if mount["name"] == "home"]
    assert home["mountPath"] == "/tmp"  # noqa: S108 - of the pod


def test_one_run_at_a_time_and_none_for_ever(helm: Helm) -> None:
    spec = rendered(helm, timeoutSeconds=900, schedule="@hourly")["CronJob", NAME]["spec"]
    assert (spec["schedule"], spec["concurrencyPolicy"]) == ("@hourly", "Forbid")
    job = spec["jobTemplate"]["spec"]
    assert (job["backoffLimit"], job["activeDeadlineSeconds"]) == (0, 1200)
    pod = job["template"]
    assert pod["spec"]["restartPolicy"] == "Never"
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "observer"
    # Not one of the pods that a Service, a budget or another policy of the release picks.
    assert pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


PORTS: list[tuple[dict[str, Any], list[int]]] = [
    ({"url": URL}, [443]),
    ({"url": "http://pyroscope.profiling", "insecure": True}, [80]),
    ({"url": "http://pyroscope.profiling:4040/a", "insecure": True}, [4040]),
    ({"url": "https://[fd00::5]:7070"}, [7070]),
]


@pytest.mark.parametrize(("source", "ports"), PORTS)
def test_it_may_reach_the_server_and_nobody_may_reach_it(
    helm: Helm, source: dict[str, Any], ports: list[int]
) -> None:
    policy = rendered(helm, source=source)["NetworkPolicy", NAME]["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "observer"
    assert (policy["policyTypes"], policy["ingress"]) == (["Ingress", "Egress"], [])
    names, api_server, server = ([rule["port"] for rule in entry["ports"]] for entry in policy["egress"])
    assert (names, api_server, server) == ([53, 53], VALUES["networkPolicy"]["apiServerPorts"], ports)


def test_it_may_reach_registries_where_the_gate_asks_some(helm: Helm) -> None:
    objects = helm.render("--values", GIVEN)
    assert objects["NetworkPolicy", NAME]["spec"]["egress"][-1]["ports"] == [{"port": 443, "protocol": "TCP"}]
    off = rendered(helm, whole={"networkPolicy": {"enabled": False}})
    assert ("NetworkPolicy", NAME) not in off


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"source": {"url": None}}, "observer.source.url: say where the profile server is"),
    ({"signing": {}}, "observer.signing: name a keySecret, or set keyless.enabled"),
    (
        {"signing": {"keySecret": PAIR, "keyless": {"enabled": True}}},
        "observer.signing: set keySecret or keyless.enabled",
    ),
    ({"environments": ["development"]}, "observer.environments: evidence from development counts in no environment"),
    ({"publish": {"registry": {"enabled": True}}}, "observer.publish.registry: the gate would not look there"),
    ({"environments": []}, "/observer/environments"),
    ({"schedule": "often"}, "/observer/schedule"),
    ({"namespaces": ["A"]}, "/observer/namespaces/0"),
    ({"window": "1d"}, "/observer/window"),
    ({"timeoutSeconds": 5}, "/observer/timeoutSeconds"),
    ({"source": {"kind": "prometheus"}}, "/observer/source/kind"),
    ({"source": {"url": "pyroscope:4040"}}, "/observer/source/url"),
    ({"source": {"labels": {"pod": ""}}}, "/observer/source/labels/pod"),
    ({"source": {"caBundle": KEY}}, "/observer/source/caBundle"),
    ({"source": {"basicAuth": {"username": "a"}}}, "/observer/source/basicAuth"),
    ({"signing": {"keySecret": "a"}}, "/observer/signing/keySecret"),
    ({"signing": {"keyFile": "a"}}, "'keyFile'"),
    ({"signing": {"keyless": {"trustConfig": AUTHORITY}}}, "/observer/signing/keyless/trustConfig"),
    ({"publish": {"registry": {"layout": "tag"}}}, "/observer/publish/registry/layout"),
]


def test_a_certificate_is_not_pushed_where_there_is_no_room_for_it(helm: Helm) -> None:
    publish = {"registry": {"enabled": True, "layout": "cosign"}}
    observer = {"enabled": True, "source": {"url": URL}, "signing": KEYLESS, "publish": publish}
    values = {"registry": {"allow": ["ghcr.io/*"]}, "observer": observer}
    result = helm.run("template", RELEASE, CHART, values=values, check=False)
    assert "observer.publish.registry.layout: cosign has no room for a certificate; take referrer" in result.stderr


@pytest.mark.parametrize(("observer", "message"), WRONG)
def test_a_wrong_value_is_refused_with_its_path(helm: Helm, observer: dict[str, Any], message: str) -> None:
    source = {"url": URL} | observer.pop("source", {})
    values = {"observer": {"enabled": True, "source": source, **SIGNED, **observer}}
    result = helm.run("template", RELEASE, CHART, values=values, check=False)
    assert result.returncode != 0
    assert message in result.stderr
