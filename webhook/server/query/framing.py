"""Messages on standard input and output: `Content-Length: N`, an empty line, N bytes of JSON."""

import re
from typing import BinaryIO

from webhook.limits import LIMITS

_LENGTH = re.compile(rb"[0-9]{1,9}")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")


class FrameError(ValueError):
    """The stream is not in step any more, and cannot be brought back; the text is ours."""


def read_frame(stream: BinaryIO) -> bytes | None:
    """Reads one message; blocks until it is there.

    Args:
        stream: Where the messages come from.

    Returns:
        The body, or None where the stream ends between two messages.

    Raises:
        FrameError: The header is none, too long, names no length or two, or the stream ends inside the message.
    """
    length = _read_length(stream)
    if length is None:
        return None
    body = stream.read(length)
    if len(body) < length:
        raise FrameError("the input ended inside a message")
    return body


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Writes one message.

    Args:
        stream: Where the messages go.
        body: The message.

    Raises:
        OSError: Nobody reads any more.
    """
    stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    stream.flush()


def _read_length(stream: BinaryIO) -> int | None:
    length: int | None = None
    left = LIMITS.frame_header_bytes
    while True:
        line = stream.readline(left + 1)
        if not line and left == LIMITS.frame_header_bytes:
            return None
        left -= len(line)
        if left < 0 or not line.endswith(b"\n"):
            raise FrameError(f"a header ended early, or is longer than {LIMITS.frame_header_bytes} bytes")
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        if not line:
            break
        field = _FIELD.fullmatch(line)
        if field is None:
            raise FrameError("a header line is not NAME: VALUE")
        if field[1].lower() == b"content-length":
            length = _checked(field[2], length)
    if length is None:
        raise FrameError("a header has no Content-Length")
    return length


def _checked(text: bytes, known: int | None) -> int:
    if known is not None:
        raise FrameError("a header has two Content-Lengths")
    if not _LENGTH.fullmatch(text) or int(text) > LIMITS.frame_bytes:
        raise FrameError(f"a Content-Length is no number up to {LIMITS.frame_bytes}")
    return int(text)
