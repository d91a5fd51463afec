"""The page of the beacon attestation against the code that it describes."""

import json
import re

import pytest

from tests.docs.console import ROOT
from tests.docs.tables import code, section
from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.beacon_rate import evaluate
from webhook.model.beacon import BEACON_PREDICATE_TYPES, BeaconAttestation
from webhook.model.gate import GateContext
from webhook.model.statement import Statement
from webhook.providers.beacon_rate_contract import CONTRACT

PAGE = (ROOT / "docs" / "contracts" / "beacon-attestation-v1.md").read_text("utf-8")


def test_the_page_lists_the_members_of_the_predicate() -> None:
    members = {field.alias: field.is_required() for field in BeaconAttestation.model_fields.values()}
    table = re.findall(r"^\| `(\w+)` \| \w+ \| (yes|no) \|", PAGE, re.MULTILINE)
    assert {name: required == "yes" for name, required in table} == members


@pytest.mark.parametrize("predicate_type", BEACON_PREDICATE_TYPES)
def test_the_page_knows_every_predicate_type(predicate_type: str) -> None:
    assert f"`{predicate_type}`" in PAGE


def test_the_reading_side_accepts_the_pages_statement() -> None:
    (text,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    found = Statement.parse(text.encode())
    assert found.predicate_type == BEACON_PREDICATE_TYPES[0]
    assert set(json.loads(text)["predicate"]) == {field.alias for field in BeaconAttestation.model_fields.values()}
    data = found.read_predicate(BeaconAttestation)
    assert (data.beacons_verified, data.beacons_expected) == (9, 10)


def test_the_page_names_every_key() -> None:
    told = set(code(section(PAGE, "## What can be asked about it")))
    assert set(CONTRACT.checks[0].result_schema["properties"]) <= told


@pytest.mark.parametrize(
    ("section", "environment", "counts"),
    [
        ({}, "production", (9, 10)),
        ({}, "production", (7, 10)),
        ({}, "production", None),
        ({"MissingBeaconAction": "Block"}, "production", None),
        ({}, "staging", None),
        ({"Enabled": False}, "production", None),
    ],
)
def test_the_page_has_every_message(
    section: dict[str, object], environment: str, counts: tuple[int, int] | None
) -> None:
    metadata = {"has_beacon_data": "false"}
    if counts is not None:
        verified, expected = map(str, counts)
        metadata = {"has_beacon_data": "true", "beacon_verified_count": verified, "beacon_expected_count": expected}
    policy = BeaconRatePolicy.model_validate({"Enabled": True, **section})
    result = evaluate(policy, GateContext(environment, metadata))
    assert f"| {result.result} | `{result.message}` |" in PAGE
