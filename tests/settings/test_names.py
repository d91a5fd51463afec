"""Which environments are the configuration's own."""

from pathlib import Path

import pytest

from tests.settings.writing import written
from webhook.settings.loading import load_settings

GATES = {
    "PolicyGates": {
        "ExecutionEvidence": {"RequiredEnvironments": ["production"]},
        "BeaconRate": {"RequiredEnvironments": ["Canary"]},
    },
    "providers": {"env": {"allowlist": ["NOTE"]}},
    "gates": {
        "conditions": [
            {
                "name": "note",
                "environments": ["preview"],
                "query": {"provider": "env", "check": "get", "params": {"key": "NOTE"}},
                "comparator": "exists",
            }
        ]
    },
}


@pytest.mark.parametrize(
    ("environment", "named"),
    [("production", True), ("PRODUCTION", True), ("canary", True), ("Preview", True), ("prod", False), ("", False)],
)
def test_an_environment_is_named_by_a_gate_or_a_condition(tmp_path: Path, environment: str, *, named: bool) -> None:
    assert load_settings(written(tmp_path, GATES)).names(environment) is named
