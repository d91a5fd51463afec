from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.observer.watching import GATE, OBSERVER, configured
from webhook.errors import ConfigurationError
from webhook.observer.settings import ObserverSettings, load_observer_settings

KEYLESS = {"keyless": {"identityTokenFile": "token"}}


def loaded(folder: Path, gate: dict[str, Any] = GATE, **changes: Any) -> ObserverSettings:
    return load_observer_settings(configured(folder, gate, **changes))


def policy(**options: Any) -> dict[str, Any]:
    return GATE | {"PolicyGates": {"ExecutionEvidence": options}}


def test_the_defaults(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    file = settings.file
    assert (file.environments, file.environment_label) == (("staging",), "stella.ops/environment")
    assert (file.namespaces, file.excluded_namespaces) == (None, ())
    assert (file.window, file.timeout_seconds, file.multi_platform) == (timedelta(hours=1), 600, True)
    assert (file.publish.cluster, file.publish.registry) == (True, None)
    assert settings.gate.path == tmp_path / "config.yaml"


AGES: list[tuple[dict[str, Any], str | None, timedelta]] = [
    ({}, None, timedelta(hours=24)),
    ({"MaxEvidenceAge": "720h"}, None, timedelta(hours=24)),
    ({"MaxEvidenceAge": "10h"}, None, timedelta(hours=5)),
    # The shortest of any environment that requires evidence.
    ({"Overrides": {"production": {"MaxEvidenceAge": "4h"}}}, None, timedelta(hours=2)),
    ({"Overrides": {"elsewhere": {"MaxEvidenceAge": "4h"}}}, None, timedelta(hours=24)),
    ({"MaxEvidenceAge": "10h"}, "9h", timedelta(hours=9)),
]


@pytest.mark.parametrize(("options", "refresh", "expected"), AGES)
def test_evidence_is_made_anew_at_half_of_its_life(
    tmp_path: Path, options: dict[str, Any], refresh: str | None, expected: timedelta
) -> None:
    changes = {} if refresh is None else {"refreshAfter": refresh}
    assert loaded(tmp_path, policy(**options), **changes).refresh_after == expected


def test_evidence_is_for_whoever_requires_it_and_takes_it_from_there(tmp_path: Path) -> None:
    gate = policy(
        RequiredEnvironments=["production", "canary", "production"],
        EvidenceEnvironments=["Staging"],
        Overrides={"canary": {"EvidenceEnvironments": ["integration"]}},
    )
    settings = loaded(tmp_path, gate, environments=["staging", "integration"])
    assert settings.targets("staging") == ("production",)
    assert settings.targets("integration") == ("canary",)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"enviroments": ["staging"]}, "enviroments: unknown key, did you mean 'environments'?"),
    ({"source": OBSERVER["source"] | {"knd": "parca"}}, "source.knd: unknown key, did you mean 'kind'?"),
    ({"environments": []}, "environments: name at least one"),
    ({"environments": ["sta ging"]}, "environments[0]: an environment's name has"),
    (
        {"environments": ["development"]},
        "takes it from 'development'; see RequiredEnvironments and EvidenceEnvironments",
    ),
    ({"environmentLabel": "a b"}, "environmentLabel: "),
    ({"namespaces": ["Shop"]}, "namespaces[0]: "),
    ({"namespaces": []}, "namespaces: "),
    ({"window": "25h"}, "window: write a duration from 1m to 24h"),
    ({"window": "30s"}, "window: write a duration from 1m to 24h"),
    ({"window": 3600}, "window: write a duration such as"),
    ({"refreshAfter": "0s"}, "refreshAfter: write a duration above 0s"),
    ({"timeoutSeconds": 5}, "timeoutSeconds: "),
    ({"timeoutSeconds": "600"}, "timeoutSeconds: "),
    ({"multiPlatform": "no"}, "multiPlatform: "),
    ({"signing": {}}, "signing: name `keyFile` or `keyless`, one of both"),
    ({"signing": {"keyFile": "a", **KEYLESS}}, "signing: name `keyFile` or `keyless`, one of both"),
    ({"signing": {**KEYLESS, "passphraseFile": "a"}}, "signing: `passphraseFile` opens a `keyFile`; leave it out"),
    ({"publish": {"cluster": False}}, "publish: evidence that goes nowhere helps nobody"),
    ({"publish": {"registry": {}}}, "publish.registry: "),
    ({"publish": {"registry": {"layout": "tag"}}}, "publish.registry.layout: "),
    (
        {"publish": {"registry": {"layout": "cosign"}}, "signing": KEYLESS},
        "the file: `publish.registry.layout: cosign` has no room for a certificate; take `referrer`",
    ),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_mistake_is_refused_with_its_place(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, **changes)
    assert str(caught.value).startswith(f"{tmp_path / 'observer.yaml'}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("missing", ["source", "signing"])
def test_what_nobody_can_guess_must_be_said(tmp_path: Path, missing: str) -> None:
    file = configured(tmp_path)
    content = {name: value for name, value in OBSERVER.items() if name != missing}
    file.write_text(str(content).replace("'", '"'))
    with pytest.raises(ConfigurationError, match=missing):
        load_observer_settings(file)


def test_evidence_that_the_gate_would_not_look_for_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"publish\.cluster: .*config\.yaml has no stores\.cluster"):
        loaded(tmp_path, GATE | {"stores": {"directory": {"path": "evidence"}}})


def test_a_mistake_of_the_gate_s_file_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.yaml: PolicyGates"):
        loaded(tmp_path, policy(MinHotSymbols=1))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read"):
        load_observer_settings(tmp_path / "none.yaml")
