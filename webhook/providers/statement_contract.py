"""What the contracts of all providers that answer from signed statements have in common."""

from typing import Final

from webhook.gates.comparators import Comparator
from webhook.limits import LIMITS
from webhook.model.contract import Schema
from webhook.reasons import ReasonCode

PARAMS: Final[Schema] = {
    "additionalProperties": False,
    "properties": {
        "environment": {
            "description": "The environment that the image is to run in; its policy judges.",
            "maxLength": LIMITS.environment_characters,
            "type": "string",
        },
        "image_digest": {
            "description": "The image, or an index of images.",
            "pattern": "^sha256:[0-9a-f]{64}$",
            "type": "string",
        },
        "repository": {
            "description": "Host and path of the image; without it no registry is asked.",
            "maxLength": LIMITS.reference_characters,
            "type": ["string", "null"],
        },
    },
    "required": ["image_digest", "environment"],
    "type": "object",
}
ASKED: Final = {
    "environment": "production",
    "image_digest": "sha256:52da0f4c3e1b7a9d8c6f5e2b1a0d9c8b7f6e5d4c3b2a190817263544536271f0",
    "repository": "registry.example.com/shop/cart",
}
REFUSALS: Final = (
    ReasonCode.EVIDENCE_UNTRUSTED,
    ReasonCode.EVIDENCE_MALFORMED,
    ReasonCode.EVIDENCE_STALE,
    ReasonCode.EVIDENCE_FROM_OTHER_ENVIRONMENT,
)
COUNT_TEXT: Final = {"pattern": "^[0-9]{1,19}$", "type": "string"}
TIME: Final = {"format": "date-time", "type": "string"}
PRESENCE: Final = (Comparator.EXISTS, Comparator.NOT_EXISTS)
NOTES: Final = (
    "trigger_time must be unix_millis: evidence has an age.",
    "What could not be found out is the error evidence_unavailable, and never an absent value.",
    "The lane is verified only if a configured key signed the statement that speaks; without one it is asserted.",
)
