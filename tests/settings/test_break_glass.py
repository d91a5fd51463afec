"""The section `breakGlass`, and the option `Rollback`."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.settings.writing import refusal, section, written
from webhook.gates.policy import RollbackPolicy
from webhook.settings.loading import load_settings

GOOD: list[tuple[dict[str, Any], tuple[bool, timedelta]]] = [
    ({}, (False, timedelta(hours=24))),
    ({"enabled": True}, (True, timedelta(hours=24))),
    ({"enabled": True, "maxDuration": "1s"}, (True, timedelta(seconds=1))),
    ({"maxDuration": "8760h"}, (False, timedelta(days=365))),
]


@pytest.mark.parametrize(("given", "expected"), GOOD)
def test_it_is_off_by_default_and_bounded(
    tmp_path: Path, given: dict[str, Any], expected: tuple[bool, timedelta]
) -> None:
    found = load_settings(written(tmp_path, {"breakGlass": given})).file.break_glass
    assert (found.enabled, found.max_duration) == expected


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"enabled": "yes"}, "breakGlass.enabled"),
    ({"enabled": 1}, "breakGlass.enabled"),
    ({"maxDuration": "0s"}, "breakGlass.maxDuration"),
    ({"maxDuration": "8761h"}, "breakGlass.maxDuration"),
    ({"maxDuration": "-1h"}, "breakGlass.maxDuration"),
    ({"maxDuration": "1d"}, "breakGlass.maxDuration"),
    ({"maxDuration": 3600}, "breakGlass.maxDuration"),
    ({"maxDuration": None}, "breakGlass.maxDuration"),
    ({"allow": ["dev"]}, "breakGlass.allow"),
]


@pytest.mark.parametrize(("given", "place"), WRONG)
def test_anything_else_is_refused_with_its_place(tmp_path: Path, given: dict[str, Any], place: str) -> None:
    (line,) = refusal(written(tmp_path, {"breakGlass": given}))
    assert line.startswith(f"{place}: ")


def test_each_environment_can_have_its_own_rule_for_rollbacks(tmp_path: Path) -> None:
    overrides = {"canary": {"Rollback": "AllowPreviouslyAdmitted"}, "test": {"Rollback": None}}
    policy = load_settings(written(tmp_path, section(Overrides=overrides))).policy
    found = [policy.for_environment(name).rollback for name in ("production", "Canary", "test")]
    assert found == [RollbackPolicy.GATE, RollbackPolicy.ALLOW_PREVIOUSLY_ADMITTED, RollbackPolicy.GATE]


@pytest.mark.parametrize("value", ["Allow", "gate", True, 1])
def test_another_rule_for_rollbacks_is_refused(tmp_path: Path, value: Any) -> None:
    (line,) = refusal(written(tmp_path, section(Rollback=value)))
    assert line.startswith("PolicyGates.ExecutionEvidence.Rollback: ")


def test_the_rule_for_rollbacks_changes_the_settings_digest(tmp_path: Path) -> None:
    digests = {load_settings(written(tmp_path, section(Rollback=rule.value))).digest for rule in RollbackPolicy}
    assert len(digests) == 2
