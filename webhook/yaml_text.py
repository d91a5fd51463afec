"""YAML as the gate reads it: one meaning, no crash, and only what JSON can say.

PyYAML's safe loader takes duplicate keys, raises whatever its converters raise, and follows aliases into values
that are small in memory and endless on paper. Kubernetes knows YAML only as another spelling of JSON.
"""

import datetime as dt
import math
from collections.abc import Hashable
from typing import Any

import yaml

_NODES = 500_000
"""Values in one document with all aliases written out; 16 MiB of YAML hold fewer."""


class YamlError(ValueError):
    """The text is not YAML, or says what JSON cannot. The message is ours, with a line number where there is one."""


def load_documents(content: bytes) -> list[Any]:
    """Reads all documents of a YAML text.

    Args:
        content: UTF-8; the caller has capped it.

    Returns:
        One JSON value a document: dates become text, and keys that are numbers or booleans become their JSON text,
        as `kubectl` reads them.

    Raises:
        YamlError: The text is not YAML, names a key twice, or holds what JSON cannot say.
    """
    try:
        documents = list(yaml.load_all(content, _StrictLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlError(f"line {line}: is not YAML: {error.problem}") from None
    except Exception:  # noqa: BLE001 - PyYAML's converters raise KeyError, AttributeError, IndexError and more
        raise YamlError("is not YAML") from None
    budget = _Budget()
    return [_as_json(document, budget) for document in documents]


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                # A few lines of these multiply without end, and JSON does not have them.
                problem = "merge keys (`<<`) are not read; write the members out"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # The call refuses it, with its line.
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, "a key stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


class _Budget:
    """Counts values, so that aliases cannot multiply without end."""

    def __init__(self) -> None:
        self._left = _NODES

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise YamlError(f"holds more than {_NODES} values with its aliases written out")


def _as_json(value: Any, budget: _Budget) -> Any:
    budget.spend()
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, dt.date):
        return value.isoformat()
    try:
        if isinstance(value, list):
            return [_as_json(item, budget) for item in value]
        if isinstance(value, dict):
            members = {_key(name): _as_json(member, budget) for name, member in value.items()}
            if len(members) != len(value):
                raise YamlError("a key stands twice, as a text and as a number or boolean")
            return members
    except RecursionError:
        raise YamlError("is nested too deeply") from None
    raise YamlError("holds a value that JSON does not have")


def _key(name: Any) -> str:
    if isinstance(name, bool):
        return "true" if name else "false"
    if isinstance(name, int):
        return str(name)
    if isinstance(name, str):
        return _text(name)
    raise YamlError("holds a key that JSON does not have")


def _text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise YamlError("holds a lone surrogate") from None
    return text
