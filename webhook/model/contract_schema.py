"""The JSON Schemas of `providers_list` and `provider_contract_get`, as Decision Gate's server has these tools."""

from typing import Any, Final

from webhook.model.contract import ANY_COMPARATOR, Determinism
from webhook.model.evidence_schema import HASH_SCHEMA, JSON_SCHEMA_DIALECT

Schema = dict[str, Any]

LIST_NAME: Final = "providers_list"
LIST_DESCRIPTION: Final = "List the evidence providers and their checks."
GET_NAME: Final = "provider_contract_get"
GET_DESCRIPTION: Final = "Get the contract of an evidence provider, and its hash."

_TEXT: Final = {"type": "string"}
_SCHEMA: Final = {"type": "object"}
_PROVIDER_ID: Final = {"description": "Evidence provider identifier.", "type": "string"}


def _closed(**properties: Any) -> Schema:
    return {
        "additionalProperties": False,
        "properties": properties,
        "required": list(properties),
        "type": "object",
    }


def _list(items: Any) -> Schema:
    return {"items": items, "type": "array"}


def _texts(*choices: str) -> Schema:
    return _list({"enum": list(choices), "type": "string"} if choices else _TEXT)


LIST_INPUT_SCHEMA: Final = _closed() | {"$schema": JSON_SCHEMA_DIALECT}
"""What `providers_list` takes: nothing."""

GET_INPUT_SCHEMA: Final = _closed(provider_id=_PROVIDER_ID) | {"$schema": JSON_SCHEMA_DIALECT}
"""What `provider_contract_get` takes."""

LIST_OUTPUT_SCHEMA: Final = _closed(
    providers=_list(_closed(provider_id=_PROVIDER_ID, transport={"enum": ["mcp"], "type": "string"}, checks=_texts()))
)
"""What `providers_list` gives."""

_CHECK: Final = _closed(
    check_id=_TEXT,
    description=_TEXT,
    determinism={"enum": [kind.value for kind in Determinism], "type": "string"},
    params_required={"type": "boolean"},
    params_schema=_SCHEMA,
    result_schema=_SCHEMA,
    allowed_comparators=_texts(*ANY_COMPARATOR),
    anchor_types=_texts(),
    content_types=_texts(),
    examples=_list(_closed(description=_TEXT, params={}, result={})),
)

CONTRACT_SCHEMA: Final = _closed(
    provider_id=_PROVIDER_ID,
    name=_TEXT,
    description=_TEXT,
    transport={"enum": ["mcp"], "type": "string"},
    config_schema=_SCHEMA,
    checks=_list(_CHECK),
    notes=_texts(),
)
"""A provider's contract."""

GET_OUTPUT_SCHEMA: Final = _closed(
    provider_id=_PROVIDER_ID,
    contract=CONTRACT_SCHEMA,
    contract_hash=HASH_SCHEMA,
    source={"enum": ["builtin", "file"], "type": "string"},
    version={"type": "null"},
)
"""What `provider_contract_get` gives; `file` is a contract that follows from the configuration."""
