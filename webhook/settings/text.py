"""The configuration file's text: YAML or JSON in, a document or a helpful error out."""

import difflib
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic.aliases import AliasChoices

from webhook.errors import ConfigurationError, MalformedError
from webhook.model.strict_json import parse_json
from webhook.yaml_text import YamlError, load_documents


def parse_text(content: bytes, path: Path) -> dict[str, Any]:
    """Parses a configuration file.

    Args:
        content: UTF-8 text; what begins with `{` is read as JSON, anything else as YAML.
        path: The file, for errors.

    Returns:
        The document; an empty file is an empty document.

    Raises:
        ConfigurationError: The text is neither, names a key twice, or is no mapping.
    """
    try:
        documents = [parse_json(content, "file")] if content.lstrip().startswith(b"{") else load_documents(content)
    except MalformedError as error:
        raise ConfigurationError(f"{path}: {error.detail}") from None
    except YamlError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    if len(documents) > 1:
        raise ConfigurationError(f"{path}: holds more than one document")
    document = documents[0] if documents else None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path}: must be a mapping with `PolicyGates` and other sections")
    return cast("dict[str, Any]", document)


def describe_errors(error: ValidationError, model: type[BaseModel], path: Path) -> str:
    """Turns pydantic's errors into lines that say what to change.

    Args:
        error: What `model_validate` raised.
        model: The root model.
        path: The file.

    Returns:
        One line an error: file, place, problem, and for an unknown key the nearest known one.
    """
    lines = []
    for entry in error.errors(include_url=False, include_input=False, include_context=False):
        place = _place(entry["loc"])
        if entry["type"] == "extra_forbidden":
            problem = f"unknown key{_nearest(entry['loc'], model)}"
        else:
            problem = entry["msg"].removeprefix("Value error, ")
        lines.append(f"{path}: {place}: {problem}")
    return "\n".join(lines)


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    # pydantic marks a mapping's key that is wrong by a part of its own.
    for part in (part for part in location if part != "[key]"):
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "the file"


def _nearest(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    owner: type[BaseModel] | None = model
    for part in location[:-1]:
        owner = _model_below(owner, part) if owner is not None else None
    if owner is None:
        return ""
    spellings = [spelling for name in owner.model_fields for spelling in _spellings(owner, name)]
    unknown = str(location[-1])
    by_lower = {spelling.lower(): spelling for spelling in reversed(spellings)}
    found = difflib.get_close_matches(unknown.lower(), by_lower, n=1, cutoff=0)
    return f", did you mean {by_lower[found[0]]!r}?" if found else ""


def _spellings(owner: type[BaseModel], name: str) -> list[str]:
    alias = owner.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return [choice for choice in alias.choices if isinstance(choice, str)]
    return [alias if isinstance(alias, str) else name]


def _model_below(owner: type[BaseModel], part: int | str) -> type[BaseModel] | None:
    """Finds the model that a key of `owner` holds; list indices and mapping keys stay with the model inside."""
    for name, field in owner.model_fields.items():
        if part in _spellings(owner, name):
            return _first_model(field.annotation)
    return owner


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _first_model(argument)
        if found is not None:
            return found
    return None
