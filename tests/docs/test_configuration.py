"""The configuration's tables against the models that read the file."""

from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from tests.attest.keys import public_pem
from tests.docs.console import ROOT
from tests.docs.tables import code, rows, section
from tests.simulators.sigstore import Sigstore, root_bytes
from webhook.gates.policy import ExecutionEvidencePolicy, PolicyOverrides, format_duration
from webhook.model.pattern import RepositoryPattern
from webhook.settings.file import WORKLOADS, SettingsFile
from webhook.settings.loading import load_settings

PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
TABLES = section((ROOT / "README.md").read_text("utf-8"), "## Configuration") + section(PAGE, "## All keys")
ROWS = {code(cells[0])[0]: cells for cells in rows(TABLES, 4)}
PATTERNS = rows(section(PAGE, "### Patterns"), 3)
GATE = "PolicyGates.ExecutionEvidence."


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Walks through the sections; a section without keys of its own is a leaf, a mapping's key is `HOST`."""
    for name, field in model.model_fields.items():
        key = prefix + spelling(name, field)
        below = model_in(field.annotation)
        if below is None or not below.model_fields or below is PolicyOverrides:
            yield key.removeprefix(GATE), field
        else:
            outside = str(field.annotation)
            inside = "[]" if outside.startswith("tuple") else ".HOST" if outside.startswith("dict") else ""
            yield from leaves(below, f"{key}{inside}.")


def spelling(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return str(alias.choices[0] if isinstance(alias, AliasChoices) else alias or name)


def model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := model_in(argument))), None)


def default_in(cell: str) -> object:
    """Reads a default as the table writes it: `required`, `none` with or without an explanation, or YAML."""
    word = cell.partition(":")[0]
    if word in {"required", "none"}:
        return {"required": "required", "none": None}[word]
    (text,) = code(cell)
    return yaml.safe_load(text)


def default_of(field: FieldInfo) -> object:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return format_duration(value)
    return list(value) if isinstance(value, tuple) else value


def enumeration(field: FieldInfo) -> type[Enum] | None:
    found = (kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type))
    return next((kind for kind in found if issubclass(kind, Enum)), None)


LEAVES = dict(leaves(SettingsFile))


def test_the_tables_list_every_key_and_no_other() -> None:
    assert sorted(ROWS) == sorted(LEAVES)


@pytest.mark.parametrize("key", LEAVES)
def test_the_default_is_the_models(key: str) -> None:
    assert default_in(ROWS[key][2]) == default_of(LEAVES[key])


@pytest.mark.parametrize("key", [key for key, field in LEAVES.items() if enumeration(field)])
def test_the_type_names_every_choice(key: str) -> None:
    kind = enumeration(LEAVES[key])
    assert kind is not None
    assert code(ROWS[key][1]) == [choice.value for choice in kind]


@pytest.mark.parametrize("key", [key for key, field in LEAVES.items() if field.annotation is bool])
def test_the_type_of_a_switch_is_bool(key: str) -> None:
    assert ROWS[key][1] == "bool"


@pytest.mark.parametrize("key", LEAVES)
def test_the_reference_explains(key: str) -> None:
    assert f"`{key}`" in PAGE or f"`{key.partition('.')[0]}`" in PAGE or f"`{key}:" in PAGE


def test_overrides_take_every_key_of_the_section_but_two() -> None:
    own = set(ExecutionEvidencePolicy.model_fields) - set(PolicyOverrides.model_fields)
    assert own == {"required_environments", "overrides"}
    assert "apart from `RequiredEnvironments` and `Overrides`" in " ".join(PAGE.split())


def test_the_reference_names_every_workload_kind() -> None:
    assert code(section(PAGE, "## `workloads`: which kinds").partition(". ")[0]) == list(WORKLOADS)


def test_the_references_file_is_valid_and_names_every_key(tmp_path: Path) -> None:
    (text,) = [block.partition("\n```")[0] for block in PAGE.split("```yaml\n")[1:]]
    (tmp_path / "config.yaml").write_text(text)
    for name in ("staging.pub", "board.pub"):
        (tmp_path / name).write_bytes(public_pem("Ed25519"))
    (tmp_path / "trusted_root.json").write_bytes(root_bytes(Sigstore()))
    assert load_settings(tmp_path / "config.yaml").remarks() == []
    for key in LEAVES:
        assert f"{key.rpartition('.')[2]}:" in text


def test_the_shipped_file_is_valid(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes((ROOT / "manifests" / "examples" / "config.yaml").read_bytes())
    (tmp_path / "staging.pub").write_bytes(public_pem("Ed25519"))
    assert load_settings(tmp_path / "config.yaml").remarks() == []


@pytest.mark.parametrize("cells", PATTERNS, ids=[code(cells[0])[0] for cells in PATTERNS])
def test_a_pattern_matches_what_the_reference_says(cells: list[str]) -> None:
    (text,), matching, others = (code(cell) for cell in cells)
    pattern = RepositoryPattern.parse(text)
    assert [name for name in matching if not pattern.matches(name)] == []
    assert [name for name in others if pattern.matches(name)] == []
    assert matching
    assert others
