"""From a review to a decision: which images, what is known of them, what the gate says."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from webhook.admission.decision import Decision, ImageDecision
from webhook.admission.images import WorkloadImage, WorkloadNotReadableError, new_images
from webhook.admission.review import Review
from webhook.gates.execution_evidence import GATE_ID
from webhook.gates.policy import Action
from webhook.gates.registry import GATES
from webhook.model import gate
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult, TriggerTime
from webhook.model.gate import GateContext, GateResult, Verdict
from webhook.providers.execution_evidence import CHECK_METADATA
from webhook.providers.protocol import EvidenceProvider
from webhook.reasons import ReasonCode
from webhook.settings import Settings

_NO_TENANT = 2**64 - 1
"""The contract wants ids; admission asks for itself. The highest id, which nobody maps to a tenant."""

_NOTHING_TO_ASK = frozenset({ReasonCode.GATE_DISABLED, ReasonCode.ENVIRONMENT_NOT_REQUIRED})


@dataclass(frozen=True, slots=True)
class Question:
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


async def decide(question: Question, settings: Settings, provider: EvidenceProvider) -> Decision:
    """Decides about one review.

    Args:
        question: The review, its environment and its clock.
        settings: One snapshot, used throughout.
        provider: Answers for image digests by the same snapshot.

    Returns:
        The decision. It is complete by the deadline: what is not known by then is unavailable.
    """
    environment = question.environment
    preliminary = _run_gate(settings, environment, {})
    if preliminary.reason in _NOTHING_TO_ASK:
        return Decision(environment, (), preliminary)
    try:
        images = new_images(question.review, question.body, settings.file.workloads)
    except WorkloadNotReadableError as error:
        return Decision(environment, (), replace(preliminary, reason=ReasonCode.WORKLOAD_NOT_SUPPORTED), str(error))
    if not images:
        return Decision(environment, (), _pass("No new image", ReasonCode.IMAGES_UNCHANGED))
    return Decision(
        environment, tuple([await _decide_image(image, question, settings, provider) for image in images])
    )


async def _decide_image(
    image: WorkloadImage, question: Question, settings: Settings, provider: EvidenceProvider
) -> ImageDecision:
    reference = image.reference
    if reference is None:
        return _without_query(image, question, settings, ReasonCode.IMAGE_REFERENCE_INVALID, image.problem)
    if settings.is_exempt(reference.repository):
        result = _pass("Image is exempt from execution evidence", ReasonCode.IMAGE_EXEMPT)
        return ImageDecision(image, result, f"{reference.repository} matches exemptImages", None)
    if reference.digest is None:
        found = "a tag, which may point to another image tomorrow"
        return _without_query(image, question, settings, ReasonCode.IMAGE_NOT_PINNED, found)
    query = EvidenceQuery(
        provider.provider_id,
        CHECK_METADATA,
        {
            "image_digest": reference.digest,
            "repository": reference.repository,
            "environment": question.environment,
        },
    )
    evidence = await _ask(provider, query, question)
    if evidence is None:
        found = "no answer from the evidence stores within the deadline"
        return ImageDecision(image, unavailable(settings, question.environment), found, None)
    if evidence.error is not None or evidence.value is None:
        found = evidence.error.message if evidence.error is not None else "an empty answer"
        return ImageDecision(image, unavailable(settings, question.environment), found, evidence)
    metadata = evidence.value.value
    result = _run_gate(settings, question.environment, metadata)
    return ImageDecision(image, _explain(result, metadata), metadata[gate.DETAIL], evidence)


async def _ask(provider: EvidenceProvider, query: EvidenceQuery, question: Question) -> EvidenceResult | None:
    """Asks the provider; None when the deadline passes first."""
    uid = question.review.uid
    context = EvidenceContext(
        tenant_id=_NO_TENANT,
        namespace_id=_NO_TENANT,
        run_id=uid,
        scenario_id="admission",
        stage_id=question.environment,
        trigger_id=uid,
        trigger_time=question.trigger_time,
        correlation_id=uid,
    )
    try:
        async with asyncio.timeout(question.deadline - time.monotonic()):
            return await provider.query(query, context)
    except TimeoutError:
        return None


def _without_query(
    image: WorkloadImage, question: Question, settings: Settings, reason: ReasonCode, found: str
) -> ImageDecision:
    """Treats an image that cannot be looked up as one without evidence."""
    result = _run_gate(settings, question.environment, {gate.HAS_EVIDENCE: "false"})
    return ImageDecision(image, replace(result, reason=reason), found, None)


def _run_gate(settings: Settings, environment: str, metadata: Mapping[str, str]) -> GateResult:
    return GATES[GATE_ID](settings.policy, GateContext(environment, metadata))


def _explain(result: GateResult, metadata: Mapping[str, str]) -> GateResult:
    """Replaces "missing" by what was found and did not count; the verdict stays the gate's."""
    if result.reason is not ReasonCode.EVIDENCE_MISSING:
        return result
    return replace(result, reason=ReasonCode(metadata[gate.REASON]))


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


def _pass(message: str, reason: ReasonCode) -> GateResult:
    return GateResult(GATE_ID, Verdict.PASS, message, reason)
