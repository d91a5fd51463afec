"""From a review to a decision: which images, what is known of them, what the gate says."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from webhook.admission.decision import Decision, ImageDecision, Ruling
from webhook.admission.images import WorkloadImage, WorkloadNotReadableError, new_images
from webhook.admission.review import Review
from webhook.gates.execution_evidence import GATE_ID
from webhook.gates.policy import Action
from webhook.gates.registry import GATES
from webhook.limits import LIMITS
from webhook.model import gate
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult, TriggerTime
from webhook.model.gate import GateContext, GateResult, Verdict
from webhook.providers.execution_evidence import CHECK_METADATA
from webhook.providers.protocol import EvidenceProvider
from webhook.reasons import ReasonCode
from webhook.settings import Settings

_NO_TENANT = 2**64 - 1
"""The contract wants ids; admission asks for itself. The highest id, which nobody maps to a tenant."""


class Question(NamedTuple):
    """One review and everything that its decision depends on.

    Attributes:
        review: The request.
        body: The bytes that it was decoded from.
        environment: The target environment, from the URL.
        trigger_time: The clock, Unix milliseconds.
        deadline: When an answer must stand, on `time.monotonic`'s scale, seconds.
    """

    review: Review
    body: bytes
    environment: str
    trigger_time: TriggerTime
    deadline: float


class Decider:
    """Decides by one snapshot of the settings.

    A ruling depends on nothing but the settings, the environment and the provider's answer. A provider that gives
    the very same answer object again (the warm case) therefore gets the ruling that it got before.
    """

    def __init__(self, settings: Settings, provider: EvidenceProvider) -> None:
        """Binds the decider to its snapshot.

        Args:
            settings: One snapshot, used throughout.
            provider: Answers for image digests by the same snapshot.
        """
        self._settings = settings
        self._provider = provider
        self._rulings: dict[tuple[str | None, ...], Ruling] = {}

    async def decide(self, question: Question) -> Decision:
        """Decides about one review.

        Args:
            question: The review, its environment and its clock.

        Returns:
            The decision. It is complete by the deadline: what is not known by then is unavailable.
        """
        environment = question.environment
        policy = self._settings.policy.for_environment(environment)
        if not (policy.enabled and policy.requires(environment)):
            return Decision(environment, (), Ruling(self._run_gate(environment, {}), ""))
        try:
            images = new_images(question.review, question.body, self._settings.file.workloads)
        except WorkloadNotReadableError as error:
            ruling = self._without_evidence(environment, ReasonCode.WORKLOAD_NOT_SUPPORTED, str(error))
            return Decision(environment, (), ruling)
        if not images:
            return Decision(environment, (), _NOTHING_NEW)
        return Decision(environment, tuple(await self._decide_images(images, question)))

    async def _decide_images(self, images: list[WorkloadImage], question: Question) -> list[ImageDecision]:
        """Rules on each image; those that the deadline overtakes are unavailable, the others stay ruled on."""
        context = _context(question)
        decided: list[ImageDecision] = []
        timer = asyncio.timeout(question.deadline - time.monotonic())
        try:
            async with timer:
                for image in images:
                    ruling = self._rule_unasked(image, question.environment) or await self._ask(image, context)
                    decided.append(ImageDecision(image, ruling))
        except TimeoutError:
            if not timer.expired():
                raise  # Somebody else's time-out is a bug to be told, not a deadline.
            late = "no answer from the evidence stores within the deadline"
            ruling = Ruling(unavailable(self._settings, question.environment), late)
            decided += [ImageDecision(image, ruling) for image in images[len(decided) :]]
        return decided

    def _rule_unasked(self, image: WorkloadImage, environment: str) -> Ruling | None:
        """Rules on an image that no provider need be asked for; None if one must."""
        reference = image.reference
        if reference is None:
            return self._without_evidence(environment, ReasonCode.IMAGE_REFERENCE_INVALID, image.problem)
        if self._settings.is_exempt(reference.repository):
            return Ruling(_EXEMPT, f"{reference.repository} matches exemptImages")
        if reference.digest is None:
            found = "a tag, which may point to another image tomorrow"
            return self._without_evidence(environment, ReasonCode.IMAGE_NOT_PINNED, found)
        return None

    async def _ask(self, image: WorkloadImage, context: EvidenceContext) -> Ruling:
        reference = image.reference
        params = {
            "image_digest": reference.digest if reference is not None else None,
            "repository": reference.repository if reference is not None else None,
            "environment": context.stage_id,
        }
        query = EvidenceQuery(self._provider.provider_id, CHECK_METADATA, params)
        evidence = await self._provider.query(query, context)
        key = (*params.values(),)
        known = self._rulings.get(key)
        if known is not None and known.evidence is evidence:
            return known
        ruling = self._rule(evidence, context.stage_id)
        if evidence.error is None:
            if key not in self._rulings and len(self._rulings) >= LIMITS.verdict_cache_entries:
                self._rulings.pop(next(iter(self._rulings)))
            self._rulings[key] = ruling
        return ruling

    def _rule(self, evidence: EvidenceResult, environment: str) -> Ruling:
        if evidence.error is not None or evidence.value is None:
            found = evidence.error.message if evidence.error is not None else "an empty answer"
            return Ruling(unavailable(self._settings, environment), found, evidence)
        metadata = evidence.value.value
        result = self._run_gate(environment, metadata)
        if result.reason is ReasonCode.EVIDENCE_MISSING:
            # Say what was found and did not count; the verdict stays the gate's.
            result = replace(result, reason=ReasonCode(metadata[gate.REASON]))
        return Ruling(result, metadata[gate.DETAIL], evidence)

    def _without_evidence(self, environment: str, reason: ReasonCode, found: str) -> Ruling:
        """Treats what cannot be looked up as what has no evidence."""
        result = self._run_gate(environment, {gate.HAS_EVIDENCE: "false"})
        return Ruling(replace(result, reason=reason), found)

    def _run_gate(self, environment: str, metadata: Mapping[str, str]) -> GateResult:
        return GATES[GATE_ID](self._settings.policy, GateContext(environment, metadata))


def unavailable(settings: Settings, environment: str) -> GateResult:
    """Gives the result for an artifact about which nothing could be found out.

    Args:
        settings: The snapshot in force.
        environment: The target environment.

    Returns:
        Warn or Fail by `UnavailableEvidenceAction`; never Pass.
    """
    action = settings.policy.for_environment(environment).unavailable_action
    verdict = Verdict.WARN if action is Action.WARN else Verdict.FAIL
    message = "Execution evidence could not be looked up for this artifact"
    return GateResult(GATE_ID, verdict, message, ReasonCode.EVIDENCE_UNAVAILABLE)


def _context(question: Question) -> EvidenceContext:
    uid = question.review.uid
    return EvidenceContext(
        tenant_id=_NO_TENANT,
        namespace_id=_NO_TENANT,
        run_id=uid,
        scenario_id="admission",
        stage_id=question.environment,
        trigger_id=uid,
        trigger_time=question.trigger_time,
        correlation_id=uid,
    )


_EXEMPT = GateResult(GATE_ID, Verdict.PASS, "Image is exempt from execution evidence", ReasonCode.IMAGE_EXEMPT)
_NOTHING_NEW = Ruling(
    GateResult(GATE_ID, Verdict.PASS, "The change brings no new image", ReasonCode.IMAGES_UNCHANGED), ""
)
