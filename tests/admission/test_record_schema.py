"""The published schema of records against records of every kind."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from tests.admission.replay.scenes import RICH, SCENES, Scene
from tests.docs.console import ROOT
from tests.support.json_schema import accepts, resolved

SCHEMA: dict[str, Any] = json.loads(
    (ROOT / "docs" / "contracts" / "decision-record-v1alpha1.schema.json").read_text("utf-8")
)
WHOLE = {name: part for name, part in resolved(SCHEMA, SCHEMA).items() if name != "$defs"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("schema")


@given(scene=SCENES)
@settings(max_examples=150, deadline=None)
async def test_every_record_follows_the_schema(folder: Path, scene: Scene) -> None:
    document = json.loads((await scene.record(scene.settings(folder))).content)
    assert accepts(WHOLE, document), document


def without(value: Any, path: tuple[str | int, ...]) -> Any:
    """The same JSON with one member less."""
    copy = json.loads(json.dumps(value))
    holder = copy
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    return copy


def members(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where each member of each object stands, but in values that belong to others."""
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in members(item, (*path, index))]
    if not isinstance(value, dict) or path[-1:] in {("value",), ("bind",), ("params",), ("expected",)}:
        return []
    return [(*path, name) for name in value] + [
        found for name, member in value.items() for found in members(member, (*path, name))
    ]


async def test_the_schema_knows_every_member_and_no_other(folder: Path) -> None:
    document = json.loads((await RICH.record(RICH.settings(folder))).content)
    assert accepts(WHOLE, document)
    for path in members(document):
        assert not accepts(WHOLE, without(document, path)), path
        assert not accepts(WHOLE, with_one_more(document, path)), path


def with_one_more(value: Any, path: tuple[str | int, ...]) -> Any:
    """The same JSON with one member more beside another."""
    copy = json.loads(json.dumps(value))
    holder = copy
    for part in path[:-1]:
        holder = holder[part]
    holder["surplus"] = None
    return copy
