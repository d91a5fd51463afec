"""Which environments the API server asks about, and what holds while no webhook can be reached."""

from typing import Any

import pytest

from tests.charts.chart import CHART, RELEASE, Helm
from tests.charts.test_conditions import condition
from tests.charts.test_rendering import entries

GATE_OFF: dict[str, Any] = {"enabled": False, "missingEvidenceAction": "Block"}
GATE_WARNS: dict[str, Any] = {"enabled": True, "missingEvidenceAction": "Warn"}
BEACONS: dict[str, Any] = {"enabled": True, "missingBeaconAction": "Block"}


def at(*environments: str, **changes: Any) -> dict[str, Any]:
    return condition(environments=list(environments), **changes)


ARMED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"gate": GATE_OFF}, {}),
    ({"gate": GATE_OFF, "beaconRate": BEACONS | {"enabled": False}}, {}),
    ({"gate": GATE_OFF, "beaconRate": BEACONS | {"requiredEnvironments": []}}, {}),
    ({"beaconRate": BEACONS}, {"production": "Fail"}),
    ({"beaconRate": {"enabled": True}}, {"production": "Ignore"}),
    ({"beaconRate": BEACONS | {"requiredEnvironments": ["a", "b"]}}, {"a": "Fail", "b": "Fail"}),
    ({"conditions": None}, {}),
    # A condition blocks unless it says otherwise.
    ({"conditions": [at("canary")]}, {"canary": "Fail"}),
    ({"conditions": [at("canary", action="Block")]}, {"canary": "Fail"}),
    ({"conditions": [at("canary", action="Warn")]}, {"canary": "Ignore"}),
    (
        {"conditions": [at("canary", "test", action="Warn"), at("test", name="b")]},
        {"canary": "Ignore", "test": "Fail"},
    ),
    # A gate that is off or asks nothing of an environment does not block there.
    ({"gate": GATE_OFF, "conditions": [at("production", action="Warn")]}, {"production": "Ignore"}),
    (
        {"gate": {"enabled": True, "missingEvidenceAction": "Block"}, "conditions": [at("canary", action="Warn")]},
        {"production": "Fail", "canary": "Ignore"},
    ),
    ({"beaconRate": BEACONS, "conditions": [at("a", action="Warn")]}, {"production": "Fail", "a": "Ignore"}),
    (
        {"beaconRate": BEACONS | {"enabled": False}, "conditions": [at("production", action="Warn")]},
        {"production": "Ignore"},
    ),
    # Whatever blocks, wins.
    ({"gate": GATE_WARNS}, {"production": "Ignore"}),
    ({"gate": GATE_WARNS, "beaconRate": {"enabled": True}}, {"production": "Ignore"}),
    ({"gate": GATE_WARNS, "beaconRate": BEACONS}, {"production": "Fail"}),
    ({"gate": GATE_WARNS, "conditions": [at("production")]}, {"production": "Fail"}),
    ({"gate": GATE_WARNS, "conditions": [at("production", action="Warn")]}, {"production": "Ignore"}),
    # An environment stands once, in the order of gate, beaconRate, conditions.
    (
        {
            "gate": GATE_WARNS | {"requiredEnvironments": ["EU", "us"]},
            "beaconRate": {"enabled": True, "requiredEnvironments": ["us", "Asia"]},
            "conditions": [at("Asia", "EU", "Test")],
        },
        {"EU": "Fail", "us": "Ignore", "Asia": "Fail", "Test": "Fail"},
    ),
    # A name that is part of another one is another one.
    ({"gate": GATE_WARNS, "conditions": [at("prod")]}, {"production": "Ignore", "prod": "Fail"}),
    # An override of an environment in which the gate alone was on.
    (
        {"gate": GATE_WARNS | {"overrides": {"production": {"enabled": False}}}, "beaconRate": {"enabled": True}},
        {"production": "Ignore"},
    ),
]


@pytest.mark.parametrize(("values", "armed"), ARMED)
def test_every_environment_in_which_anything_is_at_work_is_registered(
    helm: Helm, values: dict[str, Any], armed: dict[str, str]
) -> None:
    found = entries(helm, **values)
    assert {name: entry["failurePolicy"] for name, entry in found.items()} == armed
    assert list(found) == list(armed)
    labels = [entry["namespaceSelector"]["matchLabels"]["stella.ops/environment"] for entry in found.values()]
    assert labels == list(armed)


@pytest.mark.parametrize(
    "values",
    [
        {"gate": {"enabled": True, "requiredEnvironments": ["canary"]}},
        {"beaconRate": {"enabled": True, "requiredEnvironments": ["canary"]}},
        {"conditions": [at("canary", action="Warn")]},
    ],
)
def test_a_failure_policy_can_be_set_for_whatever_is_registered(helm: Helm, values: dict[str, Any]) -> None:
    for policy in ("Fail", "Ignore"):
        found = entries(helm, **values, admission={"failurePolicies": {"Canary": policy}})
        assert found["canary"]["failurePolicy"] == policy


@pytest.mark.parametrize(
    "values",
    [
        {"gate": {"enabled": False}},
        {"beaconRate": {"enabled": False, "requiredEnvironments": ["production"]}},
    ],
)
def test_a_failure_policy_stays_valid_while_its_gate_is_off(helm: Helm, values: dict[str, Any]) -> None:
    assert entries(helm, **values, admission={"failurePolicies": {"production": "Ignore"}}) == {}


@pytest.mark.parametrize(
    "values", [{"beaconRate": {"enabled": True}}, {"conditions": [at("production", action="Warn")]}]
)
def test_the_environment_label_is_protected_whatever_is_at_work(helm: Helm, values: dict[str, Any]) -> None:
    rendered = helm.render(values=values | {"admission": {"protectEnvironmentLabel": True}})
    assert ("ValidatingAdmissionPolicy", f"{RELEASE}-environment-label") in rendered


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "nothing is registered"),
        ({"conditions": [at("canary")]}, "The gate is registered for: canary."),
        ({"beaconRate": {"enabled": True}}, "The gate is registered for: production."),
    ],
)
def test_the_notes_say_what_is_registered(helm: Helm, values: dict[str, Any], expected: str) -> None:
    assert expected in helm.run("install", RELEASE, CHART, "--dry-run=client", values=values).stdout


@pytest.mark.parametrize(
    "values",
    [
        {"gate": GATE_WARNS | {"requiredEnvironments": ["EU", "eu"]}},
        {"gate": GATE_WARNS, "beaconRate": BEACONS | {"requiredEnvironments": ["Production"]}},
        {"gate": GATE_WARNS, "conditions": [at("PRODUCTION")]},
    ],
)
def test_two_spellings_of_an_environment_are_refused(helm: Helm, values: dict[str, Any]) -> None:
    # The API server compares labels to the letter: a namespace with the other spelling would not be asked about.
    result = helm.run("template", RELEASE, CHART, values=values, check=False)
    assert result.returncode != 0
    assert "is spelt in two ways" in result.stderr
