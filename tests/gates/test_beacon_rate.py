"""The gate `beacon-rate`: messages, order of rules, counts, and the rate to the last digit."""

from typing import Any

import pytest

from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.beacon_rate import GATE_ID, evaluate
from webhook.model.gate import GateContext, GateResult, Verdict
from webhook.reasons import ReasonCode

HAS, EXPECTED, VERIFIED = "has_beacon_data", "beacon_expected_count", "beacon_verified_count"
GOOD = {HAS: "true", EXPECTED: "10", VERIFIED: "9"}

NOT_REQUIRED = "Beacon data not required for environment 'staging'"
MISSING_WARN = "No beacon data found for this artifact (warn mode)"
MISSING_BLOCK = "No beacon data found for this artifact in required environment"
SUFFICIENT = "Beacon verification rate meets the minimum: 0.90 >= 0.80 (verified 9 of 10)"
INSUFFICIENT = "Beacon verification rate is insufficient: 0.70 < 0.80 (verified 7 of 10)"
MOST = 2**63 - 1


def _decide(metadata: dict[str, str], environment: str = "production", **section: Any) -> GateResult:
    policy = BeaconRatePolicy.model_validate({"Enabled": True, **section})
    return evaluate(policy, GateContext(environment, metadata))


def _rate(verified: int | str, expected: int | str, **section: Any) -> GateResult:
    return _decide({HAS: "true", EXPECTED: str(expected), VERIFIED: str(verified)}, **section)


def test_rate_that_meets_the_minimum_passes() -> None:
    assert _decide(GOOD) == GateResult(GATE_ID, Verdict.PASS, SUFFICIENT, ReasonCode.BEACON_RATE_SUFFICIENT)


def test_environment_that_requires_nothing_passes() -> None:
    expected = GateResult(GATE_ID, Verdict.PASS, NOT_REQUIRED, ReasonCode.ENVIRONMENT_NOT_REQUIRED)
    assert _decide({}, "staging") == expected


def test_missing_data_warns_in_warn_mode() -> None:
    expected = GateResult(GATE_ID, Verdict.WARN, MISSING_WARN, ReasonCode.BEACON_DATA_MISSING)
    assert _decide({HAS: "false"}, MissingBeaconAction="Warn") == expected
    assert _decide({HAS: "false"}) == expected


def test_missing_data_fails_in_block_mode() -> None:
    expected = GateResult(GATE_ID, Verdict.FAIL, MISSING_BLOCK, ReasonCode.BEACON_DATA_MISSING)
    assert _decide({HAS: "false"}, MissingBeaconAction="Block") == expected


@pytest.mark.parametrize("action", ["Warn", "Block"])
def test_insufficient_rate_fails_whatever_the_action(action: str) -> None:
    expected = GateResult(GATE_ID, Verdict.FAIL, INSUFFICIENT, ReasonCode.BEACON_RATE_INSUFFICIENT)
    assert _rate(7, 10, MissingBeaconAction=action) == expected


def test_gate_id_is_the_seeds() -> None:
    assert GATE_ID == "beacon-rate"


def test_disabled_gate_passes_before_anything_else() -> None:
    result = _decide({}, "production", Enabled=False, MissingBeaconAction="Block")
    expected = GateResult(GATE_ID, Verdict.PASS, "Beacon rate gate is disabled", ReasonCode.GATE_DISABLED)
    assert result == expected
    assert _decide({}, "staging", Enabled=False).reason is ReasonCode.GATE_DISABLED


def test_environment_speaks_before_an_insufficient_rate() -> None:
    metadata = {HAS: "true", EXPECTED: "10", VERIFIED: "0"}
    assert _decide(metadata, "staging").reason is ReasonCode.ENVIRONMENT_NOT_REQUIRED


def test_environment_is_compared_without_case_and_named_as_it_was_asked_for() -> None:
    assert _decide({}, "PRODUCTION").reason is ReasonCode.BEACON_DATA_MISSING
    assert _decide({}, "STAGING").message == "Beacon data not required for environment 'STAGING'"


