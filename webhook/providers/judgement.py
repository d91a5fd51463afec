"""What a set of statements amounts to for one image: which one speaks, or why none counts.

Pure: statements, policy and an instant in, a judgement out.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from webhook.errors import EvidenceError
from webhook.gates.policy import ExecutionEvidencePolicy, format_duration
from webhook.limits import LIMITS
from webhook.model.evidence import Lane
from webhook.model.timestamp import format_rfc3339
from webhook.reasons import ReasonCode
from webhook.stores.protocol import Platform
from webhook.trust.verify import VerifiedStatement


@dataclass(frozen=True, slots=True)
class Finding:
    """One candidate after verification.

    Attributes:
        uri: Where it lies.
        outcome: The verified statement, or why there is none.
        platform: The platform of the image that it is about; None if it is about the digest that was asked for.
    """

    uri: str
    outcome: VerifiedStatement | EvidenceError
    platform: Platform | None = None

    @property
    def place(self) -> str:
        """Where it lies and for which platform, for people."""
        return self.uri if self.platform is None else f"{self.uri} ({self.platform.name})"


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


def judge(
    findings: Sequence[Finding], policy: ExecutionEvidencePolicy, now: datetime, platforms: Sequence[Platform] = ()
) -> Judgement:
    """Judges everything that was found about one image.

    Evidence passes if any single statement that counts meets the thresholds. Otherwise the best one speaks: most
    hot symbols, then call paths, then the envelope's digest, so that the choice never depends on arrival.

    Where all of some platforms must have evidence, a statement about the image itself still suffices. If none does,
    each platform is judged alone and the weakest speaks for them all: the first of those that no other falls below.

    Args:
        findings: All candidates, verified or refused, in any order.
        policy: The policy that holds for the target environment.
        now: The query's trigger time.
        platforms: Platforms that must all have evidence; empty if one of any platform is enough.

    Returns:
        The judgement.
    """
    if not platforms or not findings:
        return _judge(findings, policy, now)
    own = _judge([finding for finding in findings if finding.platform is None], policy, now)
    apart = [_judge_platform(platform, findings, policy, now) for platform in platforms]
    # Of equals, `min` and `max` take the first.
    return max(min(apart, key=_strength), own, key=_strength)


def _judge_platform(
    platform: Platform, findings: Sequence[Finding], policy: ExecutionEvidencePolicy, now: datetime
) -> Judgement:
    about = [finding for finding in findings if finding.platform and finding.platform.digest == platform.digest]
    judgement = _judge(about, policy, now)
    if judgement.uri is not None:
        return judgement
    return replace(judgement, detail=f"no statement about its manifest for {platform.name}")


def _strength(judgement: Judgement) -> tuple[int, int, int, int]:
    """Orders judgements about different manifests of one image by how near they are to a pass."""
    if judgement.statement is None:
        return 0, 0, 0, -_NEARNESS.index(judgement.reason)
    evidence = judgement.statement.evidence
    sufficient = judgement.reason is ReasonCode.EVIDENCE_SUFFICIENT
    return 1 + sufficient, evidence.hot_symbol_count, evidence.unique_call_paths, 0


def _judge(findings: Sequence[Finding], policy: ExecutionEvidencePolicy, now: datetime) -> Judgement:
    counting: list[tuple[VerifiedStatement, Finding]] = []
    refused: list[tuple[EvidenceError, Finding]] = []
    for finding in findings:
        outcome = finding.outcome
        if not isinstance(outcome, EvidenceError):
            objection = _objection(outcome, policy, now)
            if objection is None:
                counting.append((outcome, finding))
                continue
            outcome = objection
        refused.append((outcome, finding))
    if not counting:
        return _nothing_counts(refused)
    # Of two copies of one envelope, the one whose place sorts first is named.
    statement, finding = max(sorted(counting, key=_place), key=lambda entry: _rank(entry[0], policy))
    return _speaking(statement, finding, policy)


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


def _place(entry: tuple[VerifiedStatement, Finding]) -> str:
    return entry[1].place


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


def _speaking(statement: VerifiedStatement, finding: Finding, policy: ExecutionEvidencePolicy) -> Judgement:
    evidence = statement.evidence
    signer = f"signed by {', '.join(statement.signers)}" if statement.signers else "not signed by a trusted key"
    detail = (
        f"hot symbols: {evidence.hot_symbol_count}, call paths: {evidence.unique_call_paths} in {finding.place}, "
        f"{signer}, observed in '{evidence.environment}' until {format_rfc3339(evidence.observed_until)}"
    )
    sufficient = _sufficient(statement, policy)
    reason = ReasonCode.EVIDENCE_SUFFICIENT if sufficient else ReasonCode.EVIDENCE_INSUFFICIENT
    return Judgement(statement, finding.uri, reason, detail)


def _nothing_counts(refused: list[tuple[EvidenceError, Finding]]) -> Judgement:
    if not refused:
        return Judgement(None, None, ReasonCode.EVIDENCE_MISSING, "no statement about this digest")
    nearest, finding = min(refused, key=lambda entry: (_NEARNESS.index(entry[0].reason), entry[1].place))
    count = "1 statement" if len(refused) == 1 else f"{len(refused)} statements, the nearest"
    return Judgement(None, finding.uri, nearest.reason, f"{count} in {finding.place}, {nearest.detail}")
