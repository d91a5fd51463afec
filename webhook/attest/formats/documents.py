"""JSON documents of profilers, and messages that are read as if they were such documents."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from webhook.attest.formats import wire
from webhook.attest.profile import ProfileError
from webhook.limits import LIMITS

_SEPARATORS = (b",", b"[", b"{")
"""Each value but the first costs one of these; those inside strings are counted too, which errs on the safe side."""

Schema = Mapping[int, tuple[str, Any]]
"""Number of a field to its name in JSON, and its kind: `NUMBER`, `TEXT`, a schema, or a list of one of these."""
NUMBER, TEXT, FIXED = "number", "text", "fixed"


def parse_document(content: bytes) -> dict[str, Any]:
    """Reads JSON.

    Args:
        content: UTF-8 text.

    Returns:
        The object.

    Raises:
        ProfileError: It is no JSON object, or holds too much.
    """
    if sum(map(content.count, _SEPARATORS)) > LIMITS.profile_values:
        raise _too_many()
    try:
        document = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ProfileError("it is not JSON, or is cut off") from None
    return object_of(document)


def _no_constant(_: str) -> NoReturn:
    raise ValueError


def _too_many() -> ProfileError:
    return ProfileError(f"it holds more than {LIMITS.profile_values} values")


def object_of(value: Any) -> dict[str, Any]:
    """Expects an object.

    Args:
        value: A JSON value; None is an empty object.

    Returns:
        The same.

    Raises:
        ProfileError: It is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProfileError("an object is expected where it has something else")
    return value


def list_of(value: Any) -> list[Any]:
    """Expects an array.

    Args:
        value: A JSON value; None is an empty array.

    Returns:
        The same.

    Raises:
        ProfileError: It is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise ProfileError("an array is expected where it has something else")
    return value


def text_of(value: Any) -> str:
    """Expects a text.

    Args:
        value: A JSON value; None is the empty text.

    Returns:
        The same.

    Raises:
        ProfileError: It is something else, or too long.
    """
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LIMITS.profile_line_bytes:
        raise ProfileError("a text is expected where it has something else, or it is too long")
    return value


def integer_of(value: Any) -> int:
    """Expects a whole number; protocol buffers write those of 64 bits as text in JSON.

    Args:
        value: A JSON value; None is 0.

    Returns:
        The number, of at most 64 bits.

    Raises:
        ProfileError: It is something else.
    """
    if value is None:
        return 0
    if isinstance(value, str) and value.removeprefix("-").isdecimal() and len(value) <= len(str(-(2**63))):
        value = int(value)
    if type(value) is not int or abs(value) > 2**64:
        raise ProfileError("a whole number is expected where it has something else")
    return value


class MessageReader:
    """Reads a message into what its JSON would be, within one limit for everything in it."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._left = LIMITS.profile_values

    def read(self, schema: Schema, start: int, end: int) -> dict[str, Any]:
        """Reads a message; fields that the schema does not know are skipped.

        Args:
            schema: Its fields; it is not recursive, so that nothing can be nested deeper than it says.
            start: Where it begins.
            end: Where it ends.

        Returns:
            The document.

        Raises:
            ProfileError: It is no such message, holds too much, or has a message twice that it can have once.
        """
        document: dict[str, Any] = {}
        for number, kind, first, last in wire.fields(self._content, start, end):
            self._spend(1)
            if number not in schema:
                continue
            name, wanted = schema[number]
            if isinstance(wanted, list):
                document.setdefault(name, []).extend(self._many(wanted[0], kind, first, last))
            elif isinstance(wanted, dict) and name in document:
                # Two files put together: the indices of one would point into the tables of the other.
                raise ProfileError(f"it has `{name}` twice: give each profile in a file of its own")
            else:
                document[name] = self._one(wanted, kind, first, last)
        return document

    def _many(self, wanted: Any, kind: int, first: int, last: int) -> list[Any]:
        if wanted == NUMBER and kind == wire.LENGTH:
            tokens = wire.split_varints(self._content, first, last)
            self._spend(len(tokens))
            return [wire.signed(wire.varint(token, 0, len(token))[0]) for token in tokens]
        if wanted == FIXED and kind == wire.LENGTH:
            # Times: only how many there are is of interest.
            self._spend((last - first) // wire.FIXED64_BYTES)
            return [0] * ((last - first) // wire.FIXED64_BYTES)
        return [self._one(wanted, kind, first, last)]

    def _one(self, wanted: Any, kind: int, first: int, last: int) -> Any:
        if wanted == NUMBER and kind == wire.VARINT:
            return wire.signed(first)
        if wanted == FIXED and kind == wire.FIXED64:
            return 0
        if wanted == TEXT and kind == wire.LENGTH:
            return self._content[first:last].decode("utf-8", "replace")
        if isinstance(wanted, dict) and kind == wire.LENGTH:
            return self.read(wanted, first, last)
        raise ProfileError("a field of it has another type than it must have")

    def _spend(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise _too_many()
