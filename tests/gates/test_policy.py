"""The section `PolicyGates.ExecutionEvidence`: spellings, defaults, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from pydantic import ValidationError

from webhook.gates.policy import Action, ExecutionEvidencePolicy, MinLane, TagPolicy

SPECIFIED = {
    "Enabled": False,
    "MissingEvidenceAction": "Warn",
    "RequiredEnvironments": ["production"],
    "MinHotSymbolCount": 3,
    "MinUniqueCallPaths": 1,
}
COMPLETE = {
    "Enabled": True,
    "MissingEvidenceAction": "Block",
    "RequiredEnvironments": ["production", "dr"],
    "MinHotSymbolCount": 5,
    "MinUniqueCallPaths": 2,
    "EvidenceEnvironments": ["qa"],
    "MaxEvidenceAge": "720h",
    "UnavailableEvidenceAction": "Warn",
    "MinLane": "Asserted",
    "TagPolicy": "Resolve",
    "Rollback": "AllowPreviouslyAdmitted",
    "Overrides": {"dr": {"MinHotSymbolCount": 1}},
}

REFUSED: list[tuple[str, Any]] = [
    ("Enabled", "true"),
    ("Enabled", "yes"),
    ("Enabled", 1),
    ("Enabled", None),
    ("MissingEvidenceAction", "warn"),
    ("MissingEvidenceAction", "Allow"),
    ("MissingEvidenceAction", ""),
    ("MissingEvidenceAction", None),
    ("MissingEvidenceAction", True),
    ("UnavailableEvidenceAction", "Pass"),
    ("RequiredEnvironments", "production"),
    ("RequiredEnvironments", None),
    ("RequiredEnvironments", [1]),
    ("RequiredEnvironments", [None]),
    ("RequiredEnvironments", [b"production"]),
    ("RequiredEnvironments", {"production": True}),
    ("RequiredEnvironments", [""]),
    ("RequiredEnvironments", ["production "]),
    ("RequiredEnvironments", ["production\n"]),
    ("RequiredEnvironments", ["*"]),
    ("RequiredEnvironments", ["a/b"]),
    ("RequiredEnvironments", ["-a"]),
    ("RequiredEnvironments", ["a."]),
    ("RequiredEnvironments", ["e" * 64]),
    ("RequiredEnvironments", ["pr\u043eduction"]),
    ("EvidenceEnvironments", ["staging/"]),
    ("MinHotSymbolCount", -1),
    ("MinHotSymbolCount", 3.0),
    ("MinHotSymbolCount", "3"),
    ("MinHotSymbolCount", True),
    ("MinHotSymbolCount", None),
    ("MinHotSymbolCount", float("nan")),
    ("MinHotSymbolCount", 2**63),
    ("MinUniqueCallPaths", -1),
    ("MinUniqueCallPaths", "1"),
    ("MaxEvidenceAge", ""),
    ("MaxEvidenceAge", 720),
    ("MaxEvidenceAge", 720.0),
    ("MaxEvidenceAge", True),
    ("MaxEvidenceAge", "720"),
    ("MaxEvidenceAge", "30d"),
    ("MaxEvidenceAge", "-1h"),
    ("MaxEvidenceAge", "1.5h"),
    ("MaxEvidenceAge", "1h 30m"),
    ("MaxEvidenceAge", "30m1h"),
    ("MaxEvidenceAge", "1H"),
    ("MaxEvidenceAge", "1h\n"),
    ("MaxEvidenceAge", "P30D"),
    ("MaxEvidenceAge", "1" * 10 + "h"),
    ("MaxEvidenceAge", "\u0667h"),
    ("MinLane", "verified"),
    ("MinLane", "Any"),
    ("TagPolicy", "Allow"),
    ("Overrides", []),
    ("Overrides", None),
    ("Overrides", {"production": None}),
    ("Overrides", {"a/b": {}}),
    ("Overrides", {"": {}}),
    ("Overrides", {"production": {"Overrides": {}}}),
    ("Overrides", {"production": {"MinHotSymbols": 1}}),
    ("Overrides", {"production": {"min_hot_symbol_count": 1}}),
    ("Overrides", {"production": {"MinHotSymbolCount": "1"}}),
    ("Overrides", {"production": {"MinHotSymbolCount": -1}}),
    ("Overrides", {"production": {"MinHotSymbolCount": 1, "minHotSymbolCount": 2}}),
    ("Overrides", {"production": {"Enabled": "no"}}),
    ("Overrides", {"production": {"Enabled": "off"}}),
    ("Overrides", {"production": {"Enabled": 0}}),
    ("Overrides", {"production": {}, "Production": {}}),
]


def _camel(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    return {name[0].lower() + name[1:]: _camel(value) for name, value in document.items()}


def test_specified_section_is_the_default() -> None:
    assert ExecutionEvidencePolicy.model_validate(SPECIFIED) == ExecutionEvidencePolicy()


def test_defaults_of_our_additions_are_the_documented_ones() -> None:
    policy = ExecutionEvidencePolicy()
    assert policy.evidence_environments == ("staging",)
    assert policy.max_evidence_age is None
    assert policy.unavailable_evidence_action is None
    assert policy.min_lane is MinLane.VERIFIED
    assert policy.tag_policy is TagPolicy.REQUIRE_DIGEST
    assert policy.overrides == {}


def test_both_spellings_mean_the_same() -> None:
    pascal = ExecutionEvidencePolicy.model_validate(COMPLETE)
    assert ExecutionEvidencePolicy.model_validate(_camel(COMPLETE)) == pascal
    assert pascal.min_hot_symbol_count == 5
    assert pascal.for_environment("dr").min_hot_symbol_count == 1


@pytest.mark.parametrize("option", sorted(COMPLETE))
def test_option_in_both_spellings_at_once_is_refused(option: str) -> None:
    value = COMPLETE[option]
    with pytest.raises(ValidationError):
        ExecutionEvidencePolicy.model_validate({option: value, option[0].lower() + option[1:]: value})


@pytest.mark.parametrize(
    "key", ["enable", "ENABLED", "min_hot_symbol_count", "MinHotSymbols", "", "RequiredEnvironment"]
)
def test_unknown_key_is_refused_by_name(key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ExecutionEvidencePolicy.model_validate({key: 1})
    assert [error["loc"] for error in caught.value.errors()] == [(key,)]


@pytest.mark.parametrize(("option", "value"), REFUSED, ids=[f"{option}={value!r}"[:60] for option, value in REFUSED])
def test_value_of_the_wrong_kind_is_refused(option: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        ExecutionEvidencePolicy.model_validate({option: value})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("720h", timedelta(days=30)),
        ("30m", timedelta(minutes=30)),
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1h0m1s", timedelta(hours=1, seconds=1)),
        ("0h", timedelta(0)),
        ("9" * 9 + "h", timedelta(hours=999_999_999)),
    ],
)
def test_age_is_written_in_hours_minutes_and_seconds(text: str, expected: timedelta) -> None:
    assert ExecutionEvidencePolicy.model_validate({"MaxEvidenceAge": text}).max_evidence_age == expected


@pytest.mark.parametrize("name", ["a", "Z9", "eu-west.prod_1", "e" * 63])
def test_name_of_an_environment_may_be_a_labels_value(name: str) -> None:
    assert ExecutionEvidencePolicy.model_validate({"RequiredEnvironments": [name]}).requires(name.upper())


@pytest.mark.parametrize("names", [[], ["staging"]])
def test_environment_that_is_not_listed_requires_nothing(names: list[str]) -> None:
    policy = ExecutionEvidencePolicy.model_validate({"RequiredEnvironments": names})
    assert not policy.requires("production")


@pytest.mark.parametrize("environment", ["stage", "staging2", "", "production"])
def test_evidence_of_an_environment_that_is_not_listed_does_not_count(environment: str) -> None:
    assert not ExecutionEvidencePolicy().accepts_evidence_from(environment)


def test_evidence_environment_is_compared_without_case() -> None:
    assert ExecutionEvidencePolicy().accepts_evidence_from("Staging")
    assert ExecutionEvidencePolicy.model_validate({"EvidenceEnvironments": ["QA"]}).accepts_evidence_from("qa")


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({}, Action.WARN),
        ({"MissingEvidenceAction": "Block"}, Action.BLOCK),
        ({"MissingEvidenceAction": "Block", "UnavailableEvidenceAction": "Warn"}, Action.WARN),
        ({"UnavailableEvidenceAction": "Block"}, Action.BLOCK),
    ],
)
def test_unavailable_evidence_is_treated_as_missing_unless_told(section: dict[str, Any], expected: Action) -> None:
    assert ExecutionEvidencePolicy.model_validate(section).unavailable_action is expected


def test_policy_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ExecutionEvidencePolicy().enabled = False  # type: ignore[misc]  # what the test is about


def test_content_is_written_in_the_specified_spelling() -> None:
    content = ExecutionEvidencePolicy.model_validate(_camel(COMPLETE)).content
    overrides = content.pop("Overrides")
    assert content == {name: value for name, value in COMPLETE.items() if name != "Overrides"} | {
        "MaxEvidenceAge": 720 * 60 * 60
    }
    assert overrides == {"dr": {"MinHotSymbolCount": 1}}


def test_content_of_an_environment_holds_what_is_in_force_there() -> None:
    effective = ExecutionEvidencePolicy.model_validate(COMPLETE).for_environment("DR")
    assert effective.content["MinHotSymbolCount"] == 1
    assert effective.content["Overrides"] == {}


def test_canonical_form_is_that_of_rfc8785() -> None:
    policy = ExecutionEvidencePolicy.model_validate(COMPLETE)
    assert policy.canonical == rfc8785.dumps(policy.content)


def test_canonical_form_does_not_depend_on_the_spelling_or_the_order() -> None:
    other = dict(reversed(_camel(COMPLETE).items()))
    one = ExecutionEvidencePolicy.model_validate(COMPLETE)
    assert ExecutionEvidencePolicy.model_validate(other).canonical == one.canonical
