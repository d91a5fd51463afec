"""The page of conditions: its examples are read, its truth table is computed."""

import json
from pathlib import Path

import pytest

from tests.docs.console import ROOT
from tests.docs.tables import code, rows, section
from webhook.gates.comparators import Comparator, compare
from webhook.gates.conditions import Fact
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceValue
from webhook.reasons import ReasonCode
from webhook.settings.conditions import GateSettings
from webhook.settings.text import parse_text

PAGE = (ROOT / "docs" / "conditions.md").read_text("utf-8")
LOGIC = section(PAGE, "## True, false, unknown")
TRUTH = rows(LOGIC, 4)


@pytest.mark.parametrize("cells", TRUTH, ids=" ".join)
def test_the_truth_table_is_true(cells: list[str]) -> None:
    value, comparator, expected, outcome = cells
    (told,) = code(value)
    evidence = None if told == "absent" else EvidenceValue("json", json.loads(told))
    wanted = None if expected == "nothing" else json.loads(code(expected)[0])
    assert compare(Comparator(code(comparator)[0]), wanted, evidence).value == outcome


def test_the_truth_table_has_every_outcome_of_every_comparator() -> None:
    shown = {(code(comparator)[0], outcome) for _, comparator, _, outcome in TRUTH}
    for comparator in Comparator:
        outcomes = {outcome for name, outcome in shown if name == comparator.value}
        if comparator.asks_for_presence:
            assert outcomes == {"true", "false"}
        elif comparator.orders:
            assert outcomes & {"true", "false"}
        else:
            assert outcomes == {"true", "false", "unknown"}
    assert {outcome for name, outcome in shown if Comparator(name).orders} == {"true", "false", "unknown"}


def test_every_comparator_is_explained() -> None:
    assert [code(cells[0])[0] for cells in rows(LOGIC, 3)] == [comparator.value for comparator in Comparator]


def test_every_fact_is_listed() -> None:
    facts = rows(section(PAGE, "## What is asked"), 2)
    assert [code(cells[0])[0] for cells in facts] == [fact.value for fact in Fact]


def test_the_reasons_exist() -> None:
    reasons = {name for cells in rows(section(PAGE, "## Reasons"), 2) for name in code(cells[0])}
    assert reasons <= {reason.value for reason in ReasonCode}
    assert {reason.value for reason in ReasonCode if reason.value.startswith("Condition")} <= reasons


def test_the_bound_is_the_one_in_force() -> None:
    assert f"more than {LIMITS.condition_comparisons} comparisons" in " ".join(LOGIC.split())


def test_the_example_is_valid() -> None:
    (text,) = [block.partition("\n```")[0] for block in PAGE.split("```yaml\n")[1:]]
    document = parse_text(text.encode(), Path("config.yaml"))
    assert [entry.name for entry in GateSettings.model_validate(document["gates"]).conditions] == [
        "busy-enough",
        "no-freeze",
    ]
