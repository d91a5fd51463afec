"""The provider `beacon-rate`: the same way as for execution evidence, and never a way into it."""

from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from tests.providers import asking
from tests.providers.asking import NOW, STAGING, STRANGER, Shelf, Trusted, candidate, context, signed
from tests.support.envelopes import dump, envelope
from tests.support.json_schema import accepts
from tests.support.keys import Signer
from tests.support.statements import (
    BEACON_TYPE,
    IMAGE,
    OTHER_IMAGE,
    PREDICATE_TYPE,
    REPOSITORY,
    beacon_statement,
    beacons,
    predicate,
    statement,
)
from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.model.evidence import EvidenceQuery, EvidenceResult, Lane
from webhook.providers.beacon_rate import BeaconRateProvider
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.providers.opening import EnvelopeOpener
from webhook.server.providers import build_providers
from webhook.settings.loading import Settings
from webhook.stores.protocol import Candidate

SUFFICIENT, INSUFFICIENT, MISSING = "BeaconRateSufficient", "BeaconRateInsufficient", "BeaconDataMissing"
PARAMS = {"image_digest": IMAGE, "repository": REPOSITORY, "environment": "production"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return asking.configured(tmp_path)


def sent(*signers: Signer, uri: str = "shelf:beacons", subjects: Any = (IMAGE,), **changes: Any) -> Candidate:
    """A beacon attestation."""
    return candidate(dump(envelope(beacon_statement(subjects=subjects, **changes), signers)), uri)


async def ask(settings: Settings, *candidates: Candidate, check: str = "metadata", **params: Any) -> EvidenceResult:
    provider = BeaconRateProvider(settings, [Shelf(*candidates)])
    return await provider.query(EvidenceQuery("beacon-rate", check, PARAMS | params), context())


async def told(settings: Settings, *candidates: Candidate) -> dict[str, str]:
    return asking.told(await ask(settings, *candidates))


async def reason(settings: Settings, *candidates: Candidate) -> str:
    metadata = await told(settings, *candidates)
    counts = metadata["beacon_reason"] in {SUFFICIENT, INSUFFICIENT}
    assert metadata["has_beacon_data"] == ("true" if counts else "false")
    assert accepts(BeaconRateProvider(settings, []).contract.checks[0].result_schema, metadata)
    return metadata["beacon_reason"]


async def test_data_that_counts_is_told_as_gate_metadata(settings: Settings) -> None:
    metadata = await told(settings, sent(STAGING))
    assert metadata.pop("beacon_detail") == (
        "beacons verified: 9 of 10 in shelf:beacons, signed by staging, "
        "observed in 'staging' until 2026-11-24T06:00:00Z"
    )
    assert metadata == {
        "has_beacon_data": "true",
        "beacon_expected_count": "10",
        "beacon_verified_count": "9",
        "beacon_reason": SUFFICIENT,
        "beacon_environment": "staging",
        "beacon_observed_until": "2026-11-24T06:00:00Z",
        "beacon_signer": "staging",
    }


async def test_the_result_around_the_value_is_as_for_execution_evidence(settings: Settings) -> None:
    result = (await ask(settings, sent(STAGING))).to_json()
    assert result["value"]["kind"] == "json"
    assert result["evidence_hash"]["value"] == sha256(rfc8785.dumps(result["value"]["value"])).hexdigest()
    assert result["evidence_ref"] == {"uri": "shelf:beacons"}
    assert result["evidence_anchor"] == {"anchor_type": "image_digest", "anchor_value": IMAGE}
    assert (result["lane"], result["error"], result["content_type"]) == ("verified", None, "application/json")


async def test_nothing_found_is_an_answer_and_no_error(settings: Settings) -> None:
    result = await ask(settings)
    assert asking.told(result) == {
        "has_beacon_data": "false",
        "beacon_reason": MISSING,
        "beacon_detail": "no statement about this digest",
    }
    assert (result.lane, result.evidence_ref) == (Lane.ASSERTED, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, SUFFICIENT),
        ({"beaconsVerified": 8}, SUFFICIENT),
        ({"beaconsVerified": 7}, INSUFFICIENT),
        ({"beaconsVerified": 0}, INSUFFICIENT),
        ({"beaconsExpected": 0, "beaconsVerified": 0}, MISSING),
        ({"beaconsVerified": 11}, "EvidenceMalformed"),
        ({"beaconsVerified": "9"}, "EvidenceMalformed"),
        ({"environment": "qa"}, "EvidenceFromOtherEnvironment"),
        ({"environment": "Staging"}, SUFFICIENT),
        ({"observedUntil": "2026-11-24T07:06:00Z"}, "EvidenceMalformed"),
        ({"subjects": [OTHER_IMAGE]}, MISSING),
    ],
)
async def test_each_reason_has_its_code(changes: dict[str, Any], expected: str, settings: Settings) -> None:
    assert await reason(settings, sent(STAGING, **changes)) == expected


