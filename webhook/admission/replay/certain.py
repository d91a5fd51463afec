"""What a recorded answer still tells under other rules, where the envelopes are not at hand.

Only what follows with certainty. A record has the one statement that spoke for an image; of the others it has the
digests. So another threshold can be judged where no other statement could change the outcome, and a change of whose
evidence counts cannot.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from webhook.admission.replay.failure import CannotReplayError, Missing
from webhook.admission.replay.recall import recorded_answer
from webhook.admission.replay.recorded import RecordedRuling
from webhook.gates.counts import read_count
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.gates.registry import GATES, Gate
from webhook.model import gate as metadata
from webhook.model.evidence import EvidenceQuery, EvidenceResult, EvidenceValue, Lane
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings

SUFFICIENT = frozenset({ReasonCode.EVIDENCE_SUFFICIENT, ReasonCode.BEACON_RATE_SUFFICIENT})
"""Why a gate passes an image: nothing that could not be read would change that."""
_INSUFFICIENT = frozenset({ReasonCode.EVIDENCE_INSUFFICIENT, ReasonCode.BEACON_RATE_INSUFFICIENT})

_Thresholds = tuple[int | Fraction, ...]


class Change(NamedTuple):
    """The rules of then and of now, and where they meet.

    Attributes:
        then: What the record says of the rules that it was made by.
        now: The other rules.
        environment: The target environment.
        trust: Digest of the trusted keys then.
    """

    then: Settings
    now: Settings
    environment: str
    trust: str

    @property
    def judges_alike(self) -> bool:
        """Whether the same statements count now as then."""
        return self.trust == self.now.trust.digest and self._judging(self.then) == self._judging(self.now)

    def thresholds(self, provider_id: str) -> tuple[_Thresholds, _Thresholds]:
        """Gives what a statement must reach, then and now."""
        return self._thresholds(self.then, provider_id), self._thresholds(self.now, provider_id)

    def nothing_differs(self, provider_id: str) -> bool:
        """Tells whether the provider would say the same of the same envelopes, to every check."""
        then, now = self.thresholds(provider_id)
        return then == now and self.judges_alike

    def policy(self, settings: Settings) -> ExecutionEvidencePolicy:
        """Gives the policy that says whose evidence counts."""
        return settings.policy.for_environment(self.environment)

    def _judging(self, settings: Settings) -> tuple[object, ...]:
        policy = self.policy(settings)
        accepted = frozenset(name.casefold() for name in policy.evidence_environments)
        return accepted, policy.max_evidence_age, policy.min_lane

    def _thresholds(self, settings: Settings, provider_id: str) -> _Thresholds:
        if provider_id == "beacon-rate":
            return (settings.file.policy_gates.beacon_rate.minimum,)
        policy = self.policy(settings)
        return policy.min_hot_symbol_count, policy.min_unique_call_paths


def answer_now(ruling: RecordedRuling, query: EvidenceQuery, change: Change) -> EvidenceResult:
    """Gives the answer to a gate's query under other rules.

    Args:
        ruling: What was ruled then.
        query: The gate's query.
        change: The rules.

    Returns:
        The recorded answer, or where its value is not shown one that leads to the same verdict.

    Raises:
        CannotReplayError: The envelopes are needed to tell.
    """
    basis = ruling.made_of
    if basis is None:
        return recorded_answer(ruling, query)
    if basis.origins and not change.judges_alike:
        raise _needed("other evidence counts now, so the envelopes must be judged anew")
    if not basis.origins or _stands(ruling, query.provider_id, change):
        return _stand_in(ruling, query, change) if ruling.redacted else recorded_answer(ruling, query)
    if ruling.redacted or ruling.evidence is None or ruling.evidence.get("error") is not None or basis.platforms:
        raise _needed("the thresholds differ, so the envelopes must be judged anew")
    answer = recorded_answer(ruling, query)
    then, now = change.thresholds(query.provider_id)
    amounts = _amounts(query.provider_id, {} if answer.value is None else answer.value.value)
    meets = all(amount >= least for amount, least in zip(amounts, now, strict=True))
    # The one that spoke has the most of the first amount: of all, or of those that sufficed then.
    best_falls_short = amounts[0] < now[0] and (
        ruling.result.reason in _INSUFFICIENT or all(new >= old for old, new in zip(then[1:], now[1:], strict=True))
    )
    if meets or best_falls_short or len(basis.origins) == 1:
        return answer
    raise _needed("the thresholds differ, and another statement may meet them")


def _stands(ruling: RecordedRuling, provider_id: str, change: Change) -> bool:
    """Tells whether the outcome is the same for every statement that there may be."""
    then, now = change.thresholds(provider_id)
    pairs = list(zip(then, now, strict=True))
    lower, higher = all(new <= old for old, new in pairs), all(new >= old for old, new in pairs)
    reason = ruling.result.reason
    if reason in SUFFICIENT:
        return lower
    # Also where something could not be read: what was found beside it does not suffice now either.
    return higher if reason in _INSUFFICIENT or reason is ReasonCode.EVIDENCE_UNAVAILABLE else True


def _amounts(provider_id: str, value: Mapping[str, str]) -> tuple[int | Fraction, ...]:
    if provider_id == "beacon-rate":
        expected = read_count(value.get(metadata.BEACONS_EXPECTED))
        return (Fraction(read_count(value.get(metadata.BEACONS_VERIFIED)), expected or 1),)
    return read_count(value.get(metadata.HOT_SYMBOL_COUNT)), read_count(value.get(metadata.UNIQUE_CALL_PATHS))


def _stand_in(ruling: RecordedRuling, query: EvidenceQuery, change: Change) -> EvidenceResult:
    """Makes an answer that leads where the hidden one does; it is shown to nobody."""
    reason = ruling.result.reason
    gate: Gate[Any] = next(entry for entry in GATES.values() if entry.provider_id == query.provider_id)
    found = reason in SUFFICIENT or reason in _INSUFFICIENT
    value = {gate.has: "true" if found else "false", gate.reason: reason.value, gate.detail: ruling.found}
    if found:
        _, now = change.thresholds(query.provider_id)
        enough = reason in SUFFICIENT
        if query.provider_id == "beacon-rate":
            value |= {metadata.BEACONS_EXPECTED: "1", metadata.BEACONS_VERIFIED: "1" if enough else "0"}
        else:
            counts = now if enough else (0, 0)
            value |= {metadata.HOT_SYMBOL_COUNT: str(counts[0]), metadata.UNIQUE_CALL_PATHS: str(counts[1])}
    return EvidenceResult(value=EvidenceValue("json", value), lane=Lane.ASSERTED)


def _needed(detail: str) -> CannotReplayError:
    return CannotReplayError(Missing(detail))
