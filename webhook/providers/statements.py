"""What is known about an image digest by signed statements of one kind, as gate metadata.

Stores find bytes, trust verifies them, `judgement` weighs them. The admission path, the command line and every
other surface ask this same object, so nobody can get a kinder answer elsewhere.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from webhook.errors import EvidenceError
from webhook.gates.policy import ExecutionEvidencePolicy, MinLane
from webhook.model.evidence import (
    EvidenceAnchor,
    EvidenceContext,
    EvidenceProblem,
    EvidenceQuery,
    EvidenceResult,
    Lane,
)
from webhook.model.timestamp import format_rfc3339, from_unix_millis
from webhook.providers.answers import Answer, AnswerCache, AnswerKey, metadata_result
from webhook.providers.judgement import Finding, Judgement, holds_until, judge
from webhook.providers.kinds import StatementKind
from webhook.providers.opening import EnvelopeOpener, read_about
from webhook.providers.params import read_params
from webhook.providers.several import at_once, in_turn, together
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings
from webhook.stores.fingerprint import basis_of
from webhook.stores.protocol import Candidate, EvidenceStore, Found, ImageSubject
from webhook.trust.verify import OTHER_TYPE, VerifiedStatement


class _Question(NamedTuple):
    """One query, read."""

    key: AnswerKey
    subject: ImageSubject
    now: datetime


_NOTHING = Found(())


class StatementProvider:
    """Answers from stores and trusted keys.

    Whose statements count, how old they may be and in which lane is said by `PolicyGates.ExecutionEvidence`, for
    every kind.

    Attributes:
        provider_id: The id that a query names.
        contract: Its checks.
    """

    def __init__(
        self,
        kind: StatementKind[Any],
        settings: Settings,
        stores: Sequence[EvidenceStore],
        opener: EnvelopeOpener | None = None,
    ) -> None:
        """Binds one snapshot of the settings to the stores.

        Args:
            kind: What is answered.
            settings: A new snapshot means a new provider, and with it an empty cache of verdicts: trust is judged
                anew by construction, not by remembering to invalidate.
            stores: Started by their owner. Those at hand are asked in this order, then the remote ones at once.
            opener: Opens envelopes by the same snapshot, for several providers; None for one of its own.
        """
        self.contract = kind.contract
        self.provider_id = kind.contract.provider_id
        self._kind = kind
        self._checks = frozenset(check.check_id for check in kind.contract.checks)
        self._settings = settings
        self._at_hand = in_turn([store for store in stores if not store.remote])
        self._remote = at_once([store for store in stores if store.remote])
        self._has_remote = any(store.remote for store in stores)
        registry = settings.file.stores.registry
        self._absent_seconds = 0.0 if registry is None else registry.absent_seconds
        self._opener = opener or EnvelopeOpener(settings.trust)
        self._answers = AnswerCache()

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """Answers one query.

        Args:
            query: A check of the contract, with params `image_digest`, `repository` (or null) and `environment`.
            context: Its trigger time, in Unix milliseconds, is the clock for freshness.

        Returns:
            What the contract says, its hash, where the statement lies, and the lane; or
            an error `evidence_unavailable`, `check_missing`, `params_invalid` or `context_invalid`.
        """
        if query.check_id not in self._checks:
            return _problem("check_missing", "the provider has no such check")
        key = read_params(query.params)
        if key is None:
            return _problem("params_invalid", "params are image_digest, repository (or null) and environment")
        if context.trigger_time.kind != "unix_millis":
            return _problem(
                "context_invalid", "trigger_time must be unix_millis: evidence has an age", key.image_digest
            )
        try:
            now = from_unix_millis(context.trigger_time.value)
        except ValueError:
            return _problem("context_invalid", "trigger_time is out of range", key.image_digest)
        subject = ImageSubject(key.image_digest, key.repository, context.pull)
        answer = await self._ask(_Question(key, subject, now))
        return self._kind.answer(query.check_id, answer.result)

    async def _ask(self, question: _Question) -> Answer:
        """Asks the stores at hand, then the remote ones, and these again for what is newer, until it suffices."""
        near = await self._at_hand.find(question.subject)
        if not self._has_remote:
            return await self._judge(question, near)
        if near.candidates:
            answer = await self._judge(question._replace(key=question.key._replace(asked_all=False)), near)
            if answer.sufficient:
                return answer
        began = time.monotonic()
        found = await self._find_remote(question, near)
        answer = await self._judge(question, found)
        if answer.sufficient:
            return answer
        # Somebody may have attached evidence since; what was fetched for this very query is new enough.
        newer = await self._find_remote(question, near, self._absent_seconds + time.monotonic() - began)
        return answer if newer == found else await self._judge(question, newer)

    async def _find_remote(self, question: _Question, near: Found, max_age: float | None = None) -> Found:
        """Gives what is near and far; an outline only where the answer that follows from it is remembered."""
        far = await self._remote.find(question.subject, max_age)
        if far.fingerprint is not None:
            known = None if near != _NOTHING else self._answers.find(question.key, far, question.now)
            if known is None:
                far = await self._remote.find(question.subject, 0.0)
        return far if near == _NOTHING else together([near, far])

    async def _judge(self, question: _Question, found: Found) -> Answer:
        key, _, now = question
        known = self._answers.find(key, found, now)
        if known is not None:
            return known
        policy = self._settings.policy.for_environment(key.environment)
        findings = [await self._finding(candidate, key, policy) for candidate in found.candidates]
        judgement = judge(findings, policy, now, found.platforms, self._kind)
        sufficient = judgement.reason is ReasonCode.EVIDENCE_SUFFICIENT
        if found.gap is not None and not sufficient:
            # What could not be read might have been what is needed: absence is not known.
            problem = _problem("evidence_unavailable", found.gap.detail, key.image_digest)
            basis = basis_of(found)._replace(gap=found.gap.detail)
            return Answer(now, now, sufficient, replace(problem, basis=basis))
        if not found.candidates and found.remark is not None:
            judgement = replace(judgement, detail=found.remark)
        result = replace(_result(judgement, self._kind, key.image_digest), basis=basis_of(found))
        answer = Answer(now, holds_until(findings, policy, now), sufficient, result)
        self._answers.keep(key, found, answer)
        return answer

    async def _finding(self, candidate: Candidate, key: AnswerKey, policy: ExecutionEvidencePolicy) -> Finding:
        assertions_count = policy.min_lane is MinLane.ASSERTED
        opened = await self._opener.open(candidate, assertions_count=assertions_count)
        outcome: VerifiedStatement | EvidenceError
        if isinstance(opened, EvidenceError):
            outcome = opened
        elif opened.kind is not self._kind.evidence:
            # CVE-2022-35930: what is validly signed for one purpose must not pass for another.
            outcome = EvidenceError(ReasonCode.EVIDENCE_MISSING, OTHER_TYPE)
        else:
            digest = key.image_digest if candidate.platform is None else candidate.platform.digest
            outcome = read_about(opened, digest, key.repository, assertions_count=assertions_count)
        return Finding(candidate.uri, outcome, candidate.platform)


def _problem(code: str, message: str, image_digest: str | None = None) -> EvidenceResult:
    anchor = None if image_digest is None else EvidenceAnchor("image_digest", image_digest)
    return EvidenceResult(error=EvidenceProblem(code, message), evidence_anchor=anchor)


def _result(judgement: Judgement, kind: StatementKind[Any], image_digest: str) -> EvidenceResult:
    lane = Lane.ASSERTED if judgement.statement is None else judgement.statement.lane
    return metadata_result(_metadata(judgement, kind), lane, judgement.uri, image_digest)


def _metadata(judgement: Judgement, kind: StatementKind[Any]) -> dict[str, str]:
    keys = kind.keys
    reason = kind.reasons.get(judgement.reason, judgement.reason)
    value = {keys.has: "false", keys.reason: reason.value, keys.detail: judgement.detail}
    if judgement.statement is not None:
        evidence = judgement.statement.evidence
        value |= kind.counts(evidence) | {
            keys.has: "true",
            keys.environment: evidence.environment,
            keys.observed_until: format_rfc3339(evidence.observed_until),
            keys.signer: ",".join(judgement.statement.signers),
        }
    return value
