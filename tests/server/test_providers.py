"""Which providers a configuration leads to."""

import json
from pathlib import Path

import pytest

from tests.providers.remote.asking import section
from webhook.errors import ConfigurationError
from webhook.server.providers import build_providers, build_statement_providers
from webhook.settings.loading import Settings, load_settings

STATEMENTS = ["execution-evidence", "beacon-rate"]


def configured(folder: Path, **changes: str) -> Settings:
    file = folder / "gate.json"
    remote = section("gate.example.com", **changes)
    query = {"provider": "board", "check": "status"}
    condition = {"name": "c", "environments": ["production"], "query": query, "comparator": "exists"}
    providers = {"env": {"allowlist": ["A"]}, "remoteHosts": ["gate.example.com"], "remote": [remote]}
    file.write_text(json.dumps({"providers": providers, "gates": {"conditions": [condition]}}))
    return load_settings(file)


def test_all_that_are_configured_answer_and_know_what_conditions_ask(tmp_path: Path) -> None:
    providers = build_providers(configured(tmp_path), [])
    assert list(providers) == [*STATEMENTS, "env", "board"]
    assert [check.check_id for check in providers["board"].contract.checks] == ["status"]


@pytest.mark.parametrize("key", ["caFile", "tokenFile"])
def test_envelopes_are_judged_anew_without_what_only_the_server_has(tmp_path: Path, key: str) -> None:
    settings = configured(tmp_path, **{key: "nowhere"})
    assert list(build_statement_providers(settings, [])) == STATEMENTS
    with pytest.raises(ConfigurationError):
        build_providers(settings, [])
