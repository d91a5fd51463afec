"""The observer's page against its models, and its example against the reader."""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from tests.docs.console import ROOT
from tests.docs.tables import code, rows, section
from tests.observer.watching import configured
from webhook.gates.policy import format_duration
from webhook.observer.images import Outcome
from webhook.observer.settings import ObserverFile, load_observer_settings
from webhook.observer.sources.settings import SourceSettings

PAGE = (ROOT / "docs" / "observer.md").read_text("utf-8")
OWN = rows(section(PAGE, "## The command").partition("The log is")[0], 3)
SERVER = rows(section(PAGE, "## Profile servers").partition("\n| | ")[0], 3)
EXAMPLE: dict[str, Any] = yaml.safe_load(section(PAGE, "## The command").split("```yaml\n")[1].partition("```")[0])


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Gives each key with its default; a section that is explained elsewhere is one key."""
    for name, entry in model.model_fields.items():
        key = f"{prefix}{entry.alias or name}"
        below = _model(entry.annotation)
        if below is None or below is SourceSettings:
            yield key, None if entry.is_required() else entry.get_default(call_default_factory=True)
        else:
            yield from leaves(below, f"{key}.")


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _model(argument))), None)


def named(table: list[list[str]]) -> list[str]:
    return sorted(key for cells in table for key in code(cells[0]))


def test_the_tables_list_every_key_and_no_other() -> None:
    assert named(OWN) == sorted(dict(leaves(ObserverFile)))
    assert named(SERVER) == sorted(dict(leaves(SourceSettings)))


DEFAULTS = {key: default for key, default in leaves(ObserverFile) if default is not None}


@pytest.mark.parametrize("key", DEFAULTS)
def test_the_default_is_the_model_s(key: str) -> None:
    (cell,) = [cells[2] for cells in OWN if code(cells[0]) == [key]]
    default = DEFAULTS[key]
    if isinstance(default, timedelta):
        default = format_duration(default)
    elif isinstance(default, tuple):
        default = list(default)
    elif isinstance(default, (Enum, Path)):
        default = str(default)
    assert yaml.safe_load(code(cell)[0]) == default


def test_the_example_is_valid(tmp_path: Path) -> None:
    path = configured(tmp_path)
    path.write_text(yaml.safe_dump(EXAMPLE))
    settings = load_observer_settings(path)
    assert settings.file.refresh_after == timedelta(hours=24)


def test_every_outcome_is_explained() -> None:
    lines = [line.strip() for line in section(PAGE, "## Start").splitlines()]
    explained = [code(line)[0] for line in lines if line.startswith("| `")]
    assert sorted(explained) == sorted(["outcome", *(outcome.value for outcome in Outcome)])


LINES = rows(section(PAGE, "## The command").partition("The log is")[2], 3)
LOG = {code(cells[0])[0]: code(cells[2]) for cells in LINES}
SOURCE = (ROOT / "webhook" / "cli" / "observe.py").read_text("utf-8")


def test_every_line_of_the_log_is_explained() -> None:
    assert set(LOG) - {"message"} == set(re.findall(r'_LOG\.[a-z]+\([^"]*"([^"]+)"', SOURCE))


@pytest.mark.parametrize("message", [message for message in LOG if message != "message"])
def test_the_fields_of_a_line_are_those_that_the_code_gives_it(message: str) -> None:
    assert [name for name in LOG[message] if f'"{name}": ' not in SOURCE] == []
