"""The part of JSON Schema that our contracts use: judging a document, and making documents up.

Small enough to be read, and independent of the models that it is held against. A keyword that it does not know is an
error, so that no schema can say something here that nobody checks.
"""

import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Schema = Mapping[str, Any]

_REMARKS = {"$schema", "$id", "description", "title", "examples", "format", "default", "x-decision-gate"}
_TYPES: dict[str, Any] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def accepts(schema: Schema, value: Any) -> bool:
    """Judges a document; 1.0 is no integer here.

    Args:
        schema: The schema, without references.
        value: The document.

    Returns:
        Whether it is valid.
    """
    return all(_JUDGES[keyword](schema, value) for keyword in schema if keyword not in _REMARKS)


def resolved(schema: Any, document: Schema) -> Any:
    """Puts in what a schema refers to.

    Args:
        schema: The schema.
        document: Where `#/…` leads into; nothing there refers to itself.

    Returns:
        The schema without references.
    """
    if isinstance(schema, list):
        return [resolved(part, document) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        found: Any = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return resolved(found, document)
    return {name: resolved(part, document) for name, part in schema.items()}


def _types(schema: Schema, value: Any) -> bool:
    allowed = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(_TYPES[name](value) for name in allowed)


def _properties(schema: Schema, value: Any) -> bool:
    parts = schema["properties"]
    return not isinstance(value, dict) or all(accepts(parts[name], value[name]) for name in parts if name in value)


def _required(schema: Schema, value: Any) -> bool:
    return not isinstance(value, dict) or set(schema["required"]) <= set(value)


def _closed(schema: Schema, value: Any) -> bool:
    assert schema["additionalProperties"] is False
    return not isinstance(value, dict) or set(value) <= set(schema["properties"])


def _items(schema: Schema, value: Any) -> bool:
    return not isinstance(value, list) or all(accepts(schema["items"], item) for item in value)


def _pattern(schema: Schema, value: Any) -> bool:
    # `$` is the end of the text, as ECMA-262 has it, and not before a line feed, as Python has it.
    return not isinstance(value, str) or re.search(_anchored(schema["pattern"]), value) is not None


def _anchored(pattern: str) -> str:
    return pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern


_JUDGES: dict[str, Any] = {
    "type": _types,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _closed,
    "items": _items,
    "const": lambda schema, value: value == schema["const"],
    "enum": lambda schema, value: value in schema["enum"],
    "minimum": lambda schema, value: not _TYPES["number"](value) or value >= schema["minimum"],
    "maximum": lambda schema, value: not _TYPES["number"](value) or value <= schema["maximum"],
    "maxLength": lambda schema, value: not isinstance(value, str) or len(value) <= schema["maxLength"],
    "pattern": _pattern,
    "oneOf": lambda schema, value: sum(accepts(part, value) for part in schema["oneOf"]) == 1,
    "anyOf": lambda schema, value: any(accepts(part, value) for part in schema["anyOf"]),
}


def anything(leaves: int = 8) -> st.SearchStrategy[Any]:
    """Makes up JSON values that every reader takes in the same way."""
    text = st.text(st.characters(codec="utf-8"), max_size=20)
    numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False, width=32)
    return st.recursive(
        st.none() | st.booleans() | numbers | text,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=leaves,
    )


def documents(schema: Schema) -> st.SearchStrategy[Any]:
    """Makes up documents that a schema accepts.

    Args:
        schema: The schema, as for `accepts`.

    Returns:
        The strategy; optional members are there or not, integers fit into 63 bits.
    """
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            return st.one_of([documents(part) for part in schema[keyword]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    kinds = schema["type"]
    if not isinstance(kinds, list):
        made: st.SearchStrategy[Any] = _MAKERS[kinds](schema)
        return made
    anything_goes = {"null", "boolean", "number", "string", "array", "object"} <= set(kinds)
    return anything() if anything_goes else st.one_of([documents({**schema, "type": kind}) for kind in kinds])


def _strings(schema: Schema) -> st.SearchStrategy[Any]:
    if "pattern" in schema:
        return st.from_regex(_anchored(schema["pattern"]))
    return st.text(st.characters(codec="utf-8"), max_size=min(40, schema.get("maxLength", 40)))


def _objects(schema: Schema) -> st.SearchStrategy[Any]:
    parts = {name: documents(part) for name, part in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: parts[name] for name in schema["required"]},
        optional={name: part for name, part in parts.items() if name not in schema["required"]},
    )


_MAKERS: dict[str, Any] = {
    "object": _objects,
    "integer": lambda schema: st.integers(schema.get("minimum", -(2**62)), schema.get("maximum", 2**62)),
    "array": lambda schema: st.lists(documents(schema["items"]), max_size=5),
    "string": _strings,
    "null": lambda _: st.none(),
}
