"""Two kinds of statement, one way to each: by the predicate type alone (CVE-2022-35930, CVE-2022-35929)."""

import json
from typing import Any

import pytest

from tests.support.envelopes import bundle, dump, envelope
from tests.support.keys import ed25519_key
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
from tests.support.verdicts import MALFORMED, MISSING, UNTRUSTED, VERIFIED, reason_of, trusting, verdict
from webhook.model.beacon import BeaconAttestation
from webhook.model.evidence import Lane
from webhook.model.statement import ExecutionEvidence
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.verify import open_assertion, open_envelope, verify

SIGNER, STRANGER = ed25519_key(), ed25519_key("stranger")
POLICY = trusting(SIGNER)
BOTH: dict[str, Any] = predicate() | beacons()
"""A predicate that follows both contracts at once."""


def _signed(body: bytes) -> bytes:
    return dump(envelope(body, [SIGNER]))


@pytest.mark.parametrize("wrap", [dict, bundle], ids=["envelope", "bundle"])
@pytest.mark.parametrize("predicate_type", [BEACON_TYPE, "https://stella.ops/beaconAttestation@v1"])
def test_beacon_attestation_is_verified(predicate_type: str, wrap: type[dict[str, object]]) -> None:
    body = statement(predicateType=predicate_type, predicate=beacons())
    found = verify(dump(wrap(envelope(body, [SIGNER]))), IMAGE, REPOSITORY, POLICY)
    assert isinstance(found.evidence, BeaconAttestation)
    assert (found.evidence.beacons_verified, found.evidence.beacons_expected) == (9, 10)
    assert (found.signers, found.lane) == (("staging",), Lane.VERIFIED)


@pytest.mark.parametrize(
    "predicate_type",
    [
        "stella.ops/beaconAttestation@v2",
        "stella.ops/beaconAttestation@v1 ",
        "stella.ops/beaconAttestation@v1/",
        "stella.ops/beaconattestation@v1",
        "Stella.ops/beaconAttestation@v1",
        "http://stella.ops/beaconAttestation@v1",
        "https://stella.ops/beaconAttestation@v1/",
        "stella.ops/beaconAttestation",
    ],
)
def test_predicate_type_is_compared_exactly(predicate_type: str) -> None:
    assert verdict(_signed(statement(predicateType=predicate_type, predicate=BOTH)), POLICY) == MISSING


@pytest.mark.parametrize(
    ("predicate_type", "kind"), [(BEACON_TYPE, BeaconAttestation), (PREDICATE_TYPE, ExecutionEvidence)]
)
def test_type_alone_says_what_a_predicate_is_read_as(predicate_type: str, kind: type[object]) -> None:
    raw = _signed(statement(predicateType=predicate_type, predicate=BOTH))
    assert type(verify(raw, IMAGE, REPOSITORY, POLICY).evidence) is kind
    assert open_envelope(raw, POLICY).kind is kind
    assert open_assertion(raw, POLICY).kind is kind


@pytest.mark.parametrize(("predicate_type", "members"), [(BEACON_TYPE, predicate()), (PREDICATE_TYPE, beacons())])
def test_predicate_of_the_other_kind_is_malformed(predicate_type: str, members: dict[str, Any]) -> None:
    raw = _signed(statement(predicateType=predicate_type, predicate=members))
    assert verdict(raw, POLICY) == MALFORMED
    assert reason_of(lambda: open_assertion(raw, POLICY).about(IMAGE, None)) == MALFORMED


def test_kind_of_a_malformed_statement_is_known() -> None:
    assert open_envelope(_signed(beacon_statement(beaconsExpected=-1)), POLICY).kind is BeaconAttestation


@pytest.mark.parametrize("types", [frozenset[str](), frozenset({"x"}), frozenset({BEACON_TYPE, PREDICATE_TYPE})])
def test_configured_types_of_execution_evidence_never_change_what_beacons_are(types: frozenset[str]) -> None:
    policy = TrustPolicy(POLICY.keys, predicate_types=types)
    raw = _signed(statement(predicateType=BEACON_TYPE, predicate=BOTH))
    assert type(verify(raw, IMAGE, REPOSITORY, policy).evidence) is BeaconAttestation
    assert (verdict(_signed(statement()), policy) == VERIFIED) is (PREDICATE_TYPE in types)


def test_types_of_all_statements_are_those_of_both_kinds() -> None:
    both = {BEACON_TYPE, "https://stella.ops/beaconAttestation@v1"}
    assert TrustPolicy(predicate_types=frozenset({"mine"})).statement_types == {"mine", *both}


# Two faults each, as for the first kind: the one of the earlier step speaks.
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (dump(envelope(beacon_statement(), [])), UNTRUSTED),
        (dump(envelope(beacon_statement(), [STRANGER])), UNTRUSTED),
        (dump(envelope(beacon_statement(beaconsVerified=11), [STRANGER])), UNTRUSTED),
        (_signed(beacon_statement(subjects=[OTHER_IMAGE])), MISSING),
        (_signed(beacon_statement(subjects=[OTHER_IMAGE], beaconsVerified=11)), MISSING),
        (_signed(beacon_statement(beaconsVerified=11)), MALFORMED),
        (_signed(beacon_statement()), VERIFIED),
    ],
)
def test_beacons_are_verified_by_the_same_steps(raw: bytes, expected: str) -> None:
    assert verdict(raw, POLICY) == expected


def test_bounds_of_a_key_hold_for_beacons_too() -> None:
    bound = TrustPolicy((TrustedKey("qa", POLICY.keys[0].key, environments=frozenset({"qa"})),))
    assert verdict(_signed(beacon_statement()), bound) == UNTRUSTED
    assert verdict(_signed(beacon_statement(environment="qa")), bound) == VERIFIED


def test_payload_that_was_signed_as_the_other_kind_is_untrusted() -> None:
    """The type is under the signature: swapping it is tampering."""
    raw = envelope(statement(predicateType=BEACON_TYPE, predicate=BOTH), [SIGNER])
    swapped = envelope(statement(predicateType=PREDICATE_TYPE, predicate=BOTH), [])
    assert verdict(json.dumps(raw | {"payload": swapped["payload"]}).encode(), POLICY) == UNTRUSTED
