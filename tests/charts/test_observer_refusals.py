"""What the observer would not start with, Helm does not install; both say which key it is."""

from pathlib import Path
from typing import Any

import pytest

from tests.charts.chart import CHART, RELEASE, Helm
from tests.charts.test_values import SCHEMA
from tests.observer.watching import GATE, configured
from webhook.attest.formats.measures import TIMES
from webhook.errors import ConfigurationError
from webhook.observer.settings import load_observer_settings
from webhook.observer.sources import settings as written
from webhook.observer.sources.opening import open_source

URL, PLAIN = "https://pyroscope.example.com", "http://pyroscope.example.com"
PAIR = {"name": "observer", "key": "k"}
LOGIN = {"username": "u", "passwordSecret": PAIR}
DELTA = "process_cpu:samples:count:cpu:nanoseconds:delta"
HEAP = "memory:inuse_space:bytes:space:bytes"
Values = dict[str, Any]


def same(**source: Any) -> tuple[Values, Values]:
    """Values of the source that are called the same in the file."""
    return {"source": source}, {"source": source}


def files(secrets: Values, **in_file: Any) -> tuple[Values, Values]:
    """Values of the source that name Secrets where the file names files."""
    return {"source": secrets}, {
        "source": {key: secrets[key] for key in ("url", "insecure") if key in secrets} | in_file
    }


HTTP = "observer.source.insecure: http:// and insecure: true go together; set both, or none"
BARE = "observer.source.insecure: a password or token is not sent, and no certificate asked for, over http://"
WRITE = "write `https://HOST"
PATTERN = "should match pattern"
SOURCES: dict[str, tuple[tuple[Values, Values], str, str]] = {
    "plain": (same(url=PLAIN), HTTP, "go together"),
    "insecure and https": (same(url=URL, insecure=True), HTTP, "go together"),
    "a token for all to see": (
        files({"url": PLAIN, "insecure": True, "tokenSecret": PAIR}, tokenFile="token"),
        BARE,
        "a password or token is not sent",
    ),
    "a password for all to see": (
        files({"url": PLAIN, "insecure": True, "basicAuth": LOGIN}, basicAuth={"username": "u", "passwordFile": "p"}),
        BARE,
        "a password or token is not sent",
    ),
    "authorities of nobody": (
        files({"url": PLAIN, "insecure": True, "caBundle": "-----BEGIN CERTIFICATE-----\n"}, caFile="ca.pem"),
        BARE,
        "no certificate asked for",
    ),
    "two logins": (
        files(
            {"tokenSecret": PAIR, "basicAuth": LOGIN}, tokenFile="t", basicAuth={"username": "u", "passwordFile": "p"}
        ),
        "observer.source: set tokenSecret or basicAuth, not both",
        "set `tokenFile` or `basicAuth`, not both",
    ),
    "a tenant of Parca": (
        same(kind="parca", tenant="a"),
        "observer.source.tenant: Parca knows no tenant; leave it out",
        "Parca knows no `tenant`",
    ),
    "a delta of Pyroscope": (
        same(profileType=DELTA),
        "observer.source.profileType: Pyroscope's have five parts, and no :delta",
        "no `:delta`",
    ),
    "bytes": (
        same(profileType=HEAP),
        "observer.source.profileType: it measures neither a count nor a time; take CPU time",
        "it measures neither a count nor a time; take CPU time",
    ),
    "capitals": (same(url="https://Pyroscope:4040"), "/observer/source/url", WRITE),
    "a query": (same(url="https://pyroscope:4040/?a=b"), "/observer/source/url", WRITE),
    "a password": (same(url="https://u:p@pyroscope:4040"), "/observer/source/url", WRITE),
    "a port above all": (same(url="https://pyroscope:65536"), "/observer/source/url", WRITE),
    "a port with a zero": (same(url="https://pyroscope:04040"), "/observer/source/url", WRITE),
    "a long one": (same(url=f"https://pyroscope/{'x' * 500}"), "/observer/source/url", WRITE),
    "an escape": (same(url="https://pyroscope/%2e%2e"), "/observer/source/url", WRITE),
    "four parts": (same(profileType="a:b:c:d"), "/observer/source/profileType", PATTERN),
    "a matcher that says more": (same(matchers={"cluster": 'a",b="c'}), "/observer/source/matchers/cluster", PATTERN),
    "a matcher for nothing": (same(matchers={"cluster": ""}), "/observer/source/matchers/cluster", PATTERN),
    "a matcher of no label": (same(matchers={"a-b": "c"}), "invalid propertyName 'a-b'", PATTERN),
    "many matchers": (same(matchers={f"a{n}": "x" for n in range(17)}), "/observer/source/matchers", "at most 16"),
    "another pod": (
        same(matchers={"pod": "a"}),
        "observer.source.matchers: it names the label pod, which labels has already",
        "`matchers` names the label 'pod', which `labels` has already",
    ),
    "another container": (
        same(labels={"container": "c"}, matchers={"c": "a"}),
        "observer.source.matchers: it names the label c, which labels has already",
        "`matchers` names the label 'c'",
    ),
}


