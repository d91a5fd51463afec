"""The section `PolicyGates.BeaconRate` in a file, and what may not be called execution evidence."""

from pathlib import Path
from typing import Any

import pytest

from tests.settings.writing import refusal, written
from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.policy import Action
from webhook.settings.loading import load_settings


def document(**options: Any) -> dict[str, Any]:
    return {"PolicyGates": {"BeaconRate": options}}


def policy(file: Path) -> BeaconRatePolicy:
    return load_settings(file).file.policy_gates.beacon_rate


def test_the_gate_is_off_by_default(tmp_path: Path) -> None:
    assert policy(written(tmp_path, "")) == BeaconRatePolicy()
    assert not policy(written(tmp_path, "")).enabled


@pytest.mark.parametrize(
    "text",
    [
        "PolicyGates: {BeaconRate: {Enabled: true, MissingBeaconAction: Block, MinBeaconRate: 0.95}}",
        "policyGates: {beaconRate: {enabled: true, missingBeaconAction: Block, minBeaconRate: 0.95}}",
        '{"PolicyGates": {"BeaconRate": {"Enabled": true, "MissingBeaconAction": "Block", "MinBeaconRate": 0.950}}}',
    ],
)
def test_the_section_is_read_in_both_spellings_and_formats(text: str, tmp_path: Path) -> None:
    found = policy(written(tmp_path, text))
    assert (found.enabled, found.missing_beacon_action, found.minimum_text) == (True, Action.BLOCK, "0.95")


@pytest.mark.parametrize(
    ("text", "minimum"), [("1", "1"), ("0", "0"), ("1.0", "1"), ("5e-1", "0.5"), ("0.80", "0.8")]
)
def test_a_rate_is_any_number_from_0_to_1(text: str, minimum: str, tmp_path: Path) -> None:
    content = f'{{"PolicyGates": {{"BeaconRate": {{"MinBeaconRate": {text}}}}}}}'
    assert policy(written(tmp_path, content)).minimum_text == minimum


@pytest.mark.parametrize("value", ["0.8", "80%", True, None, 80, -0.1, 1.01, [], {}])
def test_a_rate_that_is_none_is_refused_by_its_name(value: Any, tmp_path: Path) -> None:
    (line,) = refusal(written(tmp_path, document(MinBeaconRate=value)))
    assert line.startswith("PolicyGates.BeaconRate.MinBeaconRate: ")


@pytest.mark.parametrize("text", [".nan", ".inf", "-.inf"])
def test_a_rate_that_is_no_number_is_refused(text: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path, f"PolicyGates: {{BeaconRate: {{MinBeaconRate: {text}}}}}"))


def test_an_unknown_option_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    (line,) = refusal(written(tmp_path, document(MinBeaconRates=0.8)))
    assert "MinBeaconRates" in line
    assert "did you mean 'MinBeaconRate'?" in line


@pytest.mark.parametrize(
    "predicate_type", ["stella.ops/beaconAttestation@v1", "https://stella.ops/beaconAttestation@v1"]
)
def test_beacons_cannot_be_made_execution_evidence(predicate_type: str, tmp_path: Path) -> None:
    types = ["stella.ops/executionEvidence@v1", predicate_type]
    (line,) = refusal(written(tmp_path, {"trust": {"predicateTypes": types}}))
    assert line.startswith("trust.predicateTypes[1]: ")
    assert "beacon attestations" in line
