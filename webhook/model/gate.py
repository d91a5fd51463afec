"""What goes into a gate and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from webhook.reasons import ReasonCode

HAS_EVIDENCE = "has_execution_evidence"
HOT_SYMBOL_COUNT = "execution_evidence_hot_symbol_count"
UNIQUE_CALL_PATHS = "execution_evidence_unique_call_paths"
REASON = "execution_evidence_reason"
DETAIL = "execution_evidence_detail"
EVIDENCE_ENVIRONMENT = "execution_evidence_environment"
OBSERVED_UNTIL = "execution_evidence_observed_until"
SIGNER = "execution_evidence_signer"

HAS_BEACONS = "has_beacon_data"
BEACONS_EXPECTED = "beacon_expected_count"
BEACONS_VERIFIED = "beacon_verified_count"
BEACON_REASON = "beacon_reason"
BEACON_DETAIL = "beacon_detail"
BEACON_ENVIRONMENT = "beacon_environment"
BEACON_OBSERVED_UNTIL = "beacon_observed_until"
BEACON_SIGNER = "beacon_signer"


class Verdict(StrEnum):
    """A gate's outcome. The enumeration is closed: nothing else can mean "admit"."""

    PASS = "Pass"  # noqa: S105 - a verdict, no password
    WARN = "Warn"
    FAIL = "Fail"

    @property
    def severity(self) -> int:
        """Orders verdicts: Pass 0, Warn 1, Fail 2."""
        return _SEVERITY[self]


_SEVERITY = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.FAIL: 2}


@dataclass(frozen=True, slots=True)
class GateContext:
    """What a gate decides on.

    Attributes:
        environment: The target environment's name, as it was asked for.
        metadata: String keys to string values, as the first seed's table has them.
    """

    environment: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate says.

    Attributes:
        gate: The gate's id.
        result: The verdict.
        message: One sentence; for `execution-evidence` one of the first seed's five, to the letter.
        reason: The stable code.
    """

    gate: str
    result: Verdict
    message: str
    reason: ReasonCode
