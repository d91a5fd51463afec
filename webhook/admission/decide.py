"""From a review to a decision: which images, what is known of them, what the gate says."""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from typing import Any, NamedTuple

from webhook.admission.decision import Decision, ImageDecision, Ruling
from webhook.admission.images import WorkloadImage, WorkloadNotReadableError, new_images, pull_identity
from webhook.admission.review import Review
from webhook.admission.rule import ImageRuler, unavailable
from webhook.gates.execution_evidence import GATE_ID
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceContext, TriggerTime
from webhook.model.gate import GateResult, Verdict
from webhook.model.image import ImageReference
from webhook.providers.protocol import EvidenceProvider
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings
from webhook.stores.protocol import TagResolver

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


_Entry = ImageDecision | ImageReference
"""A decision, or the reference that somebody must be asked about."""


class Decider:
    """Decides by one snapshot of the settings."""

    def __init__(self, settings: Settings, provider: EvidenceProvider, resolver: TagResolver | None = None) -> None:
        """Binds the decider to its snapshot.

        Args:
            settings: One snapshot, used throughout.
            provider: Answers for image digests by the same snapshot.
            resolver: Resolves tags where `TagPolicy` says so; None where there is no registry store.
        """
        self._settings = settings
        self._ruler = ImageRuler(settings, provider, resolver)

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
            return Decision(environment, (), Ruling(self._ruler.run_gate(environment, {}), ""))
        try:
            images = new_images(question.review, question.body, self._settings.file.workloads)
        except WorkloadNotReadableError as error:
            ruling = self._ruler.without_evidence(environment, ReasonCode.WORKLOAD_NOT_SUPPORTED, str(error))
            return Decision(environment, (), ruling)
        if not images:
            return Decision(environment, (), _NOTHING_NEW)
        return Decision(environment, tuple(await self._decide_images(images, question)))

    async def _decide_images(self, images: list[WorkloadImage], question: Question) -> list[ImageDecision]:
        """Rules on each image; those that the deadline overtakes are unavailable, the others stay ruled on."""
        decided = [self._ruler.rule_unasked(image, question.environment) for image in images]
        timer = asyncio.timeout(question.deadline - time.monotonic())
        try:
            async with timer:
                await self._ask(images, decided, self._context(question))
        except TimeoutError:
            if not timer.expired():
                raise  # Somebody else's time-out is a bug to be told, not a deadline.
        return [
            self._too_late(image, question.environment) if isinstance(entry, ImageReference) else entry
            for image, entry in zip(images, decided, strict=True)
        ]

    async def _ask(self, images: list[WorkloadImage], decided: list[_Entry], context: EvidenceContext) -> None:
        """Puts a decision in the place of each reference, of some images at once.

        What passed before is asked about in turn: the answers are most likely at hand, and starting a task for each
        would take longer than they do.
        """
        apart = [
            place
            for place, entry in enumerate(decided)
            if isinstance(entry, ImageReference) and not self._ruler.passed_before(entry, context.stage_id)
        ]

        async def work(places: Iterable[int]) -> None:
            for place in places:
                entry = decided[place]
                if isinstance(entry, ImageReference):
                    decided[place] = await self._ruler.rule(images[place], entry, context)

        if not apart or len(images) == 1:
            await work(range(len(images)))
            return
        left = iter(apart)
        crew = [work(left) for _ in range(min(len(apart), LIMITS.images_at_once))]
        in_turn = sorted({*range(len(images))} - {*apart})
        await _all_at_once([work(in_turn), *crew])

    def _too_late(self, image: WorkloadImage, environment: str) -> ImageDecision:
        late = "no answer from the evidence stores within the deadline"
        return ImageDecision(image, Ruling(unavailable(self._settings, environment), late))

    def _context(self, question: Question) -> EvidenceContext:
        registry = self._settings.file.stores.registry
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
            pull=pull_identity(question.review) if registry is not None and registry.pull_secrets else None,
        )


async def _all_at_once(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Awaits all; the first that fails, or the deadline, ends the others."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


_NOTHING_NEW = Ruling(
    GateResult(GATE_ID, Verdict.PASS, "The change brings no new image", ReasonCode.IMAGES_UNCHANGED), ""
)
