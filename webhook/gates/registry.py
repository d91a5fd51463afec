"""All gates, by gate id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from webhook.gates import beacon_rate, execution_evidence
from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.policy import Action, ExecutionEvidencePolicy
from webhook.model import gate
from webhook.model.gate import GateContext, GateResult
from webhook.reasons import ReasonCode


class Policy(Protocol):
    """What every gate's section can tell."""

    @property
    def enabled(self) -> bool:
        """Whether the gate is active."""

    @property
    def unavailable_action(self) -> Action:
        """What happens when nothing can be found out."""

    @property
    def canonical(self) -> bytes:
        """The options as canonical JSON, for records."""

    def for_environment(self, environment: str) -> "Policy":
        """Gives the policy that holds for one environment."""

    def requires(self, environment: str) -> bool:
        """Tells whether an environment requires what the gate asks for."""


class PolicyGates(Protocol):
    """The section `PolicyGates`, one policy a gate."""

    @property
    def execution_evidence(self) -> ExecutionEvidencePolicy:
        """Of the gate `execution-evidence`."""

    @property
    def beacon_rate(self) -> BeaconRatePolicy:
        """Of the gate `beacon-rate`."""


P = TypeVar("P", bound=Policy)


@dataclass(frozen=True, slots=True)
class Gate(Generic[P]):
    """A gate, and how it is fed.

    Attributes:
        gate_id: Its id.
        evaluate: The decision: policy and context in, result out.
        policy: Finds the gate's policy in the section.
        provider_id: Whose check `metadata` gives the context.
        has: The metadata key that says whether there is anything at all.
        reason: The key that says why nothing counts.
        detail: The key that says what was found.
        signer: The key that names who signed.
        missing: The reason of a result that rests on nothing.
        unavailable: The message where nothing could be found out.
    """

    gate_id: str
    evaluate: Callable[[P, GateContext], GateResult]
    policy: Callable[[PolicyGates], P]
    provider_id: str
    has: str
    reason: str
    detail: str
    signer: str
    missing: ReasonCode
    unavailable: str


EXECUTION_EVIDENCE: Gate[ExecutionEvidencePolicy] = Gate(
    gate_id=execution_evidence.GATE_ID,
    evaluate=execution_evidence.evaluate,
    policy=lambda section: section.execution_evidence,
    provider_id="execution-evidence",
    has=gate.HAS_EVIDENCE,
    reason=gate.REASON,
    detail=gate.DETAIL,
    signer=gate.SIGNER,
    missing=ReasonCode.EVIDENCE_MISSING,
    unavailable="Execution evidence could not be looked up for this artifact",
)

BEACON_RATE: Gate[BeaconRatePolicy] = Gate(
    gate_id=beacon_rate.GATE_ID,
    evaluate=beacon_rate.evaluate,
    policy=lambda section: section.beacon_rate,
    provider_id="beacon-rate",
    has=gate.HAS_BEACONS,
    reason=gate.BEACON_REASON,
    detail=gate.BEACON_DETAIL,
    signer=gate.BEACON_SIGNER,
    missing=ReasonCode.BEACON_DATA_MISSING,
    unavailable="Beacon data could not be looked up for this artifact",
)

_ALL: tuple[Gate[Any], ...] = (EXECUTION_EVIDENCE, BEACON_RATE)

GATES: Mapping[str, Gate[Any]] = MappingProxyType({entry.gate_id: entry for entry in _ALL})
"""Gate id to gate, in the order in which they speak."""
