"""The contract of the provider `execution-evidence`: docs/contracts/providers has the same as a file."""

from typing import Any, Final

from webhook.gates.comparators import Comparator
from webhook.limits import LIMITS
from webhook.model import gate
from webhook.model.contract import CheckContract, CheckExample, ProviderContract, Schema
from webhook.providers.statement_contract import ASKED, COUNT_TEXT, NOTES, PARAMS, PRESENCE, REFUSALS, TIME
from webhook.reasons import ReasonCode

_REASONS: Final = (
    ReasonCode.EVIDENCE_SUFFICIENT,
    ReasonCode.EVIDENCE_INSUFFICIENT,
    ReasonCode.EVIDENCE_MISSING,
    *REFUSALS,
)
_METADATA: Final[Schema] = {
    "additionalProperties": False,
    "properties": {
        gate.HAS_EVIDENCE: {"enum": ["true", "false"], "type": "string"},
        gate.REASON: {"enum": [reason.value for reason in _REASONS], "type": "string"},
        gate.DETAIL: {"type": "string"},
        gate.HOT_SYMBOL_COUNT: COUNT_TEXT,
        gate.UNIQUE_CALL_PATHS: COUNT_TEXT,
        gate.EVIDENCE_ENVIRONMENT: {"type": "string"},
        gate.OBSERVED_UNTIL: TIME,
        gate.SIGNER: {"type": "string"},
    },
    "required": [gate.HAS_EVIDENCE, gate.REASON, gate.DETAIL],
    "type": "object",
}
_COUNT: Final[Schema] = {"maximum": LIMITS.count_maximum, "minimum": 0, "type": "integer"}
_ORDER: Final = (
    Comparator.EQUALS,
    Comparator.NOT_EQUALS,
    Comparator.GREATER_THAN,
    Comparator.GREATER_THAN_OR_EQUAL,
    Comparator.LESS_THAN,
    Comparator.LESS_THAN_OR_EQUAL,
    Comparator.IN_SET,
    *PRESENCE,
)
_IDENTITY: Final = (Comparator.EQUALS, Comparator.NOT_EQUALS, Comparator.IN_SET)


def _check(
    check_id: str, description: str, schema: Schema, comparators: tuple[Comparator, ...], *examples: Any
) -> CheckContract:
    told = tuple(CheckExample(text, ASKED, result) for text, result in examples)
    kinds = ("image_digest",), ("application/json",)
    return CheckContract(check_id, description, PARAMS, schema, comparators, *kinds, told)


_FOUND: Final = {
    gate.HAS_EVIDENCE: "true",
    gate.REASON: ReasonCode.EVIDENCE_SUFFICIENT.value,
    gate.DETAIL: (
        "hot symbols: 42, call paths: 17 in directory:cart.json, signed by staging, "
        "observed in 'staging' until 2026-11-24T06:00:00Z"
    ),
    gate.HOT_SYMBOL_COUNT: "42",
    gate.UNIQUE_CALL_PATHS: "17",
    gate.EVIDENCE_ENVIRONMENT: "staging",
    gate.OBSERVED_UNTIL: "2026-11-24T06:00:00Z",
    gate.SIGNER: "staging",
}
_NOT_FOUND: Final = {
    gate.HAS_EVIDENCE: "false",
    gate.REASON: ReasonCode.EVIDENCE_MISSING.value,
    gate.DETAIL: "no statement about this digest",
}

CONTRACT: Final = ProviderContract(
    "execution-evidence",
    "Execution evidence",
    "Whether an image was seen running elsewhere, by signed statements that count for an environment.",
    (
        _check(
            "metadata",
            "What the gate decides by, and why, as strings. Never absent.",
            _METADATA,
            PRESENCE,
            ("Evidence that suffices.", _FOUND),
            ("No evidence.", _NOT_FOUND),
        ),
        _check(
            "has_evidence",
            "Whether any statement counts, sufficient or not. Never absent.",
            {"type": "boolean"},
            _IDENTITY,
            ("A statement counts.", True),
            ("None counts.", False),
        ),
        _check(
            "hot_symbol_count",
            "Hot symbols of the statement that speaks for the image. Absent if none counts.",
            _COUNT,
            _ORDER,
            ("42 hot symbols.", 42),
        ),
        _check(
            "unique_call_paths",
            "Call paths of the statement that speaks for the image. Absent if none counts.",
            _COUNT,
            _ORDER,
            ("17 call paths.", 17),
        ),
        _check(
            "observed_at",
            "When its observation ended, RFC 3339 in UTC. Absent if no statement counts.",
            TIME,
            _ORDER,
            ("An instant.", "2026-11-24T06:00:00Z"),
        ),
    ),
    (
        *NOTES,
        "A Decision Gate orders times as instants; conditions of this gate order numbers alone.",
    ),
)
