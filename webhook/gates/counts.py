"""The "int strings" of gate metadata."""

from webhook.limits import LIMITS

_DIGITS = len(str(LIMITS.count_maximum))


def read_count(text: str | None) -> int:
    """Reads an "int string" of the metadata.

    Args:
        text: The value, or None if the key is absent.

    Returns:
        The count; 0 for whatever is missing, negative, not an integer in ASCII digits, or above
        `LIMITS.count_maximum`, so that nothing unreadable ever raises a count.
    """
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        return 0
    count = int(text)
    return count if count <= LIMITS.count_maximum else 0
