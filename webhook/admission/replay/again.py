"""A decision made again, by the gates, conditions and providers that made it, from what is recorded of it."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from webhook.admission.decide import NO_TENANT
from webhook.admission.decision import Decision, ImageDecision, Revision, Rollback
from webhook.admission.gate_ruler import GateRuler
from webhook.admission.images import WorkloadImage, read_reference
from webhook.admission.panel import Panel
from webhook.admission.pods import ContainerUse
from webhook.admission.record import DecisionRecord, Rules, write_record
from webhook.admission.replay.bypass import bypass_again
from webhook.admission.replay.failure import TamperedError
from webhook.admission.replay.recall import Envelopes, Judging, RecalledCondition, RecalledProvider, RecalledTag
from webhook.admission.replay.recorded import Content, Recorded, RecordedImage, RecordedRuling
from webhook.admission.replay.rules import rules_of_configuration, rules_of_record
from webhook.admission.rollback import may_return, return_image
from webhook.admission.ruler import Asking
from webhook.gates.registry import GATES
from webhook.limits import LIMITS
from webhook.model.canonical_value import canonical_value
from webhook.model.disclosure import Disclosure
from webhook.model.evidence import EvidenceContext, TriggerTime
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings

_AMPLE_SECONDS = 3600.0
"""A replay has no deadline; what was late then is late again, and nothing else is."""


class _Seats(NamedTuple):
    """A panel, and who answers each of its members."""

    panel: Panel
    tag: RecalledTag
    providers: dict[int, tuple[str, RecalledProvider]]
    """By the `id` of the ruler: its gate id, and who answers it."""

    def forget(self) -> None:
        """Leaves nobody with an answer, for an image about which nobody was asked."""
        for _, provider in self.providers.values():
            provider.ruling = None

    def recall(self, rulings: Sequence[RecordedRuling], environment: str) -> None:
        """Tells each that has a say what it ruled then.

        Raises:
            TamperedError: It ruled nothing.
        """
        answering = [self.providers[id(ruler)] for ruler in self.panel.active(environment)]
        if [name for name, _ in answering] != [ruling.result.gate for ruling in rulings]:
            raise TamperedError("its rulings are not those that its policy and conditions ask for")
        for (_, provider), ruling in zip(answering, rulings, strict=True):
            provider.ruling = ruling


class Replayer:
    """Makes decisions again.

    Attributes:
        settings: The configuration; None to take what each record says of it.
    """

    def __init__(self, settings: Settings | None, envelopes: Envelopes | None, judging: Judging) -> None:
        """Binds the replayer to what it works with.

        Args:
            settings: The configuration; None to take what each record says of it.
            envelopes: Evidence that is verified and judged anew; None to take the recorded answers instead.
            judging: Makes the providers that judge; they need a configuration.
        """
        self.settings = settings
        self._envelopes = envelopes
        self._judging = None if settings is None else judging
        self._seats: dict[Disclosure, _Seats] = {}

    async def replay(self, recorded: Recorded) -> DecisionRecord:
        """Makes a decision again, and writes its record.

        Args:
            recorded: The record.

        Returns:
            The record as this software writes it: the same bytes, if the decision follows from what is recorded.

        Raises:
            CannotReplayError: Something is missing.
            TamperedError: The record contradicts itself.
        """
        content = recorded.content
        settings = (
            rules_of_record(content) if self.settings is None else rules_of_configuration(self.settings, content)
        )
        decision = await bypass_again(await self._decide(content, settings), content, settings)
        rules = Rules.of(settings, decision.environment)
        if self.settings is None:
            # What the keys are is not in the record, so their digest is taken as it is.
            rules = rules._replace(trust=content.decision.trust)
        request = canonical_value(recorded.document["request"])
        return write_record(decision, request, rules, _trigger_time(content))

    async def _decide(self, content: Content, settings: Settings) -> Decision:
        environment = content.decision.environment
        seats = self._seat(settings) if self.settings is None else self._seated(settings)
        if content.overall is not None:
            if content.images:
                raise TamperedError("it rules on images and on the review as a whole")
            return _overall(seats.panel, environment, content.overall.result.reason, content.overall.found)
        if not content.images:
            raise TamperedError("it rules on nothing")
        asking = asking_again(content)
        ruled = [await _rule(seats, image, asking) for image in content.images]
        decision = Decision(environment, tuple(ruled))
        if all(image.rollback is None for image in content.images):
            return decision
        if content.request.operation != "UPDATE" or not may_return(decision, settings):
            raise TamperedError("a workload's history was asked where it had nothing to say")
        returned = [
            await _return(seats, entry, image, asking) for entry, image in zip(ruled, content.images, strict=True)
        ]
        return Decision(environment, tuple(returned))

    def _seated(self, settings: Settings) -> _Seats:
        """Seats a panel once for each disclosure, since nothing else differs between records of a configuration."""
        if settings.disclosure not in self._seats:
            self._seats[settings.disclosure] = self._seat(settings)
        return self._seats[settings.disclosure]

    def _seat(self, settings: Settings) -> _Seats:
        tag, providers = RecalledTag(), {}
        gates, conditions = [], []
        for gate in GATES.values():
            provider = RecalledProvider(gate.provider_id, settings, self._envelopes, self._judging)
            gates.append(GateRuler(gate, settings, provider))
            providers[id(gates[-1])] = gate.gate_id, provider
        for condition in settings.conditions:
            provider = RecalledProvider(condition.query.provider_id, settings, self._envelopes, self._judging)
            conditions.append(RecalledCondition(condition, settings.disclosure, provider))
            providers[id(conditions[-1])] = condition.gate_id, provider
        return _Seats(Panel(settings, gates, conditions, tag), tag, providers)


def asking_again(content: Content) -> Asking:
    """Puts the question of a review again.

    Args:
        content: The record.

    Returns:
        The question, with ample time to answer it.
    """
    request, clock = content.request, content.decision.trigger_time
    context = EvidenceContext(
        tenant_id=NO_TENANT,
        namespace_id=NO_TENANT,
        run_id=request.uid,
        scenario_id="admission",
        stage_id=content.decision.environment,
        trigger_id=request.uid,
        trigger_time=TriggerTime(clock.kind, clock.value),
        correlation_id=request.uid,
        workload_namespace=request.namespace,
    )
    deadline = time.monotonic() + _AMPLE_SECONDS
    return Asking(content.decision.environment, context, request.kind, request.name, deadline, {})


def image_again(image: RecordedImage) -> WorkloadImage:
    """Reads an image's reference again.

    Args:
        image: The image.

    Returns:
        The image; its containers' names are not recorded, and no verdict depends on them.
    """
    text = image.place.image
    reference, problem = read_reference(text)
    if len(text) == LIMITS.reference_characters:
        # It may have been longer, and been cut for the record. What was found of it tells.
        longer = read_reference(f"{text}…")
        if any(ruling.found == longer[1] for ruling in image.rulings):
            reference, problem = longer
    uses = tuple([ContainerUse("", field) for field in image.place.fields])
    return WorkloadImage(text, reference, problem, uses)


def _overall(panel: Panel, environment: str, reason: ReasonCode, found: str) -> Decision:
    """Decides without images. That none was new, that none could be read, and an incident are facts of the time."""
    if reason is ReasonCode.EVIDENCE_UNAVAILABLE:
        return panel.unavailable(environment, found)
    if not panel.active(environment):
        return panel.inactive(environment)
    if reason is ReasonCode.IMAGES_UNCHANGED:
        return panel.unchanged(environment)
    if reason is ReasonCode.WORKLOAD_NOT_SUPPORTED:
        return panel.unreadable(environment, found)
    raise TamperedError("it rules on no image, although its policy and conditions ask for that")


async def _rule(seats: _Seats, image: RecordedImage, asking: Asking) -> ImageDecision:
    """Rules on one image with fresh memory: what rulers share in a review is in the rulings of each."""
    seats.tag.image = image
    if image.exempt:
        seats.forget()
    else:
        seats.recall(image.at_first, asking.environment)
    if image.late:
        return seats.panel.late(image_again(image), asking.environment)
    rulers = seats.panel.active(asking.environment)
    decision = await seats.panel.decide_images([image_again(image)], asking._replace(shared={}), rulers)
    return decision.images[0]


async def _return(seats: _Seats, entry: ImageDecision, image: RecordedImage, asking: Asking) -> ImageDecision:
    """Reconsiders an image by what the workload's history said; that it said so is a fact of the time."""
    rollback = image.rollback
    if rollback is None:
        return entry
    if rollback.revision is None:
        return entry._replace(rollback=Rollback(None, rollback.found))
    seats.recall(image.rulings, asking.environment)
    revision = Revision(rollback.revision.name, rollback.revision.uid, rollback.revision.created)
    return await return_image(entry, [revision], seats.panel.active(asking.environment), asking)


def _trigger_time(content: Content) -> TriggerTime:
    clock = content.decision.trigger_time
    return TriggerTime(clock.kind, clock.value)
