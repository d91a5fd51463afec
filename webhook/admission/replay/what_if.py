"""Which past decisions other rules would change: the same images, at the same time, by another configuration.

What cannot be known is said to be unknown. What the stores found is taken as it was found then.
"""

from dataclasses import dataclass, replace

from webhook.admission.condition_ruler import ConditionRuler
from webhook.admission.decision import Decision, Ruling, worst
from webhook.admission.gate_ruler import GateRuler
from webhook.admission.images import WorkloadImage
from webhook.admission.panel import Panel
from webhook.admission.replay.again import asking_again, image_again
from webhook.admission.replay.bypass import bypass_again
from webhook.admission.replay.certain import Change
from webhook.admission.replay.failure import CannotReplayError, Missing, TamperedError
from webhook.admission.replay.other_rules import (
    OtherRulesProvider,
    Seat,
    check_tag,
    check_unread,
    ruling_on_hidden,
    ruling_then,
)
from webhook.admission.replay.recall import Envelopes, Judging, RecalledCondition, RecalledTag
from webhook.admission.replay.recorded import Content, Recorded, RecordedImage, RecordedRuling
from webhook.admission.replay.rules import rules_of_record
from webhook.admission.replay.workloads import unreadable_now, what_was_unreadable
from webhook.admission.ruler import Asking
from webhook.gates.policy import RollbackPolicy, TagPolicy
from webhook.gates.registry import GATES
from webhook.model.disclosure import Disclosure
from webhook.model.gate import Verdict
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings

_OPEN = Disclosure(allow_raw_values=True, require_provider_opt_in=False)
_JUDGES = tuple(gate.provider_id for gate in GATES.values())


@dataclass(frozen=True, slots=True)
class Forecast:
    """What other rules would make of a past decision.

    Attributes:
        verdict: The verdict; None if nobody can tell.
        reasons: Its reasons, as far as they are known.
        unknown: Why nobody can tell, in one clause; None if somebody can.
    """

    verdict: Verdict | None
    reasons: tuple[ReasonCode, ...] = ()
    unknown: str | None = None


