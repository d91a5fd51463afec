"""The provider `execution-evidence`: what is known about an image digest, as gate metadata.

Stores find bytes, trust verifies them, `judgement` weighs them. The admission path, the command line and every
other surface ask this same object, so nobody can get a kinder answer elsewhere.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from webhook.errors import EvidenceError, UnavailableError, UntrustedError
from webhook.gates.policy import ExecutionEvidencePolicy, MinLane
from webhook.limits import LIMITS
from webhook.model import gate
from webhook.model.canonical import canonical_json, sha256_digest
from webhook.model.evidence import (
    EvidenceAnchor,
    EvidenceContext,
    EvidenceHash,
    EvidenceProblem,
    EvidenceQuery,
    EvidenceReference,
    EvidenceResult,
    EvidenceValue,
    Lane,
)
from webhook.model.image import is_digest
from webhook.model.timestamp import format_rfc3339, from_unix_millis
from webhook.providers.judgement import Finding, Judgement, holds_until, judge
from webhook.reasons import ReasonCode
from webhook.settings import Settings
from webhook.stores.protocol import Candidate, EvidenceStore
from webhook.trust.verify import OpenedEnvelope, VerifiedStatement, open_assertion, open_envelope

PROVIDER_ID = "execution-evidence"
CHECK_METADATA = "metadata"

_PARAM_NAMES = frozenset({"image_digest", "repository", "environment"})

_Opened = OpenedEnvelope | EvidenceError
_OpenedKey = tuple[str, bool]
"""Envelope digest, and whether assertions count."""
_VERIFIERS = ThreadPoolExecutor(1, "verify")
"""A thread of its own: hostile evidence must not keep the files' watches waiting for a thread."""

_K = TypeVar("_K")
_V = TypeVar("_V")


