"""Everybody who has a say in a decision, and what they make of a workload's images together.

What is known of the images comes from providers that answer now, or from a record: this part cannot tell.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence

from webhook.admission.at_once import all_at_once
from webhook.admission.decision import Decision, ImageDecision, Ruling, worst
from webhook.admission.gate_ruler import GateRuler
from webhook.admission.images import WorkloadImage
from webhook.admission.rule import ImageRuler, Unruled
from webhook.admission.ruler import Asking, Ruler, Subject
from webhook.gates.execution_evidence import GATE_ID
from webhook.limits import LIMITS
from webhook.model.gate import GateResult, Verdict
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings
from webhook.stores.protocol import TagResolver

LATE = "no answer from the evidence stores within the deadline"
"""What is found of an image that the deadline overtakes."""


class Panel:
    """The gates and conditions of one snapshot of the settings.

    Attributes:
        gates: The gates, in the order in which they speak.
    """

    def __init__(
        self,
        settings: Settings,
        gates: Sequence[GateRuler],
        conditions: Sequence[Ruler],
        resolver: TagResolver | None,
    ) -> None:
        """Seats the panel.

        Args:
            settings: The snapshot.
            gates: All gates; never empty.
            conditions: All conditions; they speak after the gates.
            resolver: Resolves tags where `TagPolicy` says so; None where there is no registry store.
        """
        self.gates = gates
        self._rulers: Sequence[Ruler] = (*gates, *conditions)
        self._ruler = ImageRuler(settings, resolver)

    def active(self, environment: str) -> list[Ruler]:
        """Finds who has a say.

        Args:
            environment: The target environment.

        Returns:
            Those gates and conditions, in their order.
        """
        return [ruler for ruler in self._rulers if ruler.active(environment)]

    def inactive(self, environment: str) -> Decision:
        """Decides where nobody has a say.

        Args:
            environment: The target environment.

        Returns:
            A pass that says why.
        """
        return Decision(environment, (), Ruling(self.gates[0].run(environment, {}), ""))

    def unchanged(self, environment: str) -> Decision:
        """Decides about a change that brings no new image.

        Args:
            environment: The target environment.

        Returns:
            A pass.
        """
        return Decision(environment, (), _NOTHING_NEW)

    def unreadable(self, environment: str, found: str) -> Decision:
        """Decides about an object whose images cannot be read.

        Args:
            environment: A target environment in which somebody has a say.
            found: Why they cannot, in one clause.

        Returns:
            The most severe of what they make of it; never a pass.
        """
        reason = ReasonCode.WORKLOAD_NOT_SUPPORTED
        rulings = [ruler.without_evidence(environment, reason, found) for ruler in self.active(environment)]
        return Decision(environment, (), worst(rulings))

    def unavailable(self, environment: str, found: str) -> Decision:
        """Decides where nothing could be found out.

        Args:
            environment: The target environment.
            found: Why, in one clause.

        Returns:
            The most severe of what all that have a say in the environment make of it; never a pass.
        """
        rulers = self.active(environment) or self.gates
        return Decision(environment, (), worst([ruler.unavailable(environment, found) for ruler in rulers]))

    async def decide_images(
        self, images: Sequence[WorkloadImage], asking: Asking, rulers: Sequence[Ruler]
    ) -> Decision:
        """Rules on images; those that the deadline overtakes are unavailable, the others stay ruled on.

        Args:
            images: At least one.
            asking: The review.
            rulers: Those of `active` in its environment; at least one.

        Returns:
            One decision for each.
        """
        environment = asking.environment
        decided = [self._ruler.rule_unasked(image, environment, rulers) for image in images]
        timer = asyncio.timeout(asking.deadline - time.monotonic())
        try:
            async with timer:
                await self._ask(decided, asking, rulers)
        except TimeoutError:
            if not timer.expired():
                raise  # Somebody else's time-out is a bug to be told, not a deadline.
        ruled = [_too_late(entry, environment, rulers) if isinstance(entry, Unruled) else entry for entry in decided]
        return Decision(environment, tuple(ruled))

    def late(self, image: WorkloadImage, environment: str) -> ImageDecision:
        """Rules on an image that the deadline has overtaken.

        Args:
            image: The image.
            environment: A target environment in which somebody has a say.

        Returns:
            What its reference alone says, or else that nothing is known of it.
        """
        rulers = self.active(environment)
        entry = self._ruler.rule_unasked(image, environment, rulers)
        return _too_late(entry, environment, rulers) if isinstance(entry, Unruled) else entry

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


def _passed_before(unruled: Unruled, environment: str, rulers: Sequence[Ruler]) -> bool:
    reference = unruled.image.reference
    if reference is None or reference.digest is None:
        return False
    subject = Subject(reference.digest, reference.repository)
    return all(ruler.passed_before(subject, environment) for ruler in rulers)


def _too_late(unruled: Unruled, environment: str, rulers: Sequence[Ruler]) -> ImageDecision:
    return ImageDecision(unruled.image, tuple([ruler.unavailable(environment, LATE) for ruler in rulers]))


_NOTHING_NEW = Ruling(
    GateResult(GATE_ID, Verdict.PASS, "The change brings no new image", ReasonCode.IMAGES_UNCHANGED), ""
)
