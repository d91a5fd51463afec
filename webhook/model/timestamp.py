"""RFC 3339 instants, with a zone and without the liberties of ISO 8601."""

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:[0-5]\d)", re.ASCII)
# Whole numbers throughout: a float loses the last millisecond.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def parse_rfc3339(text: str) -> datetime:
    """Reads an instant.

    Args:
        text: For example `2026-11-24T06:36:35Z`. A zone is required (RFC 3339 §5.6); leap seconds are not known.

    Returns:
        The instant in UTC; fractions beyond microseconds are cut off.

    Raises:
        ValueError: The text is no such instant.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("not an RFC 3339 time with a zone")
    # Through UTC at once: an offset near year 1 or 9999 would overflow later, in somebody else's hands.
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999") from None


def format_rfc3339(instant: datetime) -> str:
    """Writes an instant.

    Args:
        instant: An instant with a zone.

    Returns:
        The instant in UTC, whole seconds, for example `2026-11-24T06:36:35Z`.
    """
    # Not strftime, whose %Y has no leading zeros here.
    return instant.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def unix_millis(instant: datetime) -> int:
    """Counts milliseconds since 1970.

    Args:
        instant: An instant with a zone.

    Returns:
        Whole milliseconds, rounded down.
    """
    return (instant - _EPOCH) // _MILLISECOND


def from_unix_millis(value: int) -> datetime:
    """Turns milliseconds since 1970 into an instant.

    Args:
        value: Milliseconds.

    Returns:
        The instant in UTC.

    Raises:
        ValueError: The instant lies outside the years 1 to 9999.
    """
    try:
        return _EPOCH + value * _MILLISECOND
    except OverflowError:
        raise ValueError("outside the years 1 to 9999") from None