def alike(**observer: Any) -> tuple[Values, Values]:
    """Values that are called the same in the file."""
    return observer, observer


BOTH = {"evidenceEnvironments": ["staging"], "overrides": {"production": {"evidenceEnvironments": ["canary"]}}}
UNREQUIRED = {"evidenceEnvironments": ["canary"], "overrides": {"test": {"evidenceEnvironments": ["staging"]}}}
NOWHERE = "observer.environments: evidence from staging counts in no environment that requires any"
NO_ENVIRONMENT = "no environment of"
WINDOW, REFRESH = (
    "observer.window: write a duration from 1m to 24h",
    "observer.refreshAfter: write a duration above 0s",
)
REST: dict[str, tuple[tuple[Values, Values], Values, str, str]] = {
    **{
        f"a window of {length}": (alike(window=length), {}, WINDOW, "write a duration from 1m to 24h")
        for length in ("25h", "24h1s", "59s", "0s", "0m059s")
    },
    "a refresh at once": (alike(refreshAfter="0h0m0s"), {}, REFRESH, "write a duration above 0s"),
    "an override that takes another environment's": (alike(), BOTH, NOWHERE, NO_ENVIRONMENT),
    "an override of what requires nothing": (alike(), UNREQUIRED, NOWHERE, NO_ENVIRONMENT),
    "nothing that requires evidence": (alike(), {"requiredEnvironments": []}, NOWHERE, NO_ENVIRONMENT),
    "a passphrase of no key": (
        (
            {"signing": {"keyless": {"enabled": True}, "passphraseSecret": PAIR}},
            {"signing": {"keyless": {"identityTokenFile": "t"}, "passphraseFile": "p"}},
        ),
        {},
        "observer.signing.passphraseSecret: it opens a keySecret; leave it out",
        "`passphraseFile` opens a `keyFile`; leave it out",
    ),
    "nowhere": (
        alike(publish={"cluster": False}),
        {},
        "observer.publish: evidence that goes nowhere helps nobody",
        "evidence that goes nowhere helps nobody",
    ),
    "no environment": (alike(environments=[]), {}, "/observer/environments", "name at least one"),
    "no time": (alike(timeoutSeconds=9), {}, "/observer/timeoutSeconds", "greater than or equal to 10"),
}
CASES: dict[str, tuple[tuple[Values, Values], Values, str, str]] = {
    **{name: (values, {}, by_helm, by_file) for name, (values, by_helm, by_file) in SOURCES.items()},
    **REST,
}


def refusal(folder: Path, observer: Values, gate: Values) -> str:
    """What the observer says of its file."""
    section = GATE["PolicyGates"]["ExecutionEvidence"] | gate
    source = {"kind": "pyroscope", "url": URL} | observer.pop("source", {})
    path = configured(folder, GATE | {"PolicyGates": {"ExecutionEvidence": section}}, source=source, **observer)
    with pytest.raises(ConfigurationError) as caught:
        open_source(load_observer_settings(path).file.source, folder)
    return str(caught.value)


