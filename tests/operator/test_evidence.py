import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.simulators.sigstore import Sigstore
from tests.support.envelopes import bundle, envelope
from tests.support.identities import believing, identity
from tests.support.keys import Signer, ecdsa, ed25519_key
from tests.support.statements import IMAGE, OTHER_IMAGE, beacon_statement, predicate, statement
from webhook.model.pattern import RepositoryPattern
from webhook.operator.evidence import Finding, examine, expired, status_of
from webhook.trust.keys import PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SIGNER = ecdsa()
STRANGER = ed25519_key("stranger")
POLICY = TrustPolicy((TrustedKey("staging", PublicKey.from_pem(SIGNER.pem)),))


def resource(signer: Signer = SIGNER, body: bytes | None = None, **status: Any) -> dict[str, Any]:
    metadata = {"name": "cart", "generation": 3, "creationTimestamp": "2026-11-24T07:00:00Z"}
    spec = {"envelope": envelope(body or statement(), [signer])}
    return {"metadata": metadata, "spec": spec} | ({"status": status} if status else {})


def status(obj: dict[str, Any], policy: TrustPolicy = POLICY) -> dict[str, Any]:
    written = status_of(obj, examine(obj, policy), NOW)
    assert written is not None
    return written


def test_a_verified_object_tells_who_where_what_and_when() -> None:
    body = statement(subjects=[IMAGE, OTHER_IMAGE])
    assert status(resource(body=body)) == {
        "conditions": [
            {
                "type": "Verified",
                "status": "True",
                "observedGeneration": 3,
                "lastTransitionTime": "2026-11-24T08:00:00Z",
                "reason": "SignedByTrustedKeys",
                "message": "Signed by staging.",
            }
        ],
        "signer": "staging",
        "environment": "staging",
        "hotSymbolCount": 42,
        "uniqueCallPaths": 17,
        "observedAt": "2026-11-24T06:00:00Z",
        "subjects": sorted([IMAGE, OTHER_IMAGE]),
    }


def test_a_bundle_is_read_as_an_envelope_is() -> None:
    text = json.dumps(bundle(envelope(statement(), [SIGNER])))
    assert examine(resource() | {"spec": {"bundle": text}}, POLICY).reason == "SignedByTrustedKeys"


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        pytest.param(resource(STRANGER), "EvidenceUntrusted", id="another key"),
        pytest.param(resource() | {"spec": {}}, "EvidenceMalformed", id="empty"),
        pytest.param(resource() | {"spec": None}, "EvidenceMalformed", id="no spec"),
        pytest.param(resource() | {"spec": {"bundle": "{"}}, "EvidenceMalformed", id="no JSON"),
        pytest.param(resource(body=statement(predicateType="other")), "EvidenceMissing", id="another type"),
        pytest.param(resource(body=statement(subjects=["sha512:00"])), "EvidenceMalformed", id="no sha256"),
        pytest.param(
            resource(body=statement(predicate=predicate(hotSymbolCount=-1))), "EvidenceMalformed", id="negative count"
        ),
    ],
)
def test_what_does_not_verify_says_why_and_shows_no_claims(obj: dict[str, Any], reason: str) -> None:
    written = status(obj)
    condition = written.pop("conditions")[0]
    assert (condition["status"], condition["reason"]) == ("False", reason)
    assert condition["message"].endswith(".")
    assert set(written.values()) == {None}


def test_beacon_data_is_verified_and_shows_no_counts_of_execution_evidence() -> None:
    written = status(resource(body=beacon_statement()))
    condition = written.pop("conditions")[0]
    assert (condition["status"], condition["reason"]) == ("True", "SignedByTrustedKeys")
    assert condition["message"] == "Signed by staging; beacon data, 9 of 10 verified."
    assert written == {
        "signer": "staging",
        "environment": "staging",
        "hotSymbolCount": None,
        "uniqueCallPaths": None,
        "observedAt": "2026-11-24T06:00:00Z",
        "subjects": [IMAGE],
    }


