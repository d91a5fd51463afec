"""What differs between the providers that answer from signed statements. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar

from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.model import gate
from webhook.model.beacon import BeaconAttestation
from webhook.model.contract import ProviderContract
from webhook.model.evidence import EvidenceResult
from webhook.model.statement import ExecutionEvidence
from webhook.providers import beacon_rate_contract, execution_evidence_contract
from webhook.providers.checks import answer_check
from webhook.reasons import ReasonCode

E = TypeVar("E", ExecutionEvidence, BeaconAttestation)


class MetadataKeys(NamedTuple):
    """What the metadata of each kind has, by different names."""

    has: str
    reason: str
    detail: str
    environment: str
    observed_until: str
    signer: str


@dataclass(frozen=True, slots=True)
class StatementKind(Generic[E]):
    """One kind of statement, and what it means to its provider.

    Attributes:
        evidence: The predicate's model. No other statement ever comes to the functions below.
        contract: The provider's checks.
        answer: Check id and the answer to the check `metadata` in, the answer to the check out.
        keys: Keys of the metadata.
        reasons: The codes for evidence that suffices, that does not, and that is missing.
        objection: Why a statement says nothing at all, in one clause; None if it does say something.
        suffices: Whether a statement is enough, by the policy of the target environment.
        amount: How much a statement says; of two that both suffice, or both do not, the one with more speaks.
        words: The same for people.
        counts: The same as metadata.
    """

    evidence: type[E]
    contract: ProviderContract
    answer: Callable[[str, EvidenceResult], EvidenceResult]
    keys: MetadataKeys
    reasons: Mapping[ReasonCode, ReasonCode]
    objection: Callable[[E], str | None]
    suffices: Callable[[E, ExecutionEvidencePolicy], bool]
    amount: Callable[[E], tuple[Any, Any]]
    words: Callable[[E], str]
    counts: Callable[[E], dict[str, str]]


EXECUTION_EVIDENCE: StatementKind[ExecutionEvidence] = StatementKind(
    evidence=ExecutionEvidence,
    contract=execution_evidence_contract.CONTRACT,
    answer=answer_check,
    keys=MetadataKeys(
        gate.HAS_EVIDENCE, gate.REASON, gate.DETAIL, gate.EVIDENCE_ENVIRONMENT, gate.OBSERVED_UNTIL, gate.SIGNER
    ),
    reasons={},
    objection=lambda _: None,
    suffices=lambda evidence, policy: (
        evidence.hot_symbol_count >= policy.min_hot_symbol_count
        and evidence.unique_call_paths >= policy.min_unique_call_paths
    ),
    amount=lambda evidence: (evidence.hot_symbol_count, evidence.unique_call_paths),
    words=lambda evidence: f"hot symbols: {evidence.hot_symbol_count}, call paths: {evidence.unique_call_paths}",
    counts=lambda evidence: {
        gate.HOT_SYMBOL_COUNT: str(evidence.hot_symbol_count),
        gate.UNIQUE_CALL_PATHS: str(evidence.unique_call_paths),
    },
)


def beacon_attestation(policy: BeaconRatePolicy) -> StatementKind[BeaconAttestation]:
    """Describes beacon attestations.

    Args:
        policy: Says which rate suffices.

    Returns:
        The description; of equal rates, the one of more beacons says more.
    """
    return StatementKind(
        evidence=BeaconAttestation,
        contract=beacon_rate_contract.CONTRACT,
        answer=lambda _, metadata: metadata,
        keys=MetadataKeys(
            gate.HAS_BEACONS,
            gate.BEACON_REASON,
            gate.BEACON_DETAIL,
            gate.BEACON_ENVIRONMENT,
            gate.BEACON_OBSERVED_UNTIL,
            gate.BEACON_SIGNER,
        ),
        reasons={
            ReasonCode.EVIDENCE_SUFFICIENT: ReasonCode.BEACON_RATE_SUFFICIENT,
            ReasonCode.EVIDENCE_INSUFFICIENT: ReasonCode.BEACON_RATE_INSUFFICIENT,
            ReasonCode.EVIDENCE_MISSING: ReasonCode.BEACON_DATA_MISSING,
        },
        objection=lambda data: None if data.beacons_expected else "no beacons expected, which gives no rate",
        suffices=lambda data, _: policy.meets(data.beacons_verified, data.beacons_expected),
        amount=lambda data: (Fraction(data.beacons_verified, data.beacons_expected), data.beacons_verified),
        words=lambda data: f"beacons verified: {data.beacons_verified} of {data.beacons_expected}",
        counts=lambda data: {
            gate.BEACONS_EXPECTED: str(data.beacons_expected),
            gate.BEACONS_VERIFIED: str(data.beacons_verified),
        },
    )
