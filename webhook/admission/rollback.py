"""Letting an image return to a workload that ran it before, although its evidence has become stale.

The evidence still has to be there, trusted and sufficient: all that may be held against it is its age. And there
must be a ReplicaSet of this very workload with this image, at whose creation the image would have been admitted. The
providers' only clock is the trigger time, so they are asked the same again, for that instant: by today's keys and
today's policy. docs/adr/0021 says what that proves.
"""

import asyncio
import time
from collections.abc import Sequence

from webhook.admission.decision import Decision, ImageDecision, Revision, Rollback, Ruling
from webhook.admission.pods import workload_kind
from webhook.admission.review import Review
from webhook.admission.revisions import History, RevisionReader, owner_of, read_history
from webhook.admission.ruler import Asking, Ruler, Subject
from webhook.errors import UnavailableError
from webhook.gates.policy import RollbackPolicy
from webhook.model.evidence import TriggerTime
from webhook.model.gate import GateResult, Verdict
from webhook.model.timestamp import format_rfc3339, from_unix_millis
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings

KINDS = frozenset({"Deployment", "Rollout"})
"""Those whose revisions are ReplicaSets."""

_REST_OF_A_SECOND = 999
"""Milliseconds: a `creationTimestamp` is cut to the second, and the evidence must have been fresh to its end."""
_MESSAGE = "Evidence has become stale; this workload ran the image before, while it was fresh"
_NOBODY = "there is no API server to ask what the workload ran before"
_NEVER_RAN = "none of the workload's ReplicaSets has this image"
_LATE = "what the workload ran before could not be found out in time"
_NEVER_FRESH = "no ReplicaSet of the workload with this image was made while its evidence was fresh"


class RollbackRule:
    """Reconsiders decisions by one snapshot of the settings."""

    def __init__(self, settings: Settings, reader: RevisionReader | None) -> None:
        """Binds the rule.

        Args:
            settings: One snapshot, used throughout.
            reader: Reads histories; None where there is no cluster.
        """
        self._settings = settings
        self._reader = reader

    def speaks(self, decision: Decision, review: Review) -> bool:
        """Tells whether a history could change a decision.

        Args:
            decision: The decision.
            review: The request.

        Returns:
            True if staleness is all that stands against it, the workload can have a history, and the policy allows.
        """
        if review.operation != "UPDATE" or workload_kind(review).kind not in KINDS or review.old_object is None:
            return False
        return may_return(decision, self._settings)

    async def reconsider(
        self, decision: Decision, review: Review, body: bytes, rulers: Sequence[Ruler], asking: Asking
    ) -> Decision:
        """Asks the history, and rules anew on the images that are stale.

        Args:
            decision: A decision for which the rule speaks.
            review: The request.
            body: Its bytes.
            rulers: Those who made the rulings, in their order.
            asking: The review, as they were asked.

        Returns:
            The decision with what the history says.
        """
        timer = asyncio.timeout(asking.deadline - time.monotonic())
        try:
            async with timer:
                images = await self._reconsider(decision, review, body, rulers, asking)
        except TimeoutError:
            if not timer.expired():
                raise  # As in the panel: a bug to be told, not a deadline.
            late = Rollback(None, _LATE)
            images = [entry._replace(rollback=late) if _is_denied(entry) else entry for entry in decision.images]
        return Decision(decision.environment, tuple(images))

    async def _reconsider(
        self, decision: Decision, review: Review, body: bytes, rulers: Sequence[Ruler], asking: Asking
    ) -> list[ImageDecision]:
        history = await self._history(review, body)
        images: list[ImageDecision] = []
        for entry in decision.images:
            if not _is_denied(entry):
                images.append(entry)
            elif isinstance(history, str):
                images.append(entry._replace(rollback=Rollback(None, history)))
            else:
                subject = _subject(entry)
                revisions = history.of(subject.repository or "", subject.digest or "")
                images.append(await return_image(entry, revisions, rulers, asking))
        return images

    async def _history(self, review: Review, body: bytes) -> History | str:
        """Reads the history, or says why there is none."""
        if self._reader is None:
            return _NOBODY
        uid = review.old_object.metadata.uid if review.old_object is not None else ""
        owner = owner_of(uid, review.namespace, body)
        if owner is None:
            return _NEVER_RAN
        try:
            return await read_history(self._reader, owner)
        except UnavailableError as error:
            return f"the workload's ReplicaSets cannot be read: {error.detail}"


def may_return(decision: Decision, settings: Settings) -> bool:
    """Tells whether a history could change a decision, if the workload can have one.

    Args:
        decision: The decision.
        settings: The snapshot it was made with.

    Returns:
        True if staleness is all that stands against it, and the policy allows.
    """
    here = settings.policy.for_environment(decision.environment)
    if here.rollback is not RollbackPolicy.ALLOW_PREVIOUSLY_ADMITTED:
        return False
    against = [ruling for _, ruling in decision.speaking(Verdict.FAIL)]
    return bool(against) and all(map(_is_stale, against))


async def return_image(
    entry: ImageDecision, revisions: Sequence[Revision], rulers: Sequence[Ruler], asking: Asking
) -> ImageDecision:
    """Rules anew on an image that is stale.

    Args:
        entry: The image; staleness is all that stands against it.
        revisions: ReplicaSets of its workload that had it, the newest first.
        rulers: Those who made its rulings, in their order.
        asking: The review, as they were asked.

    Returns:
        The image, admitted with a warning if it would have been admitted when one of them was made; else denied as it
        was. Either way it tells what was found.
    """
    for revision in revisions:
        # Evidence that is at hand is never waited for: without this, neither others nor the deadline have their turn.
        await asyncio.sleep(0)
        then = await _rulings_at(revision, entry, rulers, asking)
        if then is not None:
            overruled = tuple([ruling for ruling in entry.rulings if _stands_against(ruling)])
            found = f"ReplicaSet/{revision.name}, made {format_rfc3339(from_unix_millis(revision.created))}"
            return entry._replace(rulings=then, rollback=Rollback(revision, found, overruled))
    return entry._replace(rollback=Rollback(None, _NEVER_FRESH if revisions else _NEVER_RAN))


async def _rulings_at(
    revision: Revision, entry: ImageDecision, rulers: Sequence[Ruler], asking: Asking
) -> tuple[Ruling, ...] | None:
    """Rules for the instant at which a ReplicaSet was made; None if somebody would not have passed the image."""
    instant = TriggerTime("unix_millis", revision.created + _REST_OF_A_SECOND)
    context = asking.context._replace(trigger_time=instant)
    then = asking._replace(context=context)
    rulings = []
    for ruler, ruling in zip(rulers, entry.rulings, strict=True):
        if not _stands_against(ruling):
            rulings.append(ruling)
            continue
        earlier = await ruler.rule(_subject(entry), then)
        if earlier.result.result is not Verdict.PASS:
            return None
        result = GateResult(ruling.result.gate, Verdict.WARN, _MESSAGE, ReasonCode.ROLLBACK)
        rulings.append(Ruling(result, earlier.found, earlier.evidence))
    return tuple(rulings)


def _is_denied(entry: ImageDecision) -> bool:
    return entry.result.result is Verdict.FAIL


def _stands_against(ruling: Ruling) -> bool:
    return ruling.result.result is Verdict.FAIL


def _is_stale(ruling: Ruling) -> bool:
    return ruling.result.reason is ReasonCode.EVIDENCE_STALE


def _subject(entry: ImageDecision) -> Subject:
    reference = entry.image.reference
    if reference is None:
        return Subject(None, None)
    return Subject(entry.resolved or reference.digest, reference.repository)
