"""Writes the few protocol buffers messages that ask a question.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from webhook.attest.formats import wire


def number(field: int, value: int) -> bytes:
    """Writes a field that is a number.

    Args:
        field: Its number.
        value: 0 to 2^63 - 1; a time before 1970 is asked for by nobody.

    Returns:
        Tag and value.
    """
    return wire.encoded(field << 3 | wire.VARINT) + wire.encoded(value)


def message(field: int, content: bytes) -> bytes:
    """Writes a field that is a message, or bytes.

    Args:
        field: Its number.
        content: What it holds.

    Returns:
        Tag, length and content.
    """
    return wire.encoded(field << 3 | wire.LENGTH) + wire.encoded(len(content)) + content


def text(field: int, value: str) -> bytes:
    """Writes a field that is a text.

    Args:
        field: Its number.
        value: The text.

    Returns:
        Tag, length and UTF-8.
    """
    return message(field, value.encode())
