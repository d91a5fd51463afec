"""What a set of statements amounts to for one image: which one speaks, or why none counts.

Pure: statements, policy and an instant in, a judgement out.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from webhook.errors import EvidenceError
from webhook.gates.policy import ExecutionEvidencePolicy, format_duration
from webhook.limits import LIMITS
from webhook.model.evidence import Lane
from webhook.model.timestamp import format_rfc3339
from webhook.reasons import ReasonCode
from webhook.trust.verify import VerifiedStatement


@dataclass(frozen=True, slots=True)
class Finding:
    """One candidate after verification.

    Attributes:
        uri: Where it lies.
        outcome: The verified statement, or why there is none.
    """

    uri: str
    outcome: VerifiedStatement | EvidenceError


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all findings together say.

    Attributes:
        statement: The statement that speaks for the image, or None if none counts.
        uri: Where the statement that the detail is about lies; None if there is none at all.
        reason: EvidenceSufficient, EvidenceInsufficient, or why nothing counts.
        detail: One clause for a user's `found: …`.
    """

    statement: VerifiedStatement | None
    uri: str | None
    reason: ReasonCode
    detail: str


# The nearer a statement came to counting, the more its reason helps the person who reads it.
_NEARNESS = (
    ReasonCode.EVIDENCE_STALE,
    ReasonCode.EVIDENCE_FROM_OTHER_ENVIRONMENT,
    ReasonCode.EVIDENCE_UNTRUSTED,
    ReasonCode.EVIDENCE_MALFORMED,
    ReasonCode.EVIDENCE_MISSING,
)


def judge(findings: Sequence[Finding], policy: ExecutionEvidencePolicy, now: datetime) -> Judgement:
    """Judges everything that was found about one image.

    Evidence passes if any single statement that counts meets the thresholds. Otherwise the best one speaks: most
    hot symbols, then call paths, then the envelope's digest, so that the choice never depends on arrival.

    Args:
        findings: All candidates, verified or refused, in any order.
        policy: The policy that holds for the target environment.
        now: The query's trigger time.

    Returns:
        The judgement.
    """
    counting: list[tuple[VerifiedStatement, str]] = []
    refused: list[tuple[EvidenceError, str]] = []
    for finding in findings:
        outcome = finding.outcome
        if not isinstance(outcome, EvidenceError):
            objection = _objection(outcome, policy, now)
            if objection is None:
                counting.append((outcome, finding.uri))
                continue
            outcome = objection
        refused.append((outcome, finding.uri))
    if not counting:
        return _nothing_counts(refused)
    # Of two copies of one envelope, the one whose place sorts first is named.
    statement, uri = max(sorted(counting, key=_place), key=lambda entry: _rank(entry[0], policy))
    return _speaking(statement, uri, policy)


def holds_until(findings: Sequence[Finding], policy: ExecutionEvidencePolicy, now: datetime) -> datetime:
    """Tells how long a judgement holds if nothing but time changes.

    Args:
        findings: What was judged.
        policy: The policy it was judged by.
        now: The instant it was judged at.

    Returns:
        The last instant at which `judge` surely says the same: before evidence turns stale, or a future one counts.
    """
    turns = []
    for finding in findings:
        if isinstance(finding.outcome, EvidenceError):
            continue
        observed = finding.outcome.evidence.observed_until
        with contextlib.suppress(OverflowError):
            turns.append(observed - timedelta(seconds=LIMITS.clock_skew) - timedelta.resolution)
        if policy.max_evidence_age is not None:
            with contextlib.suppress(OverflowError):
                turns.append(observed + policy.max_evidence_age)
    return min((turn for turn in turns if turn >= now), default=datetime.max.replace(tzinfo=UTC))


def _place(entry: tuple[VerifiedStatement, str]) -> str:
    return entry[1]


def _objection(statement: VerifiedStatement, policy: ExecutionEvidencePolicy, now: datetime) -> EvidenceError | None:
    """Says why a statement does not count now, in this environment; None if it does."""
    evidence = statement.evidence
    observed = format_rfc3339(evidence.observed_until)
    if evidence.observed_until - now > timedelta(seconds=LIMITS.clock_skew):
        return EvidenceError(ReasonCode.EVIDENCE_MALFORMED, f"observed until {observed}, which lies in the future")
    if not policy.accepts_evidence_from(evidence.environment):
        accepted = ", ".join(policy.evidence_environments)
        detail = f"observed in environment '{evidence.environment}', and only {accepted} counts"
        return EvidenceError(ReasonCode.EVIDENCE_FROM_OTHER_ENVIRONMENT, detail)
    if policy.max_evidence_age is not None and now - evidence.observed_until > policy.max_evidence_age:
        age = format_duration(policy.max_evidence_age)
        detail = f"observed until {observed}, which is older than MaxEvidenceAge ({age})"
        return EvidenceError(ReasonCode.EVIDENCE_STALE, detail)
    return None


def _sufficient(statement: VerifiedStatement, policy: ExecutionEvidencePolicy) -> bool:
    evidence = statement.evidence
    return (
        evidence.hot_symbol_count >= policy.min_hot_symbol_count
        and evidence.unique_call_paths >= policy.min_unique_call_paths
    )


def _rank(statement: VerifiedStatement, policy: ExecutionEvidencePolicy) -> tuple[bool, int, int, bool, str]:
    evidence = statement.evidence
    counts = (evidence.hot_symbol_count, evidence.unique_call_paths)
    # Between equals, a trusted key's word comes before anybody's.
    return (_sufficient(statement, policy), *counts, statement.lane is Lane.VERIFIED, statement.envelope_digest)


def _speaking(statement: VerifiedStatement, uri: str, policy: ExecutionEvidencePolicy) -> Judgement:
    evidence = statement.evidence
    signer = f"signed by {', '.join(statement.signers)}" if statement.signers else "not signed by a trusted key"
    detail = (
        f"hot symbols: {evidence.hot_symbol_count}, call paths: {evidence.unique_call_paths} in {uri}, {signer}, "
        f"observed in '{evidence.environment}' until {format_rfc3339(evidence.observed_until)}"
    )
    sufficient = _sufficient(statement, policy)
    reason = ReasonCode.EVIDENCE_SUFFICIENT if sufficient else ReasonCode.EVIDENCE_INSUFFICIENT
    return Judgement(statement, uri, reason, detail)


def _nothing_counts(refused: list[tuple[EvidenceError, str]]) -> Judgement:
    if not refused:
        return Judgement(None, None, ReasonCode.EVIDENCE_MISSING, "no statement about this digest")
    nearest, uri = min(refused, key=lambda entry: (_NEARNESS.index(entry[0].reason), entry[1]))
    count = "1 statement" if len(refused) == 1 else f"{len(refused)} statements, the nearest"
    return Judgement(None, uri, nearest.reason, f"{count} in {uri}, {nearest.detail}")
