"""A condition at work: a query about the review in, a ruling out."""

import asyncio
import time
from dataclasses import replace

from webhook.admission.decision import Ruling
from webhook.admission.ruler import Asking, Subject
from webhook.gates.conditions import Condition, Fact, Finding, evaluate, refuse
from webhook.limits import LIMITS
from webhook.model.canonical_value import canonical_value
from webhook.model.disclosure import Disclosure, redacted
from webhook.model.evidence import EvidenceProblem, EvidenceQuery, EvidenceResult
from webhook.providers.protocol import EvidenceProvider
from webhook.reasons import ReasonCode

_SHOWN = "bytes of rulings with values"
_NO_PROVIDER = EvidenceResult(error=EvidenceProblem("provider_missing", "no provider has this id"))


class _Answer:
    """One query of a review, and its answer once somebody has it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.known = False
        self.evidence: EvidenceResult | None = None


class ConditionRuler:
    """Rules by one condition."""

    def __init__(self, condition: Condition, disclosure: Disclosure, provider: EvidenceProvider | None) -> None:
        """Binds the condition to a snapshot.

        Args:
            condition: The condition.
            disclosure: What of the answers a ruling may hold.
            provider: The condition's provider, by the same snapshot; without one it is never met.
        """
        self._condition = condition
        self._disclosure = disclosure
        self._provider = provider
        self.needs_digest = Fact.IMAGE_DIGEST in condition.bind.values()

    def active(self, environment: str) -> bool:
        """As `Ruler.active`."""
        return self._condition.holds_in(environment)

    def passed_before(self, subject: Subject, environment: str) -> bool:  # noqa: ARG002 - the protocol's parameters
        """As `Ruler.passed_before`: never, since what a provider has at hand is its own to know."""
        return False

    def without_evidence(self, environment: str, reason: ReasonCode, found: str) -> Ruling:  # noqa: ARG002 - as above
        """As `Ruler.without_evidence`: not known to be met, with that reason."""
        return _ruling(refuse(self._condition, reason, found))

    def unavailable(self, environment: str, found: str) -> Ruling:
        """As `Ruler.unavailable`: not known to be met."""
        return self.without_evidence(environment, ReasonCode.EVIDENCE_UNAVAILABLE, found)

    async def rule(self, subject: Subject, asking: Asking) -> Ruling:
        """As `Ruler.rule`."""
        query = self._condition.ask(_facts(subject, asking))
        if query is None:
            unreadable = subject.repository is None
            reason = ReasonCode.IMAGE_REFERENCE_INVALID if unreadable else ReasonCode.CONDITION_UNKNOWN
            return self.without_evidence(asking.environment, reason, "a fact that the query needs is not known")
        return _bounded(self._weigh(await self.answer(query, asking), asking), asking)

    async def answer(self, query: EvidenceQuery, asking: Asking) -> EvidenceResult | None:
        """Asks once in a review, whoever wants to know.

        Args:
            query: The query.
            asking: The review.

        Returns:
            The answer; None if there is none in time.
        """
        key = (query.provider_id, query.check_id, canonical_value(query.params))
        answer: _Answer = asking.shared.setdefault(key, _Answer())
        # A lock and no task: whoever is cancelled takes nobody's answer along, and leaves nothing running.
        async with answer.lock:
            if not answer.known:
                answer.evidence = await self._ask(query, asking)
                answer.known = True
        return answer.evidence

    def _weigh(self, evidence: EvidenceResult | None, asking: Asking) -> Ruling:
        """Compares once in a review what hundreds of its images may share; the same ruling is also written once."""
        key = (self._condition.gate_id, id(evidence))
        # The answer is kept with it: as long as it lives, nothing else has its `id`.
        known: tuple[EvidenceResult | None, Ruling] | None = asking.shared.get(key)
        if known is None:
            provider = self._condition.query.provider_id
            shown = None if evidence is None else self._disclosure.disclosed(evidence, provider)
            known = asking.shared[key] = evidence, _ruling(evaluate(self._condition, evidence), shown)
        return known[1]

    async def _ask(self, query: EvidenceQuery, asking: Asking) -> EvidenceResult | None:
        if self._provider is None:
            return _NO_PROVIDER
        # Before the review's own deadline, which would take along what the gates have already said of this image.
        timer = asyncio.timeout(asking.deadline - LIMITS.condition_margin - time.monotonic())
        try:
            async with timer:
                return await self._provider.query(query, asking.context)
        except TimeoutError:
            if not timer.expired():
                raise  # Somebody else's time-out is a bug to be told, not a deadline.
            return None


def _facts(subject: Subject, asking: Asking) -> dict[Fact, str | None]:
    return {
        Fact.IMAGE_DIGEST: subject.digest,
        Fact.REPOSITORY: subject.repository,
        Fact.ENVIRONMENT: asking.environment,
        Fact.NAMESPACE: asking.context.workload_namespace,
        Fact.KIND: asking.kind,
        Fact.NAME: asking.name,
    }


def _bounded(ruling: Ruling, asking: Asking) -> Ruling:
    """Leaves out values once those of the review are too large: its record repeats them for each of many images."""
    shown = ruling.evidence
    if shown is None or shown.value is None:
        return ruling
    held = asking.shared.get(_SHOWN, 0) + len(ruling.canonical)
    if held > LIMITS.shown_bytes:
        return replace(ruling, evidence=redacted(shown))
    asking.shared[_SHOWN] = held
    return ruling


def _ruling(finding: Finding, shown: EvidenceResult | None = None) -> Ruling:
    return Ruling(finding.result, finding.found, shown)
