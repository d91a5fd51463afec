"""Takes protocol buffers messages apart, by other means than the package does."""

from collections import defaultdict

_LENGTH = 2
_FIXED = {1: 8, 5: 4}

Fields = dict[int, list[int | bytes]]
"""Field number to its values, in their order: numbers, or the bytes of anything longer."""


def take_apart(message: bytes) -> Fields:
    """Reads one level of a message.

    Args:
        message: A whole message; one that is none is a mistake of the test.

    Returns:
        Its fields.
    """
    fields: Fields = defaultdict(list)
    while message:
        tag, message = _number(message)
        kind = tag & 7
        if kind == 0:
            value, message = _number(message)
            fields[tag >> 3].append(value)
            continue
        if kind == _LENGTH:
            size, message = _number(message)
        else:
            size = _FIXED[kind]
        fields[tag >> 3].append(message[:size])
        message = message[size:]
    return fields


def numbers(values: list[int | bytes]) -> list[int]:
    """Reads a repeated number, packed or not.

    Args:
        values: Of its field.

    Returns:
        The numbers.
    """
    found: list[int] = []
    for value in values:
        if isinstance(value, int):
            found.append(value)
            continue
        rest = value
        while rest:
            one, rest = _number(rest)
            found.append(one)
    return found


def messages(values: list[int | bytes]) -> list[bytes]:
    """Checks that a field holds messages, texts or bytes.

    Args:
        values: Of the field.

    Returns:
        The same.
    """
    found = [value for value in values if isinstance(value, bytes)]
    assert len(found) == len(values)
    return found


def _number(data: bytes) -> tuple[int, bytes]:
    length = next(place for place, byte in enumerate(data) if byte < 128) + 1
    return sum((byte & 127) << 7 * place for place, byte in enumerate(data[:length])), data[length:]