class Forecaster:
    """Decides past reviews by other rules."""

    def __init__(self, settings: Settings, envelopes: Envelopes | None, judging: Judging) -> None:
        """Binds the forecaster to the other rules.

        Args:
            settings: The other configuration.
            envelopes: Evidence; None to tell what can be told without.
            judging: Makes the providers that judge evidence.
        """
        # Nothing of this is shown but verdicts and reasons.
        self._settings = replace(settings, disclosure=_OPEN)
        self._tag = RecalledTag()
        self._seats: list[Seat] = []
        gates: list[GateRuler] = []
        conditions: list[ConditionRuler] = []
        for gate in GATES.values():
            provider = OtherRulesProvider(gate.provider_id, self._settings, envelopes, judging)
            provider.for_gate = True
            gates.append(GateRuler(gate, self._settings, provider))
            panel = Panel(self._settings, (), gates[-1:], self._tag)
            self._seats.append(Seat(gate.gate_id, gates[-1], panel, provider, None))
        for entry, condition in zip(settings.file.gates.conditions, settings.conditions, strict=True):
            provider = OtherRulesProvider(condition.query.provider_id, self._settings, envelopes, judging)
            conditions.append(RecalledCondition(condition, _OPEN, provider))
            panel = Panel(self._settings, (), conditions[-1:], self._tag)
            self._seats.append(Seat(condition.gate_id, conditions[-1], panel, provider, entry))
        self._panel = Panel(self._settings, gates, conditions, self._tag)

    async def forecast(self, recorded: Recorded) -> Forecast:
        """Decides a past review by the other rules.

        Args:
            recorded: Its record.

        Returns:
            The verdict, or that nobody can tell.
        """
        try:
            return await self._forecast(recorded.content)
        except CannotReplayError as error:
            return Forecast(None, unknown=error.missing[0].detail)
        except TamperedError as error:
            return Forecast(None, unknown=error.cause)

    async def _forecast(self, content: Content) -> Forecast:
        environment = content.decision.environment
        if not self._panel.active(environment):
            return _told(self._panel.inactive(environment))
        problem = unreadable_now(content, self._settings)
        if problem is not None:
            decision = self._panel.unreadable(environment, problem)
            return await self._bypassed(_told(decision), content, decision)
        if content.overall is not None:
            decision = self._overall(content, content.overall)
            return await self._bypassed(_told(decision), content, decision)
        then = rules_of_record(content)
        change = Change(then, self._settings, environment, content.decision.trust)
        asking = asking_again(content)
        rulings: list[Ruling] = []
        unknown: list[str] = []
        for image in content.images:
            for seat in self._seats:
                if not seat.panel.active(environment):
                    continue
                try:
                    ruled = await self._rule(seat, image, asking, (content, change))
                    rulings += [_returned(ruling, image, content, change) for ruling in ruled]
                except CannotReplayError as error:
                    unknown.append(error.missing[0].detail)
        if not rulings or (unknown and worst(rulings).result.result is not Verdict.FAIL):
            return Forecast(None, unknown=unknown[0] if unknown else "it rules on nothing")
        # What is known decides: nothing can outweigh a Fail.
        speaking = worst(rulings).result.result
        reasons = {ruling.result.reason for ruling in rulings if ruling.result.result is speaking}
        forecast = Forecast(speaking, tuple(sorted(reasons)))
        return await self._bypassed(forecast, content, Decision(environment, (), worst(rulings)))

    async def _bypassed(self, forecast: Forecast, content: Content, decision: Decision) -> Forecast:
        """Considers a claim to be let past the gate; one that was not needed then is not recorded."""
        if content.break_glass is None or decision.verdict is not Verdict.FAIL:
            return forecast
        considered = await bypass_again(decision, content, self._settings)
        return _told(considered) if considered.bypassed else forecast

    def _overall(self, content: Content, overall: RecordedRuling) -> Decision:
        environment, reason = content.decision.environment, overall.result.reason
        if reason is ReasonCode.EVIDENCE_UNAVAILABLE:
            return self._panel.unavailable(environment, overall.found)
        if reason is ReasonCode.IMAGES_UNCHANGED:
            return self._panel.unchanged(environment)
        if reason is ReasonCode.WORKLOAD_NOT_SUPPORTED:
            what_was_unreadable(content, overall.found, self._settings)
            return self._panel.unreadable(environment, overall.found)
        raise CannotReplayError(Missing("nothing was required then, so the images are not recorded"))

    async def _rule(
        self, seat: Seat, image: RecordedImage, asking: Asking, rules: tuple[Content, Change]
    ) -> tuple[Ruling, ...]:
        content, change = rules
        again = image_again(image)
        exempt = again.reference is not None and self._settings.is_exempt(again.reference.repository)
        if image.exempt and not exempt:
            raise CannotReplayError(Missing("an image was exempt then, so nobody was asked about it"))
        asked = not exempt and _is_asked_about(again, change)
        if image.late:
            if asked and not self._all_are_asked_again(image, content, asking.environment):
                raise CannotReplayError(Missing("time was up then, and others would be asked now"))
            return seat.panel.late(again, asking.environment).rulings
        check_tag(seat, image, change)
        self._tag.image = image
        seat.provider.change = change
        seat.provider.ruling = ruling_then(seat, image, content)
        hidden = ruling_on_hidden(seat, content) if asked else None
        if hidden is not None:
            return (hidden,)
        decision = await seat.panel.decide_images([again], asking._replace(shared={}), [seat.ruler])
        for ruling in decision.images[0].rulings:
            check_unread(seat, ruling, asking.environment)
        return decision.images[0].rulings

    def _all_are_asked_again(self, image: RecordedImage, content: Content, environment: str) -> bool:
        """Whether everybody for whom there was no time is asked the same now, so that time would be up again."""
        seats = [seat for seat in self._seats if seat.panel.active(environment)]
        conditions = [seat.condition.content for seat in seats if seat.condition is not None]
        gates = {seat.name for seat in seats}
        return all(ruling.result.gate in gates for ruling in image.rulings) and all(
            condition in conditions for condition in content.conditions
        )


def _is_asked_about(image: WorkloadImage, change: Change) -> bool:
    """Whether more than its reference decides about an image that is not exempt."""
    if image.reference is None:
        return False
    return image.reference.digest is not None or change.policy(change.now).tag_policy is TagPolicy.RESOLVE


def _told(decision: Decision) -> Forecast:
    return Forecast(decision.verdict, decision.reasons)


def _returned(ruling: Ruling, image: RecordedImage, content: Content, change: Change) -> Ruling:
    """Lets a stale image return, if the workload's history lets it by the same rules.

    Raises:
        CannotReplayError: The history would be asked, and what it would say is not known.
    """
    stale = ruling.result.result is Verdict.FAIL and ruling.result.reason is ReasonCode.EVIDENCE_STALE
    allows = change.policy(change.now).rollback is RollbackPolicy.ALLOW_PREVIOUSLY_ADMITTED
    if not stale or not allows or content.request.operation != "UPDATE":
        return ruling
    if image.rollback is None or not all(map(change.nothing_differs, _JUDGES)):
        raise CannotReplayError(Missing("the workload's history would be asked, and is not recorded"))
    if image.rollback.revision is None:
        return ruling
    return replace(ruling, result=replace(ruling.result, result=Verdict.WARN, reason=ReasonCode.ROLLBACK))
