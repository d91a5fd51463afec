"""The predicate `beaconAttestation@v1`, as far as bytes can tell."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.statements import ABSENT, beacons, statement
from tests.support.verdicts import MALFORMED, names, reason_of
from webhook.errors import MalformedError
from webhook.model.beacon import BEACON_PREDICATE_TYPES, BeaconAttestation
from webhook.model.statement import PREDICATE_TYPES, Statement

MOST = 2**63 - 1


def _read(members: Any) -> BeaconAttestation:
    return Statement.parse(statement(predicate=members)).read_predicate(BeaconAttestation)


COUNTS: list[Any] = [2**63, 2**64, -1, 1.0, 9.5, "9", "", True, False, None, [9], {}, ABSENT]
PREDICATES: list[tuple[str, dict[str, Any], str]] = [
    ("as small as allowed", {"observedFrom": ABSENT}, "accepted"),
    ("members of others", {"x": 1, "beacons_expected": 7, "hotSymbolCount": -1}, "accepted"),
    ("none verified", {"beaconsVerified": 0}, "accepted"),
    ("all verified", {"beaconsVerified": 10}, "accepted"),
    ("none expected", {"beaconsExpected": 0, "beaconsVerified": 0}, "accepted"),
    ("as many as can be", {"beaconsExpected": MOST, "beaconsVerified": MOST}, "accepted"),
    ("one more than expected", {"beaconsVerified": 11}, MALFORMED),
    ("one where none was expected", {"beaconsExpected": 0, "beaconsVerified": 1}, MALFORMED),
    ("no environment", {"environment": ABSENT}, MALFORMED),
    ("environment null", {"environment": None}, MALFORMED),
    ("environment empty", {"environment": ""}, MALFORMED),
    ("environment a list", {"environment": ["staging"]}, MALFORMED),
    ("environment of 63 characters", {"environment": "e" * 63}, "accepted"),
    ("environment of 64 characters", {"environment": "e" * 64}, MALFORMED),
    ("environment with a line break", {"environment": "staging\n"}, MALFORMED),
    ("environment with a terminal code", {"environment": "\x1b[31mstaging"}, MALFORMED),
    ("no end", {"observedUntil": ABSENT}, MALFORMED),
    ("end null", {"observedUntil": None}, MALFORMED),
    ("end without a zone", {"observedUntil": "2026-11-24T06:00:00"}, MALFORMED),
    ("end a number", {"observedUntil": 1792823795}, MALFORMED),
    ("begin null", {"observedFrom": None}, "accepted"),
    ("begin without a zone", {"observedFrom": "2026-11-23T06:00:00"}, MALFORMED),
    ("window of no length, two zones", {"observedFrom": "2026-11-24T07:00:00+01:00"}, "accepted"),
    ("window reversed", {"observedFrom": "2026-11-24T06:00:01Z"}, MALFORMED),
]


@pytest.mark.parametrize("member", ["beaconsExpected", "beaconsVerified"])
@pytest.mark.parametrize("value", COUNTS, ids=[repr(value)[:24] for value in COUNTS])
def test_count_is_an_integer_from_0_to_2_63_less_1(member: str, value: Any) -> None:
    assert reason_of(lambda: _read(beacons(**{member: value}))) == MALFORMED


@pytest.mark.parametrize(("what", "changes", "expected"), PREDICATES, ids=names(PREDICATES))
def test_predicate_is_read_or_malformed(what: str, changes: dict[str, Any], expected: str) -> None:
    assert reason_of(lambda: _read(beacons(**changes))) == expected, what


@pytest.mark.parametrize("members", [None, [], "x", 1, True, {}, ABSENT], ids=repr)
def test_predicate_that_is_no_object_is_malformed(members: Any) -> None:
    assert reason_of(lambda: _read(members)) == MALFORMED


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"beaconsExpected": -1}, "`beaconsExpected`"), ({"beaconsVerified": 11}, "its top level")],
)
def test_refusal_names_the_member(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(MalformedError) as caught:
        _read(beacons(**changes))
    assert caught.value.detail == f"the predicate is not valid at {where}"


def test_predicate_says_what_was_written() -> None:
    found = _read(beacons(observedUntil="2026-11-24T08:00:00+02:00"))
    assert (found.environment, found.beacons_expected, found.beacons_verified) == ("staging", 10, 9)
    assert found.observed_until == datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert found.summary() == found


def test_attestation_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        _read(beacons()).beacons_verified = 10  # type: ignore[misc]  # what the test is about


def test_no_predicate_type_is_that_of_execution_evidence() -> None:
    assert not set(BEACON_PREDICATE_TYPES) & set(PREDICATE_TYPES)
