"""What a provider promises: its checks, what each takes and gives, and how its values may be compared.

The shape is Decision Gate's provider contract, so that one of ours can be handed to a Decision Gate as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from webhook.model.evidence import EvidenceHash, EvidenceValue
from webhook.model.evidence_hash import hash_value

Schema = Mapping[str, Any]

ANY_COMPARATOR: Final = (
    "equals",
    "not_equals",
    "greater_than",
    "greater_than_or_equal",
    "less_than",
    "less_than_or_equal",
    "contains",
    "in_set",
    "exists",
    "not_exists",
)
"""All comparators, in the order in which a contract lists them."""
_NO_CONFIGURATION: Final = {"additionalProperties": False, "properties": {}, "type": "object"}
_ANYTHING: Final = {"description": "Any JSON value.", "x-decision-gate": {"dynamic_type": True}}


class Determinism(StrEnum):
    """What an answer depends on besides the query."""

    DETERMINISTIC = "deterministic"
    """Nothing."""
    TIME_DEPENDENT = "time_dependent"
    """The trigger time."""
    EXTERNAL = "external"
    """What lies outside: stores, files, the process' environment, other servers."""


@dataclass(frozen=True, slots=True)
class CheckExample:
    """An answer that a check gives.

    Attributes:
        description: One sentence.
        params: What was asked; valid by the check's schema of params.
        result: The inner value; valid by the check's schema of results.
    """

    description: str
    params: Any
    result: Any

    def to_json(self) -> dict[str, Any]:
        """Gives the example as the contract writes it.

        Returns:
            A JSON object.
        """
        return {"description": self.description, "params": self.params, "result": self.result}


@dataclass(frozen=True, slots=True)
class CheckContract:
    """One check.

    Attributes:
        check_id: What a query names.
        description: What the value means, and when it is absent.
        params_schema: JSON Schema of `params`.
        result_schema: JSON Schema of the inner value, where there is one; an absent value is none.
        allowed_comparators: How the value may be compared, in the order of `ANY_COMPARATOR`.
        anchor_types: What answers may be anchored to; empty if nothing is said.
        content_types: Media types of the value; empty if nothing is said.
        examples: Answers.
        determinism: What an answer depends on besides the query.
        params_required: Whether `params` may be left out.
    """

    check_id: str
    description: str
    params_schema: Schema
    result_schema: Schema
    allowed_comparators: tuple[str, ...]
    anchor_types: tuple[str, ...]
    content_types: tuple[str, ...]
    examples: tuple[CheckExample, ...]
    determinism: Determinism = Determinism.EXTERNAL
    params_required: bool = True

    def to_json(self) -> dict[str, Any]:
        """Gives the check as the contract writes it.

        Returns:
            A JSON object.
        """
        return {
            "check_id": self.check_id,
            "description": self.description,
            "determinism": self.determinism.value,
            "params_required": self.params_required,
            "params_schema": dict(self.params_schema),
            "result_schema": dict(self.result_schema),
            "allowed_comparators": list(map(str, self.allowed_comparators)),
            "anchor_types": list(self.anchor_types),
            "content_types": list(self.content_types),
            "examples": [example.to_json() for example in self.examples],
        }


def dynamic_check(check_id: str, description: str) -> CheckContract:
    """Makes the contract of a check of which no more is known than its name.

    Args:
        check_id: What a query names.
        description: One sentence.

    Returns:
        A contract that allows any params, any value and any comparator.
    """
    said = (ANY_COMPARATOR, (), (), ())
    return CheckContract(check_id, description, _ANYTHING, _ANYTHING, *said, params_required=False)


@dataclass(frozen=True, slots=True)
class ProviderContract:
    """All that a provider promises.

    Attributes:
        provider_id: What a query names.
        name: For people.
        description: What it knows about.
        checks: Its checks.
        notes: What else somebody who asks should know.
        fixed: Whether it is part of this program; otherwise it follows from the configuration.
    """

    provider_id: str
    name: str
    description: str
    checks: tuple[CheckContract, ...]
    notes: tuple[str, ...] = ()
    fixed: bool = True

    def to_json(self) -> dict[str, Any]:
        """Gives the contract as Decision Gate reads it.

        Returns:
            A JSON object. Whoever reads it asks over a wire, which Decision Gate calls `mcp`, and configures nothing.
        """
        return {
            "provider_id": self.provider_id,
            "name": self.name,
            "description": self.description,
            "transport": "mcp",
            "config_schema": _NO_CONFIGURATION,
            "checks": [check.to_json() for check in self.checks],
            "notes": list(self.notes),
        }

    @property
    def hash(self) -> EvidenceHash:
        """Names the contract by its canonical JSON, so that a change is seen."""
        return hash_value(EvidenceValue("json", self.to_json()))
