"""The JSON Schemas of `evidence_query`: what goes in and what comes out, for whoever asks over a wire.

They are Decision Gate's published ones, member by member, but for one word: its output schema says of
`error.details` `oneOf` null and anything, which no null can meet, and so refuses its own errors. Here it is `anyOf`.
JSON Schema counts 1.0 as an integer; this gate does not, and takes integers of 64 bits only.
"""

from typing import Any, Final

Schema = dict[str, Any]

TOOL_NAME: Final = "evidence_query"
TOOL_DESCRIPTION: Final = "Query an evidence provider with full run context and disclosure policy."
JSON_SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_ANY_JSON: Final = ["null", "boolean", "number", "string", "array", "object"]


def _object(required: list[str], properties: dict[str, Any], description: str | None = None) -> Schema:
    schema: Schema = {
        "additionalProperties": False,
        "properties": properties,
        "required": required,
        "type": "object",
    }
    return schema if description is None else schema | {"description": description}


def _text(description: str) -> Schema:
    return {"description": description, "type": "string"}


def _nullable(schema: Schema) -> Schema:
    return {"oneOf": [{"type": "null"}, schema]}


def _kind(kind: str, value: Schema) -> Schema:
    return _object(["kind", "value"], {"kind": {"const": kind}, "value": value})


_OCTETS: Final = {"items": {"maximum": 255, "minimum": 0, "type": "integer"}, "type": "array"}

_CONTEXT: Final = _object(
    ["tenant_id", "namespace_id", "run_id", "scenario_id", "stage_id", "trigger_id", "trigger_time"],
    {
        "correlation_id": _nullable(_text("Correlation identifier.")),
        "namespace_id": {"description": "Namespace identifier.", "minimum": 1, "type": "integer"},
        "run_id": _text("Run identifier."),
        "scenario_id": _text("Scenario identifier."),
        "stage_id": _text("Stage identifier."),
        "tenant_id": {"description": "Tenant identifier.", "minimum": 1, "type": "integer"},
        "trigger_id": _text("Trigger identifier."),
        "trigger_time": {
            "oneOf": [
                _kind("unix_millis", {"type": "integer"}),
                _kind("logical", {"minimum": 0, "type": "integer"}),
            ]
        },
    },
    "Evidence context used for evaluation.",
)

_QUERY: Final = _object(
    ["provider_id", "check_id"],
    {
        "check_id": _text("Provider check identifier."),
        "params": {"description": "Provider-specific parameter payload.", "type": _ANY_JSON},
        "provider_id": _text("Evidence provider identifier."),
    },
    "Evidence query payload.",
)

INPUT_SCHEMA: Final = _object(["query", "context"], {"context": _CONTEXT, "query": _QUERY}) | {
    "$schema": JSON_SCHEMA_DIALECT
}
"""What is asked."""

_ERROR: Final = _object(
    ["code", "message", "details"],
    {
        "code": _text("Stable error code."),
        "details": {
            "anyOf": [
                {"type": "null"},
                {"description": "Optional structured error details.", "type": _ANY_JSON},
            ]
        },
        "message": _text("Error message."),
    },
)

HASH_SCHEMA: Final = _object(
    ["algorithm", "value"],
    {"algorithm": {"enum": ["sha256"], "type": "string"}, "value": _text("Lowercase hex digest.")},
)

_SIGNATURE: Final = _object(
    ["scheme", "key_id", "signature"],
    {
        "key_id": _text("Signing key identifier."),
        "scheme": _text("Signature scheme identifier."),
        "signature": _OCTETS,
    },
)

RESULT_SCHEMA: Final = _object(
    [
        "value",
        "lane",
        "error",
        "evidence_hash",
        "evidence_ref",
        "evidence_anchor",
        "signature",
        "content_type",
    ],
    {
        "content_type": _nullable(_text("Evidence content type.")),
        "error": _nullable(_ERROR),
        "evidence_anchor": _nullable(
            _object(
                ["anchor_type", "anchor_value"],
                {"anchor_type": _text("Anchor type identifier."), "anchor_value": _text("Anchor value.")},
            )
        ),
        "evidence_hash": _nullable(HASH_SCHEMA),
        "evidence_ref": _nullable(_object(["uri"], {"uri": _text("Evidence reference URI.")})),
        "lane": {
            "description": "Trust lane classification for evidence.",
            "enum": ["verified", "asserted"],
            "type": "string",
        },
        "signature": _nullable(_SIGNATURE),
        "value": _nullable(
            {
                "oneOf": [
                    _kind("json", {"description": "Evidence JSON value.", "type": _ANY_JSON}),
                    _kind("bytes", _OCTETS),
                ]
            }
        ),
    },
)
"""One result, bare."""

OUTPUT_SCHEMA: Final = _object(["result"], {"result": RESULT_SCHEMA}) | {"$schema": JSON_SCHEMA_DIALECT}
"""What is answered."""
