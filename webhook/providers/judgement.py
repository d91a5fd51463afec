"""What a set of statements amounts to for one image: which one speaks, or why none counts.

Pure: statements, policy and an instant in, a judgement out.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook.errors import EvidenceError
from webhook.gates.policy import ExecutionEvidencePolicy, format_duration
from webhook.limits import LIMITS
from webhook.model.basis import Platform
from webhook.model.evidence import Lane
from webhook.model.timestamp import format_rfc3339
from webhook.providers.kinds import EXECUTION_EVIDENCE, StatementKind
from webhook.reasons import ReasonCode
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
    findings: Sequence[Finding],
    policy: ExecutionEvidencePolicy,
    now: datetime,
    platforms: Sequence[Platform] = (),
    kind: StatementKind[Any] = EXECUTION_EVIDENCE,
) -> Judgement:
    """Judges everything that was found about one image.

    Evidence passes if any single statement that counts meets the thresholds. Otherwise the best one speaks: most
    hot symbols, then call paths (or what the kind has instead), then the envelope's digest, so that the choice never
    depends on arrival.

    Where all of some platforms must have evidence, a statement about the image itself still suffices. If none does,
    each platform is judged alone and the weakest speaks for them all: the first of those that no other falls below.

    Args:
        findings: All candidates, verified or refused, in any order.
        policy: The policy that holds for the target environment.
        now: The query's trigger time.
        platforms: Platforms that must all have evidence; empty if one of any platform is enough.
        kind: The kind of all the statements.

    Returns:
        The judgement.
    """
    if not platforms or not findings:
        return _judge(findings, policy, now, kind)
    own = _judge([finding for finding in findings if finding.platform is None], policy, now, kind)
    apart = [_judge_platform(platform, findings, policy, now, kind) for platform in platforms]

    def strength(judgement: Judgement) -> tuple[Any, ...]:
        return _strength(judgement, kind)

    # Of equals, `min` and `max` take the first.
    return max(min(apart, key=strength), own, key=strength)


def _judge_platform(
    platform: Platform,
    findings: Sequence[Finding],
    policy: ExecutionEvidencePolicy,
    now: datetime,
    kind: StatementKind[Any],
) -> Judgement:
    about = [finding for finding in findings if finding.platform and finding.platform.digest == platform.digest]
    judgement = _judge(about, policy, now, kind)
    if judgement.uri is not None:
        return judgement
    return replace(judgement, detail=f"no statement about its manifest for {platform.name}")


def _strength(judgement: Judgement, kind: StatementKind[Any]) -> tuple[Any, ...]:
    """Orders judgements about different manifests of one image by how near they are to a pass."""
    if judgement.statement is None:
        return 0, 0, 0, -_NEARNESS.index(judgement.reason)
    sufficient = judgement.reason is ReasonCode.EVIDENCE_SUFFICIENT
    return 1 + sufficient, *kind.amount(judgement.statement.evidence), 0


def _judge(
    findings: Sequence[Finding], policy: ExecutionEvidencePolicy, now: datetime, kind: StatementKind[Any]
) -> Judgement:
    counting: list[tuple[VerifiedStatement, Finding]] = []
    refused: list[tuple[EvidenceError, Finding]] = []
    for finding in findings:
        outcome = finding.outcome
        if not isinstance(outcome, EvidenceError):
            objection = why_not(outcome, policy, now, kind)
            if objection is None:
                counting.append((outcome, finding))
                continue
            outcome = objection
        refused.append((outcome, finding))
    if not counting:
        return _nothing_counts(refused)
    # Of two copies of one envelope, the one whose place sorts first is named.
    statement, finding = max(sorted(counting, key=_place), key=lambda entry: _rank(entry[0], policy, kind))
    return _speaking(statement, finding, policy, kind)


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


def why_not(
    statement: VerifiedStatement, policy: ExecutionEvidencePolicy, now: datetime, kind: StatementKind[Any]
) -> EvidenceError | None:
    """Says why a statement does not count, whatever its counts are.

    Args:
        statement: The statement.
        policy: The policy that holds for the target environment.
        now: The instant at which it is asked.
        kind: The statement's kind.

    Returns:
        The reason; None if the statement counts, be it enough or not.
    """
    return _objection(statement, policy, now) or _emptiness(statement, kind)


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


def _emptiness(statement: VerifiedStatement, kind: StatementKind[Any]) -> EvidenceError | None:
    """Says why a statement that would count tells nothing; None if it does."""
    detail = kind.objection(statement.evidence)
    return None if detail is None else EvidenceError(ReasonCode.EVIDENCE_MISSING, detail)


def _rank(statement: VerifiedStatement, policy: ExecutionEvidencePolicy, kind: StatementKind[Any]) -> tuple[Any, ...]:
    evidence = statement.evidence
    # Between equals, a trusted key's word comes before anybody's.
    tie = statement.lane is Lane.VERIFIED, statement.envelope_digest
    return kind.suffices(evidence, policy), *kind.amount(evidence), *tie


def _speaking(
    statement: VerifiedStatement, finding: Finding, policy: ExecutionEvidencePolicy, kind: StatementKind[Any]
) -> Judgement:
    evidence = statement.evidence
    signer = f"signed by {statement.signed_by}" if statement.signers else "not signed by a trusted key"
    detail = (
        f"{kind.words(evidence)} in {finding.place}, "
        f"{signer}, observed in '{evidence.environment}' until {format_rfc3339(evidence.observed_until)}"
    )
    sufficient = kind.suffices(evidence, policy)
    reason = ReasonCode.EVIDENCE_SUFFICIENT if sufficient else ReasonCode.EVIDENCE_INSUFFICIENT
    return Judgement(statement, finding.uri, reason, detail)


def _nothing_counts(refused: list[tuple[EvidenceError, Finding]]) -> Judgement:
    if not refused:
        return Judgement(None, None, ReasonCode.EVIDENCE_MISSING, "no statement about this digest")
    nearest, finding = min(refused, key=lambda entry: (_NEARNESS.index(entry[0].reason), entry[1].place))
    count = "1 statement" if len(refused) == 1 else f"{len(refused)} statements, the nearest"
    return Judgement(None, finding.uri, nearest.reason, f"{count} in {finding.place}, {nearest.detail}")
