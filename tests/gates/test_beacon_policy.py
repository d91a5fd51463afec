"""The section `PolicyGates.BeaconRate`: spellings, defaults, and what is refused."""

from fractions import Fraction
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.policy import Action

SPECIFIED = {
    "Enabled": False,
    "MissingBeaconAction": "Warn",
    "RequiredEnvironments": ["production"],
    "MinBeaconRate": 0.8,
}
REFUSED: list[tuple[str, Any]] = [
    ("Enabled", "true"),
    ("Enabled", 1),
    ("Enabled", None),
    ("MissingBeaconAction", "warn"),
    ("MissingBeaconAction", "Allow"),
    ("MissingBeaconAction", None),
    ("RequiredEnvironments", "production"),
    ("RequiredEnvironments", None),
    ("RequiredEnvironments", ["a/b"]),
    ("RequiredEnvironments", ["production\n"]),
    ("MinBeaconRate", "0.8"),
    ("MinBeaconRate", "80%"),
    ("MinBeaconRate", True),
    ("MinBeaconRate", False),
    ("MinBeaconRate", None),
    ("MinBeaconRate", [0.8]),
    ("MinBeaconRate", 1.0000000000000002),
    ("MinBeaconRate", -5e-324),
    ("MinBeaconRate", 80),
    ("MinBeaconRate", -1),
    ("MinBeaconRate", float("nan")),
    ("MinBeaconRate", float("inf")),
    ("MinBeaconRate", float("-inf")),
    ("MinHotSymbolCount", 3),
    ("MaxEvidenceAge", "720h"),
    ("Overrides", {}),
    ("minBeaconrate", 0.8),
    ("min_beacon_rate", 0.8),
]
RATE = st.one_of(st.sampled_from([0, 1, 0.0, 1.0, 0.8, 0.1, 1e-7, 5e-324]), st.floats(0, 1))


def _policy(rate: float) -> BeaconRatePolicy:
    return BeaconRatePolicy.model_validate({"MinBeaconRate": rate})


def test_specified_section_is_the_default() -> None:
    assert BeaconRatePolicy.model_validate(SPECIFIED) == BeaconRatePolicy()


def test_both_spellings_mean_the_same() -> None:
    section = SPECIFIED | {"Enabled": True, "MissingBeaconAction": "Block", "MinBeaconRate": 0.95}
    camel = {name[0].lower() + name[1:]: value for name, value in section.items()}
    policy = BeaconRatePolicy.model_validate(camel)
    assert policy == BeaconRatePolicy.model_validate(section)
    assert (policy.enabled, policy.missing_beacon_action, policy.min_beacon_rate) == (True, Action.BLOCK, 0.95)


@pytest.mark.parametrize("option", sorted(SPECIFIED))
def test_option_in_both_spellings_at_once_is_refused(option: str) -> None:
    value = SPECIFIED[option]
    with pytest.raises(ValidationError):
        BeaconRatePolicy.model_validate({option: value, option[0].lower() + option[1:]: value})


@pytest.mark.parametrize(("option", "value"), REFUSED, ids=[f"{option}={value!r}" for option, value in REFUSED])
def test_value_of_the_wrong_kind_is_refused(option: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        BeaconRatePolicy.model_validate({option: value})


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.8, "0.8"),
        (1, "1"),
        (1.0, "1"),
        (0, "0"),
        (-0.0, "0"),
        (0.995, "0.995"),
        (0.00001, "0.00001"),
        (1e-7, "0.0000001"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_rate_is_written_as_the_shortest_decimal(rate: float, text: str) -> None:
    assert _policy(rate).content["MinBeaconRate"] == text


@given(RATE)
def test_text_and_fraction_mean_the_rate(rate: float) -> None:
    policy = _policy(rate)
    assert float(policy.minimum_text) == rate
    assert "e" not in policy.minimum_text.lower()
    assert policy.minimum == Fraction(repr(float(rate)))


@given(RATE)
def test_canonical_form_is_that_of_the_rfc_and_reads_back(rate: float) -> None:
    policy = _policy(rate)
    assert policy.canonical == rfc8785.dumps(policy.content)
    assert BeaconRatePolicy.from_content(policy.content) == policy


@pytest.mark.parametrize("content", [{}, {"MinBeaconRate": 0.8}, {"MinBeaconRate": "x"}, {"MinBeaconRate": "nan"}])
def test_what_no_policy_wrote_is_not_read_back(content: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"MinBeaconRate|could not convert"):
        BeaconRatePolicy.from_content(content)


def test_two_ways_to_write_one_rate_have_one_canonical_form() -> None:
    assert _policy(1).canonical == _policy(1.0).canonical
    assert _policy(0.8).canonical != _policy(0.81).canonical


@pytest.mark.parametrize("action", list(Action))
def test_what_cannot_be_found_out_is_treated_as_missing(action: Action) -> None:
    policy = BeaconRatePolicy.model_validate({"MissingBeaconAction": action.value})
    assert policy.unavailable_action is action


def test_environments_compare_without_case() -> None:
    policy = BeaconRatePolicy.model_validate({"RequiredEnvironments": ["ProDuction"]})
    assert policy.requires("PRODUCTION")
    assert not policy.requires("staging")
    assert not BeaconRatePolicy.model_validate({"RequiredEnvironments": []}).requires("production")


def test_section_holds_for_all_environments_alike() -> None:
    policy = BeaconRatePolicy()
    assert policy.for_environment("production") == policy.for_environment("dr") == policy


def test_policy_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        BeaconRatePolicy().enabled = True  # type: ignore[misc]  # what the test is about


@pytest.mark.parametrize("minimum", [0, 0.8, 1])
def test_where_nothing_was_expected_no_rate_suffices(minimum: float) -> None:
    assert not _policy(minimum).meets(0, 0)