async def test_untrusted_and_unsigned_data_is_no_data(settings: Settings) -> None:
    assert await reason(settings, sent(STRANGER)) == "EvidenceUntrusted"
    assert await reason(settings, sent()) == "EvidenceUntrusted"


# Whose beacons count, how old and in which lane: the first gate's options for the target environment.
@pytest.mark.parametrize(
    ("section", "evidence", "expected"),
    [
        ({"EvidenceEnvironments": ["qa"]}, sent(STAGING, environment="qa"), SUFFICIENT),
        ({"EvidenceEnvironments": ["qa"]}, sent(STAGING), "EvidenceFromOtherEnvironment"),
        ({"MaxEvidenceAge": "1h"}, sent(STAGING), SUFFICIENT),
        ({"MaxEvidenceAge": "59m59s"}, sent(STAGING), "EvidenceStale"),
        ({"MinLane": "Asserted"}, sent(STRANGER), SUFFICIENT),
        ({"Overrides": {"production": {"MaxEvidenceAge": "1m"}}}, sent(STAGING), "EvidenceStale"),
        ({"Overrides": {"dr": {"MaxEvidenceAge": "1m"}}}, sent(STAGING), SUFFICIENT),
        ({"Enabled": False, "MaxEvidenceAge": "1m"}, sent(STAGING), "EvidenceStale"),
        ({"MinHotSymbolCount": 2**63 - 1}, sent(STAGING), SUFFICIENT),
    ],
)
async def test_rules_about_evidence_hold_for_beacons(
    section: dict[str, Any], evidence: Candidate, expected: str, tmp_path: Path
) -> None:
    settings = asking.configured(tmp_path, **section)
    result = await ask(settings, evidence)
    assert asking.told(result)["beacon_reason"] == expected
    if section.get("MinLane"):
        assert result.lane is Lane.ASSERTED


async def test_bounds_of_keys_hold_for_beacons(tmp_path: Path) -> None:
    bound = asking.configured(tmp_path, Trusted(STAGING, environments=["qa"]))
    assert await reason(bound, sent(STAGING)) == "EvidenceUntrusted"
    elsewhere = asking.configured(tmp_path, Trusted(STAGING, repositories=["registry.example.com/other/*"]))
    assert await reason(elsewhere, sent(STAGING)) == "EvidenceUntrusted"


async def test_what_cannot_be_found_out_is_an_error(settings: Settings) -> None:
    shelf = Shelf(sent(STAGING, beaconsVerified=0))
    shelf.problem = "store shelf: it answers 429"
    asked = BeaconRateProvider(settings, [shelf])
    result = await asked.query(EvidenceQuery("beacon-rate", "metadata", PARAMS), context())
    assert result.error is not None
    assert (result.error.code, result.value) == ("evidence_unavailable", None)


@pytest.mark.parametrize("check", ["has_evidence", "hot_symbol_count", "observed_at", "", "Metadata"])
async def test_checks_of_execution_evidence_are_not_answered(check: str, settings: Settings) -> None:
    result = await ask(settings, sent(STAGING), check=check)
    assert result.error is not None
    assert result.error.code == "check_missing"


