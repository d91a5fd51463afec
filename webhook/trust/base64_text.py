"""Base64 that says one thing: one text for the same bytes, but for the two alphabets."""

import base64
import binascii

_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class Base64Error(ValueError):
    """A text is no base64 that can be taken; the message goes on after the text's name, and holds nothing of it."""


def decode_base64(text: str) -> bytes:
    """Decodes standard or URL-safe base64, with padding and without anything else.

    Args:
        text: The text.

    Returns:
        The bytes.

    Raises:
        Base64Error: It is not base64, or there is another text for the same bytes.
    """
    try:
        raw = text.encode("ascii").translate(_URL_SAFE)
        decoded = base64.b64decode(raw, validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Base64Error("is not base64") from None
    if base64.b64encode(decoded) != raw:
        # Unused trailing bits: two texts for the same bytes.
        raise Base64Error("is not canonical base64")
    return decoded
