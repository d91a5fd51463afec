"""RFC 3339 instants, and milliseconds without floats' losses."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.model.timestamp import format_rfc3339, from_unix_millis, parse_rfc3339, unix_millis

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MILLISECOND = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
LAST_MILLISECOND = (datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC) - EPOCH) // timedelta(milliseconds=1)

INSTANTS = [
    ("2026-11-24T06:36:35Z", datetime(2026, 11, 24, 6, 36, 35, tzinfo=UTC)),
    ("2026-11-24t06:36:35z", datetime(2026, 11, 24, 6, 36, 35, tzinfo=UTC)),
    ("2026-11-24T06:36:35.5Z", datetime(2026, 11, 24, 6, 36, 35, 500_000, UTC)),
    ("2026-11-24T06:36:35.123456789Z", datetime(2026, 11, 24, 6, 36, 35, 123_456, UTC)),
    ("2026-11-24T06:36:35+02:00", datetime(2026, 11, 24, 4, 36, 35, tzinfo=UTC)),
    ("2026-11-24T06:36:35-05:30", datetime(2026, 11, 24, 12, 6, 35, tzinfo=UTC)),
    ("2026-11-24T06:36:35+23:59", datetime(2026, 11, 23, 6, 37, 35, tzinfo=UTC)),
    ("2026-11-24T06:36:35-00:00", datetime(2026, 11, 24, 6, 36, 35, tzinfo=UTC)),
    ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
    ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
]

NO_INSTANTS = [
    "",
    "2026-11-24",
    "2026-11-24T06:36:35",
    "2026-11-24 06:36:35Z",
    "2026-11-24T06:36Z",
    "2026-11-24T06Z",
    "20261124T063635Z",
    "2026-W48-2T06:36:35Z",
    "2026-328T06:36:35Z",
    "2026-11-24T06:36:35.Z",
    "2026-11-24T06:36:35,5Z",
    "2026-11-24T06:36:35.1234567890Z",
    "2026-11-24T06:36:35+02",
    "2026-11-24T06:36:35+0200",
    "2026-11-24T06:36:35+02:00:30",
    "2026-11-24T06:36:35 +02:00",
    "2026-11-24T06:36:35Z\n",
    " 2026-11-24T06:36:35Z",
    "2026-11-24T06:36:35Z[Europe/Paris]",
    "-2026-11-24T06:36:35Z",
    "12026-11-24T06:36:35Z",
    "\u0662026-11-24T06:36:35Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-11-24T24:00:00Z",
    "2026-11-24T25:00:00Z",
    "2026-11-24T06:60:00Z",
    "2026-06-30T23:59:60Z",
    "2026-11-24T06:36:35+24:00",
    "2026-11-24T06:36:35+99:99",
    "2026-11-24T06:36:35+05:60",
    "2026-11-24T06:36:35-05:75",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "1792823795",
    "now",
]


@pytest.mark.parametrize(("text", "instant"), INSTANTS)
def test_instant_is_read_in_utc(text: str, instant: datetime) -> None:
    found = parse_rfc3339(text)
    assert found == instant
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", NO_INSTANTS)
def test_text_that_is_no_rfc3339_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_rfc3339(text)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 11, 24, 6, 36, 35, 999_999, UTC), "2026-11-24T06:36:35Z"),
        (datetime(2026, 11, 24, 6, 36, 35, tzinfo=timezone(timedelta(hours=2))), "2026-11-24T04:36:35Z"),
        (datetime(999, 1, 2, tzinfo=UTC), "0999-01-02T00:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_instant_is_written_in_utc_with_whole_seconds(instant: datetime, text: str) -> None:
    assert format_rfc3339(instant) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_can_be_read(instant: datetime) -> None:
    assert parse_rfc3339(format_rfc3339(instant)) == instant.replace(microsecond=0)


@given(st.integers(FIRST_MILLISECOND, LAST_MILLISECOND))
def test_milliseconds_become_their_own_instant_and_come_back(value: int) -> None:
    assert from_unix_millis(value) == EPOCH + timedelta(milliseconds=value)
    assert unix_millis(from_unix_millis(value)) == value


@pytest.mark.parametrize("value", [2_167_191_280_648, 1_710_000_000_001, -1, 0, 138_980_600_855_826])
def test_milliseconds_are_exact(value: int) -> None:
    assert unix_millis(from_unix_millis(value)) == value


def test_milliseconds_are_rounded_down_before_1970_too() -> None:
    assert unix_millis(EPOCH - timedelta(microseconds=1)) == -1
    assert unix_millis(EPOCH + timedelta(microseconds=999)) == 0


@pytest.mark.parametrize("value", [LAST_MILLISECOND + 1, FIRST_MILLISECOND - 1, 2**63 - 1, -(2**63), 10**400])
def test_milliseconds_beyond_the_calendar_are_refused_in_our_words(value: int) -> None:
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        from_unix_millis(value)
