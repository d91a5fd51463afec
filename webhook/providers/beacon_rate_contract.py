"""The contract of the provider `beacon-rate`: docs/contracts/providers has the same as a file."""

from typing import Final

from webhook.model import gate
from webhook.model.contract import CheckContract, CheckExample, ProviderContract, Schema
from webhook.providers.statement_contract import ASKED, COUNT_TEXT, NOTES, PARAMS, PRESENCE, REFUSALS, TIME
from webhook.reasons import ReasonCode

_REASONS: Final = (
    ReasonCode.BEACON_RATE_SUFFICIENT,
    ReasonCode.BEACON_RATE_INSUFFICIENT,
    ReasonCode.BEACON_DATA_MISSING,
    *REFUSALS,
)
_METADATA: Final[Schema] = {
    "additionalProperties": False,
    "properties": {
        gate.HAS_BEACONS: {"enum": ["true", "false"], "type": "string"},
        gate.BEACON_REASON: {"enum": [reason.value for reason in _REASONS], "type": "string"},
        gate.BEACON_DETAIL: {"type": "string"},
        gate.BEACONS_EXPECTED: COUNT_TEXT,
        gate.BEACONS_VERIFIED: COUNT_TEXT,
        gate.BEACON_ENVIRONMENT: {"type": "string"},
        gate.BEACON_OBSERVED_UNTIL: TIME,
        gate.BEACON_SIGNER: {"type": "string"},
    },
    "required": [gate.HAS_BEACONS, gate.BEACON_REASON, gate.BEACON_DETAIL],
    "type": "object",
}
_FOUND: Final = {
    gate.HAS_BEACONS: "true",
    gate.BEACON_REASON: ReasonCode.BEACON_RATE_SUFFICIENT.value,
    gate.BEACON_DETAIL: (
        "beacons verified: 9 of 10 in directory:cart-beacons.json, signed by staging, "
        "observed in 'staging' until 2026-11-24T06:00:00Z"
    ),
    gate.BEACONS_EXPECTED: "10",
    gate.BEACONS_VERIFIED: "9",
    gate.BEACON_ENVIRONMENT: "staging",
    gate.BEACON_OBSERVED_UNTIL: "2026-11-24T06:00:00Z",
    gate.BEACON_SIGNER: "staging",
}
_NOT_FOUND: Final = {
    gate.HAS_BEACONS: "false",
    gate.BEACON_REASON: ReasonCode.BEACON_DATA_MISSING.value,
    gate.BEACON_DETAIL: "no statement about this digest",
}

CONTRACT: Final = ProviderContract(
    "beacon-rate",
    "Beacon rate",
    "How many beacons of an image were verified elsewhere, of those expected, by signed statements that count.",
    (
        CheckContract(
            "metadata",
            "What the gate decides by, and why, as strings. Never absent.",
            PARAMS,
            _METADATA,
            PRESENCE,
            ("image_digest",),
            ("application/json",),
            (
                CheckExample("A rate that suffices.", ASKED, _FOUND),
                CheckExample("No beacon data.", ASKED, _NOT_FOUND),
            ),
        ),
    ),
    NOTES,
)
