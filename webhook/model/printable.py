"""Foreign text in our own sentences."""


def printable(text: str, limit: int) -> str:
    """Makes foreign text fit to show: no line breaks, no terminal codes, not too long.

    Args:
        text: Anything.
        limit: Characters to keep.

    Returns:
        The text with `?` for whatever does not print, and `…` where it was cut.
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
