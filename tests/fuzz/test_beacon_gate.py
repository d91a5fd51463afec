"""The gate `beacon-rate` is total, monotone, and exact at the threshold."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.beacon_rate import evaluate
from webhook.limits import LIMITS
from webhook.model.gate import GateContext, GateResult, Verdict
from webhook.reasons import ReasonCode

COUNT = st.one_of(st.integers(0, 12), st.integers(0, LIMITS.count_maximum))
RATE = st.one_of(st.integers(0, 100).map(lambda part: part / 100), st.floats(0, 1))
NAME = st.sampled_from(["production", "PRODUCTION", "staging", "qa"])
SECTION = st.fixed_dictionaries(
    {
        "Enabled": st.booleans(),
        "MissingBeaconAction": st.sampled_from(["Warn", "Block"]),
        "RequiredEnvironments": st.lists(NAME, max_size=2),
        "MinBeaconRate": RATE,
    }
)
METADATA = st.dictionaries(
    st.sampled_from(["has_beacon_data", "beacon_expected_count", "beacon_verified_count", "x"]),
    st.one_of(st.sampled_from(["true", "false", "\u00b2", "-1", " 1"]), st.text(max_size=6), COUNT.map(str)),
)


def _decide(section: dict[str, Any], environment: str, verified: int, expected: int) -> GateResult:
    metadata = {
        "has_beacon_data": "true",
        "beacon_expected_count": str(expected),
        "beacon_verified_count": str(verified),
    }
    return evaluate(BeaconRatePolicy.model_validate(section), GateContext(environment, metadata))


@given(st.data(), SECTION, NAME, COUNT)
def test_more_verified_beacons_never_make_the_verdict_worse(
    data: st.DataObject, section: dict[str, Any], environment: str, expected: int
) -> None:
    more = data.draw(st.integers(0, expected))
    fewer = data.draw(st.integers(0, more))
    before, after = (_decide(section, environment, verified, expected) for verified in (fewer, more))
    assert after.result.severity <= before.result.severity


@given(st.data(), SECTION, NAME, COUNT)
def test_a_lower_minimum_never_makes_the_verdict_worse(
    data: st.DataObject, section: dict[str, Any], environment: str, expected: int
) -> None:
    verified = data.draw(st.integers(0, expected))
    lower = section | {"MinBeaconRate": data.draw(st.floats(0, section["MinBeaconRate"]))}
    before, after = (_decide(options, environment, verified, expected) for options in (section, lower))
    assert after.result.severity <= before.result.severity


@given(st.data(), RATE, st.integers(1, LIMITS.count_maximum))
@example(None, 0.1, 10)
@example(None, 0.7, 10)
def test_threshold_is_exact(data: st.DataObject | None, rate: float, expected: int) -> None:
    minimum = Fraction(Decimal(str(rate)))
    nearest = int(minimum * expected)
    near = [max(0, min(expected, nearest + step)) for step in (-1, 0, 1)]
    drawn = [] if data is None else [data.draw(st.integers(0, expected))]
    section = {"Enabled": True, "MissingBeaconAction": "Block", "MinBeaconRate": rate}
    for verified in (*near, *drawn):
        passes = _decide(section, "production", verified, expected).result is Verdict.PASS
        assert passes is (Fraction(verified, expected) >= minimum)


SHOWN = re.compile(r": (\d+\.\d{2,}) (<|>=) (\d+\.\d{2,}) \(verified (\d+) of (\d+)\)$")


@given(st.data(), RATE, st.integers(1, LIMITS.count_maximum))
def test_message_is_true(data: st.DataObject, rate: float, expected: int) -> None:
    verified = data.draw(st.integers(0, expected))
    result = _decide({"Enabled": True, "MinBeaconRate": rate}, "production", verified, expected)
    found = SHOWN.search(result.message)
    assert found is not None
    shown, relation, minimum = Fraction(found[1]), found[2], Fraction(found[3])
    assert relation == (">=" if result.result is Verdict.PASS else "<")
    assert shown >= minimum if relation == ">=" else shown < minimum
    assert shown <= Fraction(verified, expected)
    assert minimum == Fraction(Decimal(str(rate)))
    assert (int(found[4]), int(found[5])) == (verified, expected)


@given(SECTION, NAME, METADATA)
def test_gate_is_total_and_depends_on_nothing_else(
    section: dict[str, Any], environment: str, metadata: dict[str, str]
) -> None:
    result = evaluate(BeaconRatePolicy.model_validate(section), GateContext(environment, metadata))
    again = evaluate(BeaconRatePolicy.model_validate(section), GateContext(environment, dict(metadata)))
    assert result == again
    required = environment.lower() in {name.lower() for name in section["RequiredEnvironments"]}
    if section["Enabled"] and required and result.result is Verdict.PASS:
        assert metadata["has_beacon_data"] == "true"
        assert int(metadata["beacon_expected_count"]) > 0
        assert result.reason is ReasonCode.BEACON_RATE_SUFFICIENT