def test_beacon_data_that_breaks_its_contract_is_malformed() -> None:
    assert examine(resource(body=beacon_statement(beaconsVerified=11)), POLICY).reason == "EvidenceMalformed"


def test_a_key_bound_to_repositories_verifies_and_the_message_says_so() -> None:
    patterns = (RepositoryPattern.parse("registry.example.com/shop/*"),)
    key = TrustedKey("staging", PublicKey.from_pem(SIGNER.pem), None, patterns)
    finding = examine(resource(), TrustPolicy((key,)))
    assert finding.statement is not None
    assert finding.message == "Signed by staging; counts only for images of the repositories in trust.keys."


def test_a_key_bound_to_another_environment_does_not_verify() -> None:
    key = TrustedKey("staging", PublicKey.from_pem(SIGNER.pem), frozenset({"qa"}))
    assert examine(resource(), TrustPolicy((key,))).reason == "EvidenceUntrusted"


def test_a_status_that_says_it_all_is_not_written_again() -> None:
    obj = resource()
    later = obj | {"status": status(obj)}
    assert status_of(later, examine(later, POLICY), NOW + timedelta(days=1)) is None


def test_a_status_without_claims_is_not_written_again() -> None:
    obj = resource(STRANGER)
    # The API server drops the members that a merge patch sets to null.
    kept = {name: value for name, value in status(obj).items() if value is not None}
    later = obj | {"status": kept}
    assert status_of(later, examine(later, POLICY), NOW + timedelta(days=1)) is None


def test_the_time_of_transition_moves_with_the_verdict_alone() -> None:
    old = status(resource())
    changed = resource(body=statement(predicate=predicate(hotSymbolCount=43))) | {"status": old}
    same = status_of(changed, examine(changed, POLICY), NOW + timedelta(days=1))
    assert same is not None
    assert same["conditions"][0]["lastTransitionTime"] == "2026-11-24T08:00:00Z"
    refused = status_of(changed, examine(changed, TrustPolicy()), NOW + timedelta(days=1))
    assert refused is not None
    assert refused["conditions"][0]["lastTransitionTime"] == "2026-11-25T08:00:00Z"


def test_conditions_of_others_stay() -> None:
    other = {"type": "Archived", "status": "True"}
    assert [entry["type"] for entry in status(resource(conditions=[other]))["conditions"]] == ["Archived", "Verified"]


@pytest.mark.parametrize(
    ("signer", "age", "over"),
    [
        pytest.param(SIGNER, timedelta(hours=2), False, id="observed exactly as long ago"),
        pytest.param(SIGNER, timedelta(hours=2) - timedelta(seconds=1), True, id="observed longer ago"),
        pytest.param(STRANGER, timedelta(hours=1), False, id="created exactly as long ago"),
        pytest.param(STRANGER, timedelta(hours=1) - timedelta(seconds=1), True, id="created longer ago"),
    ],
)
def test_verified_evidence_ages_from_its_observation_and_other_from_its_creation(
    signer: Signer,
    age: timedelta,
    over: bool,  # noqa: FBT001 - a row of the table
) -> None:
    obj = resource(signer)
    finding: Finding = examine(obj, POLICY)
    assert expired(obj, finding, NOW, age) is over


def test_an_object_that_an_identity_signed_names_the_identity() -> None:
    sigstore = Sigstore()
    signed = resource() | {"spec": {"bundle": json.dumps(sigstore.bundle(statement()))}}
    assert examine(signed, believing(sigstore)).message == "Signed by robot."
    bound = believing(sigstore, identity(pattern="ghcr.io/team/*"))
    told = "Signed by robot; counts only for images of the repositories in trust.identities."
    assert examine(signed, bound).message == told
    assert examine(signed, POLICY).reason == "EvidenceUntrusted"
