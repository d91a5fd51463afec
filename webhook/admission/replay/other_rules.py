"""One gate or condition of other rules, and what is known of its answers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from webhook.admission.decision import Ruling
from webhook.admission.panel import Panel
from webhook.admission.replay.again import image_again
from webhook.admission.replay.certain import SUFFICIENT, Change, answer_now
from webhook.admission.replay.failure import CannotReplayError, Missing
from webhook.admission.replay.recall import RecalledProvider, is_judged, recorded_answer
from webhook.admission.replay.recorded import Content, RecordedImage, RecordedRuling
from webhook.admission.ruler import Ruler
from webhook.gates.policy import Action, TagPolicy
from webhook.model.canonical_value import canonical_value
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult
from webhook.model.gate import GateResult, Verdict
from webhook.reasons import ReasonCode
from webhook.settings.conditions import ConditionSettings
from webhook.settings.loading import Settings
from webhook.stores.registry.discovery.routes import Routes


class OtherRulesProvider(RecalledProvider):
    """Answers one ruler's queries as they would be answered under other rules.

    Attributes:
        change: The rules of then and of now.
        for_gate: Whether a gate asks, to which another answer with the same outcome is as good.
    """

    change: Change
    for_gate = False

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """As `RecalledProvider.query`; without envelopes, only what follows from the recorded answer."""
        if self.ruling is None or self.ruling.evidence is None:
            raise CannotReplayError(Missing("nobody was asked then about what is asked for now"))
        if self.change.then.digest != self.change.now.digest:
            _check_remark(self.ruling, query, self.change.now)
        if not is_judged(query.provider_id) or self.has_envelopes:
            return await super().query(query, context)
        if self.for_gate:
            return answer_now(self.ruling, query, self.change)
        if not self.change.nothing_differs(query.provider_id):
            raise CannotReplayError(Missing("other evidence counts now, so the envelopes must be judged anew"))
        return recorded_answer(self.ruling, query)


class Seat(NamedTuple):
    """One gate or condition of the new rules, ruling by itself.

    Attributes:
        name: The gate id of its results.
        ruler: It.
        panel: It alone.
        provider: Who answers it.
        condition: Its settings, if it is a condition.
    """

    name: str
    ruler: Ruler
    panel: Panel
    provider: OtherRulesProvider
    condition: ConditionSettings | None


def ruling_then(seat: Seat, image: RecordedImage, content: Content) -> RecordedRuling | None:
    """Finds what the same gate said, or a condition that asked the same.

    Args:
        seat: The gate or condition.
        image: The image.
        content: The record, which holds the conditions of then.

    Returns:
        Its ruling by the rules of then; None if there is none.
    """
    ruled = {ruling.result.gate: ruling for ruling in image.at_first}
    if seat.condition is None:
        return ruled.get(seat.name)
    now = seat.condition.content
    asked_the_same = [entry for entry in content.conditions if _asked(entry) == _asked(now)]
    # What compared the same is of use even where the value is hidden.
    asked_the_same.sort(key=lambda entry: not _compares_alike(entry, now))
    rulings = [ruled.get(f"conditions/{entry.get('name')}") for entry in asked_the_same]
    return next((ruling for ruling in rulings if ruling is not None), None)


def _asked(condition: dict[str, Any]) -> bytes:
    return canonical_value([condition.get("query"), condition.get("bind")])


def _compares_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    compared = [[entry.get(key) for key in ("comparator", "expected", "minLane")] for entry in (one, other)]
    # Not `==`: to Python, true is 1.
    return canonical_value(compared[0]) == canonical_value(compared[1])


def ruling_on_hidden(seat: Seat, content: Content) -> Ruling | None:
    """Rules by a condition on a value that is not shown.

    Args:
        seat: The condition; its provider has the ruling of then.
        content: The record, which holds the conditions of then.

    Returns:
        The ruling; None if the value is shown, or can be judged anew.

    Raises:
        CannotReplayError: The condition is another one now.
    """
    ruling = seat.provider.ruling
    if seat.condition is None or ruling is None or not ruling.redacted or seat.provider.has_envelopes:
        return None
    name = ruling.result.gate.removeprefix("conditions/")
    then = next(entry for entry in content.conditions if entry.get("name") == name)
    alike = _compares_alike(then, seat.condition.content)
    judged = is_judged(seat.provider.provider_id)
    if not alike or (judged and not seat.provider.change.nothing_differs(seat.provider.provider_id)):
        raise CannotReplayError(Missing("the value that a condition would be held against is not shown"))
    refusal = Verdict.WARN if seat.condition.action is Action.WARN else Verdict.FAIL
    verdict = Verdict.PASS if ruling.result.reason is ReasonCode.CONDITION_MET else refusal
    return Ruling(GateResult(seat.name, verdict, ruling.result.message, ruling.result.reason), ruling.found)


def check_unread(seat: Seat, ruling: Ruling, environment: str) -> None:
    """Makes sure that nothing hangs on what could not be read then.

    That is only recorded where it decided: beside evidence that sufficed, a store may have failed unseen. If the
    evidence does not suffice now, the answer would then be that nobody knows.

    Args:
        seat: The gate or condition; its provider has the ruling of then.
        ruling: Its ruling now.
        environment: The target environment.

    Raises:
        CannotReplayError: The verdict would be another one.
    """
    then, now = seat.provider.ruling, ruling.evidence
    if then is None or then.evidence is None or now is None or not is_judged(seat.provider.provider_id):
        return
    if then.evidence.get("error") is not None:
        return
    if seat.condition is None:
        same = then.result.reason not in SUFFICIENT or ruling.result.reason in SUFFICIENT
    else:
        same = now.evidence_hash is not None and then.evidence.get("evidence_hash") == {
            "algorithm": "sha256",
            "value": now.evidence_hash.value,
        }
    unread = seat.ruler.unavailable(environment, "").result.result
    if not same and unread is not ruling.result.result:
        told = f"{ruling.result.result.value}, or {unread.value} if a store could not be read then"
        raise CannotReplayError(Missing(f"{told}, which is only recorded where it decided"))


def check_tag(seat: Seat, image: RecordedImage, change: Change) -> None:
    """Makes sure that it is known where an image's tag pointed, if that matters now.

    Args:
        seat: Who is asked.
        image: The image.
        change: The rules.

    Raises:
        CannotReplayError: It is not.
    """
    resolves = TagPolicy.RESOLVE
    now, then = change.policy(change.now).tag_policy, change.policy(change.then).tag_policy
    reference = image_again(image).reference
    if reference is not None and reference.digest is None and now is resolves and then is not resolves:
        raise CannotReplayError(Missing("where a tag pointed then is not recorded"))
    if image.unresolved is not None and now is not resolves and seat.condition is not None:
        # A condition that does not bind the digest is asked about a tag, too.
        raise CannotReplayError(Missing("nobody could tell where a tag pointed then, so nobody was asked about it"))


def _check_remark(ruling: RecordedRuling, query: EvidenceQuery, settings: Settings) -> None:
    """Makes sure that whoever was not asked then would not be asked now."""
    basis, registry = ruling.made_of, settings.file.stores.registry
    if basis is None or basis.origins or basis.remark is None or registry is None:
        return
    if Routes(registry).find(query.params.get("repository")).asked:
        raise CannotReplayError(Missing("a registry was not asked then, and would be now"))
