"""docs/adopting.md: its values are the chart's, and do what the page says of them."""

import re
from typing import Any

import click
import pytest
import yaml

from tests.charts.chart import Helm, of_kind
from tests.docs.console import ROOT
from webhook.cli.main import main
from webhook.cli.options import EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE, EXIT_USAGE
from webhook.reasons import ReasonCode

PAGE = (ROOT / "docs" / "adopting.md").read_text("utf-8")
BLOCKS: list[dict[str, Any]] = [
    yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
]
WARN, EXEMPT, CANARY, GLASS, BLOCK = BLOCKS


def policies(helm: Helm, *blocks: dict[str, Any]) -> dict[str, str]:
    """Environment to failure policy, with each step's values on top of the former ones."""
    values: dict[str, Any] = {}
    for block in blocks:
        values |= block
    [configuration] = of_kind(helm.render(values=values), "ValidatingWebhookConfiguration")
    return {entry["name"].partition(".")[0]: entry["failurePolicy"] for entry in configuration["webhooks"]}


def test_step_by_step_it_blocks_no_more_than_the_page_says(helm: Helm) -> None:
    assert policies(helm, WARN) == {"production": "Ignore"}
    assert policies(helm, WARN, EXEMPT, CANARY, GLASS) == {"production": "Ignore", "canary": "Fail"}
    assert policies(helm, WARN, EXEMPT, CANARY, GLASS, BLOCK) == {"production": "Fail", "canary": "Fail"}


def options(line: str) -> tuple[click.Command, list[str]]:
    """The command of a line, and the options that it names."""
    name, *words = line.split()
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command, [word for word in words if word.startswith("-")]


@pytest.mark.parametrize("line", re.findall(r"evidence-gate (scan .*)$", PAGE, re.MULTILINE))
def test_the_options_of_each_command_exist(line: str) -> None:
    command, named = options(line)
    known = {spelling for parameter in command.params for spelling in parameter.opts}
    assert set(named) <= known


def test_every_reason_exists() -> None:
    named = set(re.findall(r"^\| `([A-Z]\w+)` \|", PAGE, re.MULTILINE))
    assert named
    assert named <= {reason.value for reason in ReasonCode}


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    listed = [int(code) for code in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)]
    assert listed == [EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE, EXIT_USAGE]
