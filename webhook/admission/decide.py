"""From a review to a decision: which images, what is known of them, what the gates and conditions say."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from webhook.admission.at_once import all_at_once
from webhook.admission.decision import Decision, ImageDecision, Ruling, worst
from webhook.admission.gate_ruler import GateRuler
from webhook.admission.images import WorkloadImage, WorkloadNotReadableError, new_images, pull_identity
from webhook.admission.review import Review
from webhook.admission.rule import ImageRuler, Unruled
from webhook.admission.ruler import Asking, Ruler, Subject
from webhook.gates.execution_evidence import GATE_ID
from webhook.gates.registry import GATES
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceContext, TriggerTime
from webhook.model.gate import GateResult, Verdict
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


class Decider:
    """Decides by one snapshot of the settings."""

    def __init__(
        self,
        settings: Settings,
        providers: Mapping[str, EvidenceProvider],
        resolver: TagResolver | None = None,
    ) -> None:
        """Binds the decider to its snapshot.

        Args:
            settings: One snapshot, used throughout.
            providers: Who answers by the same snapshot, by id; those of all gates are among them.
            resolver: Resolves tags where `TagPolicy` says so; None where there is no registry store.
        """
        self._settings = settings
        self._ruler = ImageRuler(settings, resolver)
        self._gates = [GateRuler(gate, settings, providers[gate.provider_id]) for gate in GATES.values()]
        self._rulers: tuple[Ruler, ...] = (*self._gates,)

    async def decide(self, question: Question) -> Decision:
        """Decides about one review.

        Args:
            question: The review, its environment and its clock.

        Returns:
            The decision. It is complete by the deadline: what is not known by then is unavailable.
        """
        environment = question.environment
        rulers = self._active(environment)
        if not rulers:
            return Decision(environment, (), Ruling(self._gates[0].run(environment, {}), ""))
        try:
            images = new_images(question.review, question.body, self._settings.file.workloads)
        except WorkloadNotReadableError as error:
            reason, found = ReasonCode.WORKLOAD_NOT_SUPPORTED, str(error)
            rulings = [ruler.without_evidence(environment, reason, found) for ruler in rulers]
            return Decision(environment, (), worst(rulings))
        if not images:
            return Decision(environment, (), _NOTHING_NEW)
        return Decision(environment, tuple(await self._decide_images(images, question, rulers)))

    def unavailable(self, environment: str, found: str) -> Decision:
        """Decides where nothing could be found out.

        Args:
            environment: The target environment.
            found: Why, in one clause.

        Returns:
            The most severe of what all that have a say in the environment make of it; never a pass.
        """
        rulers = self._active(environment) or self._rulers
        return Decision(environment, (), worst([ruler.unavailable(environment, found) for ruler in rulers]))

    def _active(self, environment: str) -> list[Ruler]:
        return [ruler for ruler in self._rulers if ruler.active(environment)]

    async def _decide_images(
        self, images: list[WorkloadImage], question: Question, rulers: Sequence[Ruler]
    ) -> list[ImageDecision]:
        """Rules on each image; those that the deadline overtakes are unavailable, the others stay ruled on."""
        environment = question.environment
        decided = [self._ruler.rule_unasked(image, environment, rulers) for image in images]
        timer = asyncio.timeout(question.deadline - time.monotonic())
        try:
            async with timer:
                await self._ask(decided, self._asking(question), rulers)
        except TimeoutError:
            if not timer.expired():
                raise  # Somebody else's time-out is a bug to be told, not a deadline.
        return [_too_late(entry, environment, rulers) if isinstance(entry, Unruled) else entry for entry in decided]

    async def _ask(self, decided: list[ImageDecision | Unruled], asking: Asking, rulers: Sequence[Ruler]) -> None:
        """Puts a decision in the place of each image that is not ruled on, of some images at once.

        What passed before is asked about in turn: the answers are most likely at hand, and starting a task for each
        would take longer than they do.
        """
        apart = [
            place
            for place, entry in enumerate(decided)
            if isinstance(entry, Unruled) and not _passed_before(entry, asking.environment, rulers)
        ]

        async def work(places: Iterable[int]) -> None:
            for place in places:
                entry = decided[place]
                if isinstance(entry, Unruled):
                    decided[place] = await self._ruler.rule(entry, asking, rulers)

        if not apart or len(decided) == 1:
            await work(range(len(decided)))
            return
        left = iter(apart)
        crew = [work(left) for _ in range(min(len(apart), LIMITS.images_at_once))]
        in_turn = sorted({*range(len(decided))} - {*apart})
        await all_at_once([work(in_turn), *crew])

    def _asking(self, question: Question) -> Asking:
        review = question.review
        registry = self._settings.file.stores.registry
        context = EvidenceContext(
            tenant_id=_NO_TENANT,
            namespace_id=_NO_TENANT,
            run_id=review.uid,
            scenario_id="admission",
            stage_id=question.environment,
            trigger_id=review.uid,
            trigger_time=question.trigger_time,
            correlation_id=review.uid,
            pull=pull_identity(review) if registry is not None and registry.pull_secrets else None,
            workload_namespace=review.namespace,
        )
        return Asking(question.environment, context, review.kind.kind, review.object_name, {})


def _passed_before(unruled: Unruled, environment: str, rulers: Sequence[Ruler]) -> bool:
    reference = unruled.image.reference
    if reference is None or reference.digest is None:
        return False
    subject = Subject(reference.digest, reference.repository)
    return all(ruler.passed_before(subject, environment) for ruler in rulers)


def _too_late(unruled: Unruled, environment: str, rulers: Sequence[Ruler]) -> ImageDecision:
    late = "no answer from the evidence stores within the deadline"
    return ImageDecision(unruled.image, tuple([ruler.unavailable(environment, late) for ruler in rulers]))


_NOTHING_NEW = Ruling(
    GateResult(GATE_ID, Verdict.PASS, "The change brings no new image", ReasonCode.IMAGES_UNCHANGED), ""
)
