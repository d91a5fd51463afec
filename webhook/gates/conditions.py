"""Gates made of queries: one condition, one provider's check, one comparison.

A pure function of the condition and the provider's answer. Unknown never passes: no answer, an error, a lane that
is too low, a value that is not shown and a value that cannot be compared are all unknown, for every comparator.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from webhook.gates.comparators import Comparator, Outcome, compare
from webhook.gates.policy import Action, MinLane
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceQuery, EvidenceResult, Lane
from webhook.model.gate import GateResult, Verdict
from webhook.reasons import ReasonCode

_UNAVAILABLE = "evidence_unavailable"
"""The code of the contract for "could not be found out", by which trying again may help."""


class Fact(StrEnum):
    """What of a review may stand in a query's params."""

    IMAGE_DIGEST = "imageDigest"
    REPOSITORY = "repository"
    ENVIRONMENT = "environment"
    NAMESPACE = "namespace"
    KIND = "kind"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, as configured.

    Attributes:
        name: Unique among the conditions.
        environments: Where it holds; compared without case.
        query: Who is asked what; its params without those that are bound.
        comparator: How the answer's value is held against `expected`.
        expected: Any JSON; None for `exists` and `not_exists`.
        bind: Member of the params to the fact that it gets.
        min_lane: Whose word counts.
        action: What happens when the condition is not met, or nobody knows whether it is.
    """

    name: str
    environments: tuple[str, ...]
    query: EvidenceQuery
    comparator: Comparator
    expected: Any = None
    bind: Mapping[str, Fact] = field(default_factory=dict)
    min_lane: MinLane = MinLane.VERIFIED
    action: Action = Action.BLOCK

    @property
    def gate_id(self) -> str:
        """What results, Events and metrics call it."""
        return f"conditions/{self.name}"

    def holds_in(self, environment: str) -> bool:
        """Tells whether an environment asks for it.

        Args:
            environment: The target environment; compared without case.

        Returns:
            True if it does.
        """
        return environment.casefold() in {name.casefold() for name in self.environments}

    def ask(self, facts: Mapping[Fact, str | None]) -> EvidenceQuery | None:
        """Writes the query.

        Args:
            facts: What is known of the review and the image.

        Returns:
            The query with every bound member, or None if a fact that it needs is not known.
        """
        bound = {member: facts.get(fact) for member, fact in self.bind.items()}
        if not all(bound.values()):
            return None
        return self.query if not bound else self.query._replace(params={**(self.query.params or {}), **bound})


class Finding(NamedTuple):
    """What a condition makes of an answer.

    Attributes:
        outcome: The comparison's.
        result: The gate result that follows.
        found: One clause: what was found, without the value.
    """

    outcome: Outcome
    result: GateResult
    found: str


def evaluate(condition: Condition, evidence: EvidenceResult | None) -> Finding:
    """Decides whether a condition is met.

    Args:
        condition: The condition.
        evidence: The provider's whole answer; None if there is none, since it could not be asked or was too slow.

    Returns:
        The finding. Its texts hold nothing of the answer's value, which may not be shown; the expected value,
        which is the configuration's, is in the message.
    """
    outcome, found = _examine(condition, evidence)
    retry = evidence is None or (evidence.error is not None and evidence.error.code == _UNAVAILABLE)
    reason = ReasonCode.EVIDENCE_UNAVAILABLE if retry else _REASONS[outcome]
    return Finding(outcome, _result(condition, outcome, reason), found)


def refuse(condition: Condition, reason: ReasonCode, found: str) -> Finding:
    """Decides where the provider could not even be asked.

    Args:
        condition: The condition.
        reason: Why, as a code.
        found: The same in one clause.

    Returns:
        A finding that is unknown.
    """
    return Finding(Outcome.UNKNOWN, _result(condition, Outcome.UNKNOWN, reason), found)


def _examine(condition: Condition, evidence: EvidenceResult | None) -> tuple[Outcome, str]:
    if evidence is None:
        return Outcome.UNKNOWN, "no answer in time"
    if evidence.error is not None:
        return Outcome.UNKNOWN, evidence.error.message
    if condition.min_lane is MinLane.VERIFIED and evidence.lane is not Lane.VERIFIED:
        return Outcome.UNKNOWN, "an answer that is only asserted, where minLane is Verified"
    if evidence.value is None and evidence.evidence_hash is not None:
        return Outcome.UNKNOWN, "a value that its provider does not show"
    outcome = compare(condition.comparator, condition.expected, evidence.value)
    return outcome, "no value" if evidence.value is None else _FOUND[outcome]


def _result(condition: Condition, outcome: Outcome, reason: ReasonCode) -> GateResult:
    refusal = Verdict.WARN if condition.action is Action.WARN else Verdict.FAIL
    verdict = Verdict.PASS if outcome is Outcome.TRUE else refusal
    message = f"Condition '{condition.name}' {_SAID[outcome]} ({_described(condition)})"
    return GateResult(condition.gate_id, verdict, message, reason)


def _described(condition: Condition) -> str:
    query = condition.query
    text = f"{query.provider_id}/{query.check_id} {condition.comparator.value}"
    if condition.comparator.asks_for_presence:
        return text
    # This writes printable ASCII, so nothing in a log or a terminal acts on it.
    expected = json.dumps(condition.expected, separators=(",", ":"))
    most = LIMITS.expected_characters
    return f"{text} {expected}" if len(expected) <= most else f"{text} {expected[:most]}..."


_REASONS: Mapping[Outcome, ReasonCode] = MappingProxyType(
    {
        Outcome.TRUE: ReasonCode.CONDITION_MET,
        Outcome.FALSE: ReasonCode.CONDITION_NOT_MET,
        Outcome.UNKNOWN: ReasonCode.CONDITION_UNKNOWN,
    }
)
_SAID: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.TRUE: "is met",
        Outcome.FALSE: "is not met",
        Outcome.UNKNOWN: "is not known to be met",
    }
)
_FOUND: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.TRUE: "a value that meets it",
        Outcome.FALSE: "a value that does not meet it",
        Outcome.UNKNOWN: "a value that cannot be compared with what is expected",
    }
)
