"""What may stand in the section `source`, and what is said of the rest."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from webhook.observer.sources.settings import SourceSettings

USUAL = {"kind": "pyroscope", "url": "https://pyroscope.monitoring.svc:4040"}
LOGIN = {"username": "u", "passwordFile": "password"}

ACCEPTED: dict[str, dict[str, Any]] = {
    "the least": {},
    "parca": {"kind": "parca", "url": "https://parca.example.com/monitoring/parca"},
    "plain": {"url": "http://10.0.0.1:4040", "insecure": True},
    "an IPv6 address": {"url": "https://[::1]:4040"},
    "a type": {"profileType": "wall:wall:nanoseconds:wall:nanoseconds"},
    "a type without a period": {"profileType": "process_cpu:samples:count::milliseconds"},
    "a delta": {"kind": "parca", "profileType": "process_cpu:samples:count:cpu:nanoseconds:delta"},
    "a tenant": {"tenant": "team-a"},
    "a token": {"tokenFile": "token"},
    "a login": {"basicAuth": LOGIN},
    "labels": {"labels": {"namespace": "k8s_namespace_name", "pod": "k8s_pod_name", "container": None}},
    "matchers": {"matchers": {"cluster": "staging", "_a": "arn:aws:eks:eu-central-1:0123456789:cluster/shop_1.a"}},
    "many": {"matchers": {f"a{number}": "x" for number in range(16)}},
    "a container's label where there is none": {"labels": {"container": None}, "matchers": {"container": "cart"}},
    "patience": {"timeoutSeconds": 300},
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_it_may_stand_there(case: str) -> None:
    SourceSettings.model_validate(USUAL | ACCEPTED[case])


def test_a_slash_at_the_end_means_nothing() -> None:
    settings = SourceSettings.model_validate(USUAL | {"url": "https://p.example.com/x/"})
    assert settings.url == "https://p.example.com/x"


URL = "write `https://HOST"
PATTERN = "String should match pattern"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": ({"kind": "tempo"}, "'pyroscope' or 'parca'"),
    "no URL": ({"url": "pyroscope:4040"}, URL),
    "another scheme": ({"url": "grpc://pyroscope:4040"}, URL),
    "capitals": ({"url": "https://Pyroscope:4040"}, URL),
    "a user": ({"url": "https://u:p@pyroscope:4040"}, URL),
    "a query": ({"url": "https://pyroscope:4040/?x=1"}, URL),
    "a fragment": ({"url": "https://pyroscope:4040#x"}, URL),
    "an escape": ({"url": "https://pyroscope:4040/%2e%2e"}, URL),
    "a port that is none": ({"url": "https://pyroscope:99999"}, URL),
    "a long one": ({"url": f"https://pyroscope/{'x' * 500}"}, URL),
    "plain by accident": ({"url": "http://pyroscope:4040"}, "`http://` and `insecure: true` go together"),
    "plain in vain": ({"insecure": True}, "`http://` and `insecure: true` go together"),
    "a token for everybody": (
        {"url": "http://p", "insecure": True, "tokenFile": "token"},
        "a password or token is not sent, and no certificate asked for, over `http://`",
    ),
    "a password for everybody": (
        {"url": "http://p", "insecure": True, "basicAuth": LOGIN},
        "a password or token is not sent",
    ),
    "a certificate in vain": ({"url": "http://p", "insecure": True, "caFile": "ca"}, "no certificate asked for"),
    "two logins": ({"tokenFile": "token", "basicAuth": LOGIN}, "set `tokenFile` or `basicAuth`, not both"),
    "Parca's tenant": ({"kind": "parca", "tenant": "x"}, "Parca knows no `tenant`; leave it out"),
    "Pyroscope's delta": (
        {"profileType": "process_cpu:samples:count:cpu:nanoseconds:delta"},
        "Pyroscope's profile types have five parts, and no `:delta`",
    ),
    "four parts": ({"profileType": "a:b:c:d"}, PATTERN),
    "a selector in the type": ({"profileType": 'a:b:count:d:e{pod="x"}'}, PATTERN),
    "a line in the type": ({"profileType": "a:b:count:d:e\n"}, PATTERN),
    "a label that is none": ({"labels": {"pod": 'x="y",pod'}}, PATTERN),
    "a label with a line": ({"labels": {"pod": "x\n"}}, PATTERN),
    "no label for pods": ({"labels": {"pod": None}}, "valid string"),
    "a matcher that says more": ({"matchers": {"cluster": 'a",pod=~".*'}}, PATTERN),
    "an escape in a matcher": ({"matchers": {"cluster": "a\\"}}, PATTERN),
    "a matcher with a line": ({"matchers": {"cluster": "a\n"}}, PATTERN),
    "an expression": ({"matchers": {"cluster": "stag.*"}}, PATTERN),
    "a matcher for nothing": ({"matchers": {"cluster": ""}}, PATTERN),
    "a long matcher": ({"matchers": {"cluster": "a" * 254}}, PATTERN),
    "a number as a matcher": ({"matchers": {"cluster": 1}}, "valid string"),
    "a matcher of no label": ({"matchers": {'a="b",c': "staging"}}, PATTERN),
    "a matcher of a label with a line": ({"matchers": {"a\n": "staging"}}, PATTERN),
    "many matchers": ({"matchers": {f"a{number}": "x" for number in range(17)}}, "at most 16 items"),
    "another pod": ({"matchers": {"pod": "cart-0"}}, "`matchers` names the label 'pod', which `labels` has already"),
    "another namespace": (
        {"labels": {"namespace": "ns"}, "matchers": {"ns": "shop"}},
        "`matchers` names the label 'ns', which `labels` has already",
    ),
    "another container": ({"matchers": {"container": "a"}}, "which `labels` has already"),
    "a tenant with a line": ({"tenant": "x\r\nA: b"}, PATTERN),
    "two tenants": ({"tenant": "a|b"}, PATTERN),
    "a user with a colon": ({"basicAuth": LOGIN | {"username": "a:b"}}, PATTERN),
    "no patience": ({"timeoutSeconds": 0}, "greater than 0"),
    "too much of it": ({"timeoutSeconds": 301}, "less than or equal to 300"),
    "a key that is none": ({"profiletype": "x"}, "Extra inputs are not permitted"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_may_not_stand_there(case: str) -> None:
    changes, said = REFUSED[case]
    with pytest.raises(ValidationError) as caught:
        SourceSettings.model_validate(USUAL | changes)
    assert said in str(caught.value)


def test_the_files_that_it_names_are_told() -> None:
    settings = SourceSettings.model_validate(USUAL | {"caFile": "ca", "tokenFile": "token"})
    assert list(settings.files()) == [Path("ca"), Path("token")]
    settings = SourceSettings.model_validate(USUAL | {"basicAuth": LOGIN})
    assert list(settings.files()) == [Path("password")]