# CVE-2022-35930: a validly signed statement of one type passed for another. Both directions, in both lanes.
BOTH: dict[str, Any] = predicate() | beacons()
AS_BEACONS = candidate(dump(envelope(statement(predicateType=BEACON_TYPE, predicate=BOTH), [STAGING])))
AS_EXECUTION = candidate(dump(envelope(statement(predicateType=PREDICATE_TYPE, predicate=BOTH), [STAGING])))


@pytest.mark.parametrize("lane", ["Verified", "Asserted"])
async def test_beacons_are_never_execution_evidence(lane: str, tmp_path: Path) -> None:
    settings = asking.configured(tmp_path, MinLane=lane)
    found = await asking.ask(asking.provider(settings, Shelf(AS_BEACONS)))
    assert asking.reason(found) == "EvidenceMissing"
    assert "a statement of another predicate type" in asking.told(found)["execution_evidence_detail"]
    assert asking.reason(await asking.ask(asking.provider(settings, Shelf(AS_EXECUTION)))) == "EvidenceSufficient"


@pytest.mark.parametrize("lane", ["Verified", "Asserted"])
async def test_execution_evidence_is_never_beacon_data(lane: str, tmp_path: Path) -> None:
    settings = asking.configured(tmp_path, MinLane=lane)
    metadata = await told(settings, AS_EXECUTION)
    assert (metadata["has_beacon_data"], metadata["beacon_reason"]) == ("false", MISSING)
    assert "a statement of another predicate type" in metadata["beacon_detail"]
    assert await reason(settings, AS_BEACONS) == SUFFICIENT


async def test_malformed_statement_of_the_other_kind_is_not_called_malformed(settings: Settings) -> None:
    broken = sent(STAGING, beaconsVerified=11)
    assert asking.reason(await asking.ask(asking.provider(settings, Shelf(broken)))) == "EvidenceMissing"
    assert await reason(settings, signed(STAGING, hotSymbolCount=-1)) == MISSING


@pytest.mark.parametrize("order", [1, -1])
async def test_statements_of_both_kinds_do_not_get_into_each_others_way(order: int, settings: Settings) -> None:
    shelf = Shelf(*[signed(STAGING), sent(STAGING)][::order])
    providers = build_providers(settings, [shelf])
    for name, key, expected in (
        ("execution-evidence", "execution_evidence_reason", "EvidenceSufficient"),
        ("beacon-rate", "beacon_reason", SUFFICIENT),
    ):
        result = await providers[name].query(EvidenceQuery(name, "metadata", PARAMS), context())
        assert asking.told(result)[key] == expected


async def test_providers_of_one_snapshot_open_an_envelope_once(settings: Settings) -> None:
    opener = EnvelopeOpener(settings.trust)
    shelf = Shelf(signed(STAGING), sent(STAGING))
    for provider in (
        ExecutionEvidenceProvider(settings, [shelf], opener),
        BeaconRateProvider(settings, [shelf], opener),
    ):
        await provider.query(EvidenceQuery(provider.provider_id, "metadata", PARAMS), context())
    assert len(opener._opened) == 2
    built = build_providers(settings, [shelf])
    assert len({id(vars(built[name])["_opener"]) for name in ("execution-evidence", "beacon-rate")}) == 1


async def test_an_answer_at_hand_is_given_again_as_it_is(settings: Settings) -> None:
    provider = BeaconRateProvider(settings, [Shelf(sent(STAGING))])
    query = EvidenceQuery("beacon-rate", "metadata", PARAMS)
    first, second = [await provider.query(query, context()) for _ in range(2)]
    assert first is second
    later = await provider.query(query, context(NOW + timedelta(days=3650)))
    assert later == first


async def test_the_minimum_is_the_sections(tmp_path: Path) -> None:
    settings = asking.configured(tmp_path)
    strict = settings.file.policy_gates.model_copy(
        update={"beacon_rate": BeaconRatePolicy.model_validate({"MinBeaconRate": 0.9})}
    )
    file = settings.file.model_copy(update={"policy_gates": strict})
    object.__setattr__(settings, "file", file)
    assert await reason(settings, sent(STAGING)) == SUFFICIENT
    assert await reason(settings, sent(STAGING, beaconsVerified=8)) == INSUFFICIENT
