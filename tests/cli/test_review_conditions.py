"""`evidence-gate review` with conditions beside the gate."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.reviewing import GOOD, UNKNOWN, as_json, review, site, workload

ASKED = "(execution-evidence/hot_symbol_count greater_than_or_equal"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return site(tmp_path)


def expect(folder: Path, symbols: int, action: str = "Block") -> None:
    """Adds a condition to the configuration: so many hot symbols were seen."""
    condition: dict[str, Any] = {
        "name": "busy",
        "environments": ["production"],
        "query": {"provider": "execution-evidence", "check": "hot_symbol_count"},
        "bind": {"image_digest": "imageDigest", "repository": "repository", "environment": "environment"},
        "comparator": "greater_than_or_equal",
        "expected": symbols,
        "action": action,
    }
    file = folder / "gate.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"gates": {"conditions": [condition]}}))


def test_a_condition_that_is_met_is_told(folder: Path) -> None:
    expect(folder, 42)
    result = review(folder, workload(GOOD))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Deployment default/cart: admitted (ConditionMet, EvidenceSufficient)"
    assert f"conditions/busy: Condition 'busy' is met {ASKED} 42)" in lines


def test_a_condition_that_is_not_met_denies(folder: Path) -> None:
    expect(folder, 43)
    result = review(folder, workload(GOOD))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "Deployment default/cart: denied (ConditionNotMet)"
    assert f"conditions/busy: Condition 'busy' is not met {ASKED} 43)" in lines
    assert "  found: a value that does not meet it (ConditionNotMet)" in lines
    (image,) = as_json(folder, workload(GOOD))[0]["record"]["images"]
    assert image["rulings"][-1]["result"]["gate"] == "conditions/busy"


def test_a_condition_that_warns_admits(folder: Path) -> None:
    expect(folder, 43, "Warn")
    result = review(folder, workload(GOOD))
    assert result.exit_code == 0
    assert f"Warning: conditions/busy: Condition 'busy' is not met {ASKED} 43)" in result.stdout.splitlines()


def test_what_nobody_knows_of_meets_no_condition(folder: Path) -> None:
    expect(folder, 0)
    result = review(folder, workload(UNKNOWN))
    assert result.exit_code == 1
    assert result.stdout.startswith("Deployment default/cart: denied (ConditionUnknown, EvidenceMissing)\n")