class _Params(NamedTuple):
    """The parameters of the check `metadata`."""

    image_digest: str
    repository: str | None
    environment: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer, and for how long and from which candidates it follows.

    Not a time-to-live: the stores are asked at every query, and the answer serves again only if they give the same
    candidates and no statement has turned stale, so that it is the answer that judging anew would give.
    """

    candidates: list[Candidate]
    since: datetime
    until: datetime
    result: EvidenceResult

    def holds(self, candidates: list[Candidate], now: datetime) -> bool:
        return self.since <= now <= self.until and candidates == self.candidates


class ExecutionEvidenceProvider:
    """Answers the check `metadata` from stores and trusted keys.

    Attributes:
        provider_id: `execution-evidence`.
    """

    provider_id = PROVIDER_ID

    def __init__(self, settings: Settings, stores: Sequence[EvidenceStore]) -> None:
        """Binds one snapshot of the settings to the stores.

        Args:
            settings: A new snapshot means a new provider, and with it an empty cache of verdicts: trust is judged
                anew by construction, not by remembering to invalidate.
            stores: Asked in this order; started by their owner.
        """
        self._settings = settings
        self._stores = stores
        self._opened: dict[_OpenedKey, _Opened] = {}
        self._pending: dict[_OpenedKey, asyncio.Future[_Opened]] = {}
        self._answers: dict[_Params, _Answer] = {}

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """Answers one query.

        Args:
            query: Check `metadata` with params `image_digest`, `repository` (or null) and `environment` (target).
            context: Its trigger time, in Unix milliseconds, is the clock for freshness.

        Returns:
            A JSON object of strings (docs/contracts), its hash, where the statement lies, and the lane; or
            an error `evidence_unavailable`, `check_missing`, `params_invalid` or `context_invalid`.
        """
        if query.check_id != CHECK_METADATA:
            return _problem("check_missing", "the provider has the check `metadata`")
        params = _read_params(query.params)
        if params is None:
            return _problem("params_invalid", "params are image_digest, repository (or null) and environment")
        anchor = EvidenceAnchor("image_digest", params.image_digest)
        if context.trigger_time.kind != "unix_millis":
            return _problem("context_invalid", "trigger_time must be unix_millis: evidence has an age", anchor)
        try:
            now = from_unix_millis(context.trigger_time.value)
        except ValueError:
            return _problem("context_invalid", "trigger_time is out of range", anchor)
        return await self._metadata(params, anchor, now)

    async def _metadata(self, params: _Params, anchor: EvidenceAnchor, now: datetime) -> EvidenceResult:
        candidates, failure = await self._candidates(params)
        known = self._answers.get(params)
        if known is not None and failure is None and known.holds(candidates, now):
            return known.result
        policy = self._settings.policy.for_environment(params.environment)
        findings = await self._findings(candidates, params, policy)
        judgement = judge(findings, policy, now)
        if failure is not None and judgement.reason is not ReasonCode.EVIDENCE_SUFFICIENT:
            # What could not be read might have been what is needed: absence is not known.
            return _problem("evidence_unavailable", failure.detail, anchor)
        answer = _answer(judgement, anchor)
        if failure is None:
            known = _Answer(candidates, now, holds_until(findings, policy, now), answer)
            _remember(self._answers, params, known)
        return answer

    async def _candidates(self, params: _Params) -> tuple[list[Candidate], UnavailableError | None]:
        candidates: list[Candidate] = []
        failure: UnavailableError | None = None
        for store in self._stores:
            try:
                candidates += await store.find(params.image_digest, params.repository)
                failure = failure or store.gap()
            except UnavailableError as error:
                failure = failure or error
        return candidates, failure

    async def _findings(
        self, candidates: list[Candidate], params: _Params, policy: ExecutionEvidencePolicy
    ) -> list[Finding]:
        opened = [await self._open(entry, policy) for entry in candidates]
        return [
            Finding(entry.uri, _about(envelope, params, policy))
            for entry, envelope in zip(candidates, opened, strict=True)
        ]

    async def _open(self, candidate: Candidate, policy: ExecutionEvidencePolicy) -> _Opened:
        """Opens an envelope once, whatever images are asked for; the rest is cheap and judged at every hit."""
        key = (candidate.digest, policy.min_lane is MinLane.ASSERTED)
        known = self._opened.get(key)
        if known is not None:
            return known
        # What an envelope can cost grows with its size, which bounds its signatures, and with the trusted keys.
        if len(candidate.raw) * len(self._settings.trust.keys) > LIMITS.verification_thread_bytes:
            return await self._open_in_thread(key, candidate.raw)
        opened = self._read(candidate.raw, key[1])
        _remember(self._opened, key, opened)
        # Many candidates must not keep the loop to themselves.
        await asyncio.sleep(0)
        return opened

    async def _open_in_thread(self, key: _OpenedKey, raw: bytes) -> _Opened:
        """Opens off the loop, once for all who ask at the same time; a caller that gives up stops nobody else."""
        pending = self._pending.get(key)
        if pending is None:
            pending = asyncio.get_running_loop().run_in_executor(_VERIFIERS, self._read, raw, key[1])
            self._pending[key] = pending
            pending.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(pending)

    def _done(self, key: _OpenedKey, done: asyncio.Future[_Opened]) -> None:
        self._pending.pop(key, None)
        if not done.cancelled() and done.exception() is None:
            # Here and not with the caller: what was worked out after the deadline serves the next review.
            _remember(self._opened, key, done.result())

    def _read(self, raw: bytes, assertions_count: bool) -> _Opened:  # noqa: FBT001 - private
        trust = self._settings.trust
        try:
            return open_envelope(raw, trust)
        except UntrustedError as error:
            if not assertions_count:
                return error.with_traceback(None)
        except EvidenceError as error:
            return error.with_traceback(None)
        try:
            return open_assertion(raw, trust)
        except EvidenceError as error:
            return error.with_traceback(None)


def _about(opened: _Opened, params: _Params, policy: ExecutionEvidencePolicy) -> VerifiedStatement | EvidenceError:
    if isinstance(opened, EvidenceError):
        return opened
    try:
        try:
            return opened.about(params.image_digest, params.repository)
        except UntrustedError:
            if policy.min_lane is not MinLane.ASSERTED:
                raise
            return opened.as_assertion().about(params.image_digest, params.repository)
    except EvidenceError as error:
        return error.with_traceback(None)


def _remember(cache: dict[_K, _V], key: _K, value: _V) -> None:
    """Adds to a bounded cache; the oldest entry makes room."""
    if len(cache) >= LIMITS.verdict_cache_entries:
        cache.pop(next(iter(cache)))
    cache[key] = value


def _read_params(params: Any) -> _Params | None:
    if not isinstance(params, dict) or not params.keys() <= _PARAM_NAMES:
        return None
    digest, repository = params.get("image_digest"), params.get("repository")
    environment = params.get("environment")
    if not isinstance(digest, str) or not isinstance(environment, str):
        return None
    if repository is not None and not isinstance(repository, str):
        return None
    return _Params(digest, repository, environment) if _is_known_digest(digest) else None


_is_known_digest = lru_cache(maxsize=LIMITS.verdict_cache_entries)(is_digest)
"""`is_digest`, remembered: the same few digests are asked for all day."""


def _problem(code: str, message: str, anchor: EvidenceAnchor | None = None) -> EvidenceResult:
    return EvidenceResult(error=EvidenceProblem(code, message), evidence_anchor=anchor)


def _answer(judgement: Judgement, anchor: EvidenceAnchor) -> EvidenceResult:
    value = _metadata(judgement)
    statement = judgement.statement
    lane = statement.lane if statement is not None else Lane.ASSERTED
    return EvidenceResult(
        value=EvidenceValue("json", value),
        lane=lane,
        evidence_hash=EvidenceHash(_sha256_hex(value)),
        evidence_ref=EvidenceReference(judgement.uri) if judgement.uri is not None else None,
        evidence_anchor=anchor,
        content_type="application/json",
    )


def _metadata(judgement: Judgement) -> dict[str, str]:
    value = {
        gate.HAS_EVIDENCE: "false",
        gate.REASON: judgement.reason.value,
        gate.DETAIL: judgement.detail,
    }
    if judgement.statement is not None:
        evidence = judgement.statement.evidence
        value |= {
            gate.HAS_EVIDENCE: "true",
            gate.HOT_SYMBOL_COUNT: str(evidence.hot_symbol_count),
            gate.UNIQUE_CALL_PATHS: str(evidence.unique_call_paths),
            gate.EVIDENCE_ENVIRONMENT: evidence.environment,
            gate.OBSERVED_UNTIL: format_rfc3339(evidence.observed_until),
            gate.SIGNER: ",".join(judgement.statement.signers),
        }
    return value


def _sha256_hex(value: Any) -> str:
    return sha256_digest(canonical_json(value)).removeprefix("sha256:")
