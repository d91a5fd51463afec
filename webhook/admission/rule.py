"""What is said about one image: by its reference alone, or after providers were asked."""

from collections.abc import Sequence
from typing import NamedTuple

from webhook.admission.at_once import all_at_once
from webhook.admission.decision import ImageDecision, Ruling
from webhook.admission.images import WorkloadImage
from webhook.admission.ruler import Asking, Ruler, Subject
from webhook.errors import UnavailableError
from webhook.gates.execution_evidence import GATE_ID
from webhook.gates.policy import TagPolicy
from webhook.model.gate import GateResult, Verdict
from webhook.model.image import ImageReference
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings
from webhook.stores.protocol import TagResolver

_DEFAULT_TAG = "latest"
"""What a runtime pulls where neither tag nor digest is named."""
NOT_RESOLVED = "the tag cannot be resolved: "
"""How a ruling begins on an image whose tag nobody could look up."""


class Unruled(NamedTuple):
    """An image that somebody must be asked about.

    Attributes:
        image: The image.
        reason: Why there is no digest to ask about; None if there is one, or a tag to resolve.
        problem: The same in one clause.
    """

    image: WorkloadImage
    reason: ReasonCode | None = None
    problem: str = ""


class ImageRuler:
    """Rules on images by one snapshot of the settings, with every ruler that has a say."""

    def __init__(self, settings: Settings, resolver: TagResolver | None) -> None:
        """Binds the ruler to its snapshot.

        Args:
            settings: One snapshot, used throughout.
            resolver: Resolves tags where `TagPolicy` says so; None where there is no registry store.
        """
        self._settings = settings
        self._resolver = resolver

    def rule_unasked(
        self, image: WorkloadImage, environment: str, rulers: Sequence[Ruler]
    ) -> ImageDecision | Unruled:
        """Rules on an image that nobody need be asked about.

        Args:
            image: The image.
            environment: The target environment.
            rulers: Those that have a say.

        Returns:
            The decision, or the image that somebody must be asked about.
        """
        reference = image.reference
        if reference is None:
            unruled = Unruled(image, ReasonCode.IMAGE_REFERENCE_INVALID, image.problem)
        elif self._settings.exempt_images and self._settings.is_exempt(reference.repository):
            return ImageDecision(image, (Ruling(_EXEMPT, f"{reference.repository} matches exemptImages"),))
        elif reference.digest is None and not self._resolves(environment):
            found = "a tag, which may point to another image tomorrow"
            unruled = Unruled(image, ReasonCode.IMAGE_NOT_PINNED, found)
        else:
            return Unruled(image)
        if all(ruler.needs_digest for ruler in rulers):
            return ImageDecision(image, _without_evidence(unruled, environment, rulers))
        return unruled

    async def rule(self, unruled: Unruled, asking: Asking, rulers: Sequence[Ruler]) -> ImageDecision:
        """Rules on an image by what is known of it.

        Args:
            unruled: What `rule_unasked` gave.
            asking: The review.
            rulers: Those that have a say.

        Returns:
            The decision.
        """
        reference = unruled.image.reference
        if reference is None or unruled.reason is not None:
            return await self._rule_without_digest(unruled, asking, rulers)
        if reference.digest is not None:
            subject = Subject(reference.digest, reference.repository)
            return ImageDecision(unruled.image, await _ask_all(subject, asking, rulers))
        try:
            digest = await self._resolve(reference, asking)
        except UnavailableError as error:
            found = f"{NOT_RESOLVED}{error.detail}"
            rulings = tuple([ruler.unavailable(asking.environment, found) for ruler in rulers])
            return ImageDecision(unruled.image, rulings)
        if digest is None:
            found = f"a tag that {reference.host} does not know, or a repository that must not be asked"
            unruled = unruled._replace(reason=ReasonCode.IMAGE_NOT_PINNED, problem=found)
            return await self._rule_without_digest(unruled, asking, rulers)
        rulings = await _ask_all(Subject(digest, reference.repository), asking, rulers)
        return ImageDecision(unruled.image, rulings, digest)

    async def _rule_without_digest(self, unruled: Unruled, asking: Asking, rulers: Sequence[Ruler]) -> ImageDecision:
        reference = unruled.image.reference
        subject = Subject(None, None if reference is None else reference.repository)
        asked = iter(await _ask_all(subject, asking, [ruler for ruler in rulers if not ruler.needs_digest]))
        unasked = iter(
            _without_evidence(unruled, asking.environment, [ruler for ruler in rulers if ruler.needs_digest])
        )
        # In the rulers' order: of equally severe rulings the first one speaks, and a record keeps it.
        rulings = tuple([next(unasked if ruler.needs_digest else asked) for ruler in rulers])
        return ImageDecision(unruled.image, rulings)

    def _resolves(self, environment: str) -> bool:
        policy = self._settings.policy.for_environment(environment)
        return policy.tag_policy is TagPolicy.RESOLVE and self._resolver is not None

    async def _resolve(self, reference: ImageReference, asking: Asking) -> str | None:
        """Gives the digest that a tag points to now; None if there is none."""
        if self._resolver is None:
            return None
        return await self._resolver.resolve(reference.repository, reference.tag or _DEFAULT_TAG, asking.context.pull)


def _without_evidence(unruled: Unruled, environment: str, rulers: Sequence[Ruler]) -> tuple[Ruling, ...]:
    reason = unruled.reason or ReasonCode.IMAGE_REFERENCE_INVALID
    return tuple([ruler.without_evidence(environment, reason, unruled.problem) for ruler in rulers])


async def _ask_all(subject: Subject, asking: Asking, rulers: Sequence[Ruler]) -> tuple[Ruling, ...]:
    if len(rulers) == 1:
        # The usual case; a task would take longer than a warm answer does.
        return (await rulers[0].rule(subject, asking),)
    return tuple(await all_at_once([ruler.rule(subject, asking) for ruler in rulers]))


_EXEMPT = GateResult(GATE_ID, Verdict.PASS, "Image is exempt from execution evidence", ReasonCode.IMAGE_EXEMPT)
