"""The threat model's page: complete, and every file that it leans on exists."""

import re

import pytest
import yaml

from tests.docs.console import ROOT
from tests.docs.tables import section

PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")


def numbered(heading: str) -> list[list[str]]:
    """The cells of the rows of a section's table that begin with a number."""
    lines = re.findall(r"^\| (\d+ \| .*) \|$", section(PAGE, heading), re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


THREATS = numbered("## The 18 threats")


def test_there_is_a_row_for_each_threat_and_each_mitigation_of_the_model() -> None:
    assert [row[0] for row in THREATS] == [str(number) for number in range(1, 19)]
    assert [row[0] for row in numbered("## The 10 mitigations")] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row[0])
def test_a_threat_that_counts_as_mitigated_names_the_test_that_shows_it(row: list[str]) -> None:
    _, _, mitigated, how, left = row
    assert mitigated in {"yes", "partly", "no"}
    if mitigated == "yes":
        assert "`tests/" in how
    else:
        assert left.endswith(".")
        assert left != "Nothing."


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"`((?:tests|webhook|docs|manifests|charts)/[^`]+)`", PAGE)
    assert len(named) > len(THREATS)
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_file_of_tests_that_is_named_holds_tests() -> None:
    for name in re.findall(r"`(tests/[^`]+)`", PAGE):
        assert re.search(r"^(?:async )?def test_", (ROOT / name).read_text("utf-8"), re.MULTILINE), name


def test_the_shipped_webhook_configuration_fails_closed_and_follows_other_versions() -> None:
    shipped = yaml.safe_load((ROOT / "manifests" / "examples" / "webhook-configuration.yaml").read_text("utf-8"))
    policies = {(entry["failurePolicy"], entry["matchPolicy"]) for entry in shipped["webhooks"]}
    assert policies == {("Fail", "Equivalent")}