def template(helm: Helm, observer: Values, whole: Values) -> tuple[int, str]:
    source = {"url": URL} | observer.pop("source", {})
    signing = {"signing": {"keySecret": PAIR}}
    values = {**whole, "observer": {"enabled": True, "source": source, **signing, **observer}}
    result = helm.run("template", RELEASE, CHART, values=values, check=False)
    return result.returncode, result.stderr


@pytest.mark.parametrize("case", CASES)
def test_what_the_observer_refuses_helm_refuses_with_its_path(helm: Helm, tmp_path: Path, case: str) -> None:
    (chart, file), gate, by_helm, by_observer = CASES[case]
    assert by_observer in refusal(tmp_path, dict(file), gate)
    code, said = template(helm, dict(chart), {"gate": gate})
    assert code != 0
    assert by_helm in said


ACCEPTED: list[tuple[Values, Values]] = [
    ({"source": {"profileType": "process_cpu:samples:count::milliseconds"}}, {}),
    ({"source": {"kind": "parca", "profileType": DELTA}}, {}),
    *[({"source": {"profileType": f"a:b:{unit}:d:e"}}, {}) for unit in TIMES],
    ({"source": {"url": "https://pyroscope-1.shop.svc:65535/a_b/~c/"}}, {}),
    ({"source": {"url": "https://[fd00::5]"}}, {}),
    ({"source": {"matchers": {"cluster": "arn:aws:eks:eu-central-1:1:cluster/a_b.c", "_a": "x@y"}}}, {}),
    # Helm takes null for "no default", and the file for "no label".
    ({"source": {"labels": {"container": None}, "matchers": {"container": "cart"}}}, {}),
    ({"window": "24h", "refreshAfter": "1s"}, {}),
    ({"window": "008m09s"}, {}),
    ({"source": {"matchers": {"cluster": "1"}}}, {}),
    ({"environments": ["Staging"]}, {"overrides": {"production": {"minHotSymbolCount": 5}}}),
    ({}, {"evidenceEnvironments": ["canary"], "overrides": {"Production": {"evidenceEnvironments": ["Staging"]}}}),
]


@pytest.mark.parametrize(("observer", "gate"), ACCEPTED)
def test_what_the_observer_takes_helm_takes(helm: Helm, tmp_path: Path, observer: Values, gate: Values) -> None:
    code, said = template(helm, dict(observer), {"gate": gate})
    assert code == 0, said
    section = GATE["PolicyGates"]["ExecutionEvidence"] | gate
    source = {"kind": "pyroscope", "url": URL} | observer.get("source", {})
    path = configured(
        tmp_path, GATE | {"PolicyGates": {"ExecutionEvidence": section}}, **(observer | {"source": source})
    )
    open_source(load_observer_settings(path).file.source, tmp_path)


def test_the_patterns_are_the_file_s() -> None:
    source = SCHEMA["properties"]["observer"]["properties"]["source"]["properties"]
    label = written._LABEL
    assert source["profileType"]["pattern"] == written._PROFILE_TYPE
    assert source["matchers"]["additionalProperties"]["pattern"] == written._MATCHED
    assert source["matchers"]["propertyNames"]["pattern"] == label
    assert [source["labels"]["properties"][name]["pattern"] for name in ("namespace", "pod")] == [label, label]


@pytest.mark.parametrize(
    "publish", [{}, {"cluster": False, "registry": {"enabled": True, "dockerConfigSecret": "a"}}]
)
def test_who_may_not_read_pull_secrets_is_not_left_with_them_alone(helm: Helm, publish: Values) -> None:
    registry: Values = {"allow": ["registry.example.com/*"], "pullSecrets": True}
    code, said = template(helm, {"publish": publish}, {"registry": registry})
    assert code != 0
    assert "observer: it cannot read the pull secrets of pods; name a registry.dockerConfigSecret" in said
    code, said = template(helm, {"publish": publish}, {"registry": registry | {"dockerConfigSecret": "login"}})
    assert code == 0, said