@pytest.mark.parametrize("value", [None, "", "false", "True", "TRUE", "true ", "1", "yes", "\uff54rue"])
def test_only_the_word_true_means_that_there_is_data(value: str | None) -> None:
    metadata = GOOD | {HAS: value} if value is not None else {EXPECTED: "10", VERIFIED: "10"}
    assert _decide(metadata).reason is ReasonCode.BEACON_DATA_MISSING


# Without a denominator there is no rate: never a pass, not even where any rate would do.
@pytest.mark.parametrize("minimum", [0, 0.8, 1])
@pytest.mark.parametrize(
    ("verified", "expected"),
    [
        ("0", "0"),
        ("10", "0"),
        ("10", "-10"),
        ("10", ""),
        ("10", "ten"),
        ("10", "10.0"),
        ("10", "\u00b2"),
        ("0", str(MOST + 1)),
        ("0", "9" * 10_000),
        ("11", "10"),
        (str(MOST), "1"),
    ],
)
def test_counts_that_give_no_rate_are_no_data(verified: str, expected: str, minimum: float) -> None:
    for action, verdict in (("Warn", Verdict.WARN), ("Block", Verdict.FAIL)):
        result = _rate(verified, expected, MinBeaconRate=minimum, MissingBeaconAction=action)
        assert (result.result, result.reason) == (verdict, ReasonCode.BEACON_DATA_MISSING)


def test_absent_expected_count_is_no_data() -> None:
    assert _decide({HAS: "true", VERIFIED: "10"}).reason is ReasonCode.BEACON_DATA_MISSING


@pytest.mark.parametrize("verified", [None, "", "-7", "7.0", "\u0667", str(MOST + 1), "NaN"])
def test_verified_count_that_cannot_be_read_is_0(verified: str | None) -> None:
    metadata = {HAS: "true", EXPECTED: "10"} | ({} if verified is None else {VERIFIED: verified})
    result = _decide(metadata)
    assert (result.result, result.reason) == (Verdict.FAIL, ReasonCode.BEACON_RATE_INSUFFICIENT)
    assert result.message.endswith("0.00 < 0.80 (verified 0 of 10)")


@pytest.mark.parametrize(
    ("verified", "expected", "minimum", "verdict"),
    [
        (8, 10, 0.8, Verdict.PASS),
        (7, 10, 0.8, Verdict.FAIL),
        (0, 1, 0, Verdict.PASS),
        (0, 1, 5e-324, Verdict.FAIL),
        (1, 1, 1, Verdict.PASS),
        (MOST - 1, MOST, 1, Verdict.FAIL),  # As floats both are 2**63.
        (MOST, MOST, 1, Verdict.PASS),
        (1, 3, 0.3333333333333333, Verdict.PASS),  # The file's decimal lies below a third.
        (3, 10, 0.3, Verdict.PASS),  # The float 0.3 lies below 3/10, and 0.1 + 0.2 above.
        (3, 10, 0.1 + 0.2, Verdict.FAIL),
        (1, 10, 0.1, Verdict.PASS),  # The float 0.1 lies above 1/10.
        (7, 10, 0.7, Verdict.PASS),
        (8 * 10**17, 10**18, 0.8, Verdict.PASS),
        (8 * 10**17 - 1, 10**18, 0.8, Verdict.FAIL),
    ],
)
def test_rate_is_compared_exactly(verified: int, expected: int, minimum: float, verdict: Verdict) -> None:
    assert _rate(verified, expected, MinBeaconRate=minimum).result is verdict


@pytest.mark.parametrize(
    ("verified", "expected", "minimum", "shown"),
    [
        (799, 1000, 0.8, "0.79 < 0.80"),  # Rounded up it would read 0.80 < 0.80.
        (1, 3, 0.8, "0.33 < 0.80"),
        (0, 3, 1, "0.00 < 1.00"),
        (9949, 10000, 0.995, "0.994 < 0.995"),
        (2, 3, 0.5, "0.66 >= 0.50"),
        (1, 1, 0.8, "1.00 >= 0.80"),
        (1, 1, 0.00001, "1.00000 >= 0.00001"),
    ],
)
def test_message_shows_a_rate_that_is_not_rounded_up(
    verified: int, expected: int, minimum: float, shown: str
) -> None:
    message = _rate(verified, expected, MinBeaconRate=minimum).message
    assert f": {shown} (verified {verified} of {expected})" in message
