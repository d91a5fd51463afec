import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.settings.writing import refusal, section, written
from webhook.errors import ConfigurationError
from webhook.gates.policy import Action, ExecutionEvidencePolicy, MinLane, TagPolicy
from webhook.settings.loading import Settings, load_settings

# The first seed's configuration, character by character.
SEED_TEXT = """{
  "PolicyGates": {
    "ExecutionEvidence": {
      "Enabled": false,
      "MissingEvidenceAction": "Warn",
      "RequiredEnvironments": ["production"],
      "MinHotSymbolCount": 3,
      "MinUniqueCallPaths": 1
    }
  }
}
"""

FULL = {
    "PolicyGates": {
        "ExecutionEvidence": {
            "Enabled": True,
            "MissingEvidenceAction": "Block",
            "RequiredEnvironments": ["production", "canary"],
            "MinHotSymbolCount": 0,
            "MinUniqueCallPaths": 9223372036854775807,
            "EvidenceEnvironments": ["staging", "qa"],
            "MaxEvidenceAge": "1h30m5s",
            "UnavailableEvidenceAction": "Warn",
            "MinLane": "Asserted",
            "TagPolicy": "RequireDigest",
            "Overrides": {"canary": {"MissingEvidenceAction": "Warn", "MaxEvidenceAge": "720h", "Enabled": False}},
        }
    },
    "stores": {"directory": {"path": "evidence"}, "cluster": {}},
    "trust": {"keys": [], "threshold": 1, "predicateTypes": ["https://stella.ops/executionEvidence@v1"]},
    "exemptImages": ["docker.io/library/redis", "ghcr.io/vendor/*"],
    "workloads": ["Deployment", "CronJob"],
    "evaluateScaleUp": True,
    "events": {"enabled": False},
    "server": {"drainSeconds": 0},
    "helpUrl": "https://wiki.example.com/gate",
}


def load(folder: Path, content: str | dict[str, Any], name: str = "gate.yaml") -> Settings:
    return load_settings(written(folder, content, name))


def camel(document: Any) -> Any:
    """The same document with each member's first letter in lower case, environments' names as they are."""
    if not isinstance(document, dict):
        return document
    return {name[0].lower() + name[1:]: camel(value) for name, value in document.items()}


def assert_seed_defaults(policy: ExecutionEvidencePolicy) -> None:
    assert policy.enabled is False
    assert policy.missing_evidence_action is Action.WARN
    assert policy.required_environments == ("production",)
    assert policy.min_hot_symbol_count == 3
    assert policy.min_unique_call_paths == 1


@pytest.mark.parametrize("name", ["gate.json", "gate.yaml", "gate"])
def test_the_seeds_json_works_unchanged_whatever_the_file_is_called(name: str, tmp_path: Path) -> None:
    assert_seed_defaults(load(tmp_path, SEED_TEXT, name).policy)


@pytest.mark.parametrize(
    "content", ["", "\n", "# nothing\n", "null", "{}", "PolicyGates: {}", "PolicyGates: {ExecutionEvidence: {}}"]
)
def test_what_is_not_written_has_the_seeds_default(content: str, tmp_path: Path) -> None:
    assert_seed_defaults(load(tmp_path, content).policy)


def test_our_additions_have_the_documented_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    policy = settings.policy
    assert policy.evidence_environments == ("staging",)
    assert policy.max_evidence_age is None
    assert policy.unavailable_evidence_action is None
    assert policy.min_lane is MinLane.VERIFIED
    assert policy.tag_policy is TagPolicy.REQUIRE_DIGEST
    assert policy.overrides == {}
    assert settings.file.workloads == ("Deployment", "Rollout")
    assert settings.file.evaluate_scale_up is False
    assert settings.file.events.enabled is True
    assert settings.file.help_url is None
    assert settings.exempt_images == ()
    assert settings.trust.keys == ()
    assert settings.trust.threshold == 1
    assert settings.trust.predicate_types == {
        "stella.ops/executionEvidence@v1",
        "https://stella.ops/executionEvidence@v1",
    }


def test_every_option_is_read(tmp_path: Path) -> None:
    settings = load(tmp_path, FULL)
    policy = settings.policy
    assert policy.enabled is True
    assert policy.missing_evidence_action is Action.BLOCK
    assert policy.required_environments == ("production", "canary")
    assert (policy.min_hot_symbol_count, policy.min_unique_call_paths) == (0, 2**63 - 1)
    assert policy.evidence_environments == ("staging", "qa")
    assert policy.max_evidence_age == timedelta(hours=1, minutes=30, seconds=5)
    assert policy.unavailable_evidence_action is Action.WARN
    assert policy.min_lane is MinLane.ASSERTED
    canary = policy.for_environment("Canary")
    assert (canary.enabled, canary.missing_evidence_action) == (False, Action.WARN)
    assert canary.max_evidence_age == timedelta(hours=720)
    assert settings.trust.predicate_types == {"https://stella.ops/executionEvidence@v1"}
    assert settings.file.workloads == ("Deployment", "CronJob")
    assert settings.file.evaluate_scale_up is True
    assert settings.file.stores.directory is not None
    assert settings.file.stores.directory.path == Path("evidence")
    assert settings.file.stores.cluster is not None
    assert settings.file.events.enabled is False
    assert settings.file.server.drain_seconds == 0
    assert settings.file.help_url == "https://wiki.example.com/gate"


@pytest.mark.parametrize("write", [yaml.safe_dump, json.dumps, lambda d: yaml.safe_dump(camel(d)), camel])
def test_yaml_json_and_both_spellings_say_the_same(write: Any, tmp_path: Path) -> None:
    assert load(tmp_path, write(FULL), "other.yaml").digest == load(tmp_path, FULL).digest


def test_a_section_in_two_spellings_is_refused(tmp_path: Path) -> None:
    document = section(Enabled=True) | camel(section(Enabled=False))
    with pytest.raises(ConfigurationError, match="policyGates: unknown key"):
        load(tmp_path, document)


def test_an_option_in_two_spellings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"ExecutionEvidence\.enabled: unknown key"):
        load(tmp_path, section(Enabled=True, enabled=False))


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("720h", timedelta(days=30)),
        ("30m", timedelta(minutes=30)),
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_has_hours_minutes_and_seconds(text: str, age: timedelta, tmp_path: Path) -> None:
    assert load(tmp_path, section(MaxEvidenceAge=text)).policy.max_evidence_age == age


def test_yaml_may_reuse_an_anchor(tmp_path: Path) -> None:
    text = """
PolicyGates:
  ExecutionEvidence:
    Overrides:
      production: &strict {MinHotSymbolCount: 9, MissingEvidenceAction: Block}
      canary: *strict
"""
    policy = load(tmp_path, text).policy
    assert policy.for_environment("canary").min_hot_symbol_count == 9
    assert policy.for_environment("canary").missing_evidence_action is Action.BLOCK


def test_yaml_merge_keys_are_refused_with_advice(tmp_path: Path) -> None:
    text = "stores: &a {cluster: {}}\ntrust: {<<: *a}\n"
    assert "merge keys (`<<`) are not read; write the members out" in refusal(written(tmp_path, text))[0]
