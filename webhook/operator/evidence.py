"""What the operator says about one ExecutionEvidence object. Pure: object, trust policy and time in, status out.

The words are those of the trust core, the same that the webhook uses. The status is for people; the webhook does
not read it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from webhook.errors import EvidenceError, MalformedError
from webhook.model.beacon import BeaconAttestation
from webhook.model.statement import ExecutionEvidence
from webhook.model.timestamp import format_rfc3339, parse_rfc3339
from webhook.stores.cluster import evidence_bytes
from webhook.trust.policy import TrustPolicy
from webhook.trust.verify import VerifiedStatement, subject_digests, verify

VERIFIED_REASON = "SignedByTrustedKeys"
"""The condition's reason when it is true; when it is false, the reason is a `ReasonCode`."""

_SIGNER_CHARACTERS = 4096  # The schema's bound.


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in an object.

    Attributes:
        reason: `VERIFIED_REASON`, or the reason code of what is wrong.
        message: One sentence.
        statement: The verified statement, or None.
        subjects: The digests that a verified statement is about, sorted.
    """

    reason: str
    message: str
    statement: VerifiedStatement | None
    subjects: tuple[str, ...]


def examine(obj: dict[str, Any], policy: TrustPolicy) -> Finding:
    """Verifies the evidence in an object.

    Keys that are bound to repositories are taken without that bound, for an object does not say in which repository
    an image will be looked up; the message says so.

    Args:
        obj: The object as JSON.
        policy: The trusted keys and identities.

    Returns:
        The finding.
    """
    try:
        raw = evidence_bytes(obj.get("spec"))
        subjects = sorted(subject_digests(raw))
        if not subjects:
            raise MalformedError("the statement names no sha256 digest")
        statement = verify(raw, subjects[0], None, _without_repositories(policy))
    except EvidenceError as error:
        return Finding(error.reason.value, f"{error.detail[:1].upper()}{error.detail[1:]}.", None, ())
    return Finding(VERIFIED_REASON, _praise(statement, policy), statement, tuple(subjects))


def status_of(obj: dict[str, Any], finding: Finding, now: datetime) -> dict[str, Any] | None:
    """Writes a finding as the object's status.

    Args:
        obj: The object as JSON, with the status that it has.
        finding: What was found.
        now: When.

    Returns:
        A merge patch's `status`, or None if the object says it all already.
    """
    old = obj.get("status") or {}
    conditions = old.get("conditions") or []
    before = next((condition for condition in conditions if condition["type"] == "Verified"), None)
    verdict = "True" if finding.statement else "False"
    moved = before is None or before["status"] != verdict
    condition = {
        "type": "Verified",
        "status": verdict,
        "observedGeneration": obj["metadata"].get("generation", 0),
        "lastTransitionTime": format_rfc3339(now) if moved or before is None else before["lastTransitionTime"],
        "reason": finding.reason,
        "message": finding.message,
    }
    others = [other for other in conditions if other["type"] != "Verified"]
    status = {"conditions": [*others, condition], **_facts(finding)}
    same = all(old.get(name) == value for name, value in status.items())
    return None if same else status


def expired(obj: dict[str, Any], finding: Finding, now: datetime, retention: timedelta) -> bool:
    """Tells whether an object is too old to be kept.

    Args:
        obj: The object as JSON.
        finding: What was found in it.
        now: The time.
        retention: How long evidence is kept.

    Returns:
        True if the observation ended longer ago than that; for what is not verified, and whose times therefore
        prove nothing, if the object was created longer ago.
    """
    if finding.statement is not None:
        return now - finding.statement.evidence.observed_until > retention
    return now - parse_rfc3339(obj["metadata"]["creationTimestamp"]) > retention


def _facts(finding: Finding) -> dict[str, Any]:
    """The members beside the condition; None removes what an earlier finding left."""
    statement = finding.statement
    evidence = statement.evidence if statement else None
    seen_running = evidence if isinstance(evidence, ExecutionEvidence) else None
    return {
        "signer": ", ".join(statement.signers)[:_SIGNER_CHARACTERS] if statement else None,
        "environment": evidence.environment if evidence else None,
        "hotSymbolCount": seen_running.hot_symbol_count if seen_running else None,
        "uniqueCallPaths": seen_running.unique_call_paths if seen_running else None,
        "observedAt": format_rfc3339(evidence.observed_until) if evidence else None,
        "subjects": list(finding.subjects) or None,
    }


def _without_repositories(policy: TrustPolicy) -> TrustPolicy:
    keys = tuple([replace(key, repositories=None) for key in policy.keys])
    return replace(
        policy, keys=keys, identities=tuple([replace(one, repositories=None) for one in policy.identities])
    )


def _praise(statement: VerifiedStatement, policy: TrustPolicy) -> str:
    signed = f"Signed by {', '.join(statement.signers)}"
    if isinstance(statement.evidence, BeaconAttestation):
        beacons = statement.evidence
        signed += f"; beacon data, {beacons.beacons_verified} of {beacons.beacons_expected} verified"
    for section, signers in (("keys", policy.keys), ("identities", policy.identities)):
        if any(one.name in statement.signers and one.repositories is not None for one in signers):
            return f"{signed}; counts only for images of the repositories in trust.{section}."
    return f"{signed}."
