"""gRPC-Web: gRPC over HTTP/1.1, one question and one answer.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md.
"""

import re
from typing import Final

from webhook.observer.sources.exchange import Answer

CONTENT_TYPE: Final = "application/grpc-web+proto"
"""Of questions and answers."""

_HEAD = 5
"""Bytes before the content of a frame: flags, and its length."""
_MESSAGE, _TRAILERS = 0x00, 0x80
_STATUS_HEADER = "grpc-status"
_STATUS = re.compile(rb"(?:^|\r\n)grpc-status:[ \t]*([0-9]{1,5})[ \t]*(?:\r\n|$)", re.IGNORECASE)
_TRAILER_BYTES = 64 * 1024


class GrpcWebError(ValueError):
    """It is no such answer; the text is ours."""


def frame(message: bytes) -> bytes:
    """Writes a question.

    Args:
        message: What is asked, shorter than 4 GiB.

    Returns:
        The body of the request.
    """
    return bytes([_MESSAGE]) + len(message).to_bytes(_HEAD - 1, "big") + message


def read_answer(answer: Answer) -> tuple[int, bytes]:
    """Reads an answer.

    Args:
        answer: As it came.

    Returns:
        gRPC's status code (0 for success), and the message, empty unless the code is 0.

    Raises:
        GrpcWebError: It has no status, or not one message.
    """
    messages: list[bytes] = []
    # Without any message, the status may stand in the headers.
    status = _number(answer.headers.get(_STATUS_HEADER, "").encode("utf-8", "replace"))
    body, position = memoryview(answer.body), 0
    while position < len(body):
        flags, content = _frame(body, position)
        position += _HEAD + len(content)
        if flags == _MESSAGE and not messages:
            messages.append(bytes(content))
        elif flags == _TRAILERS and position == len(body) and len(content) <= _TRAILER_BYTES:
            found = _STATUS.search(bytes(content))
            status = None if found is None else int(found[1])
        else:
            raise GrpcWebError("frames that it should not have")
    if status is None:
        raise GrpcWebError("no status")
    if status:
        return status, b""
    if not messages:
        raise GrpcWebError("no message")
    return status, messages[0]


def _frame(body: memoryview, position: int) -> tuple[int, memoryview]:
    head = body[position : position + _HEAD]
    length = int.from_bytes(head[1:], "big")
    content = body[position + _HEAD : position + _HEAD + length]
    if len(head) < _HEAD or len(content) < length:
        raise GrpcWebError("a frame that is cut off")
    return head[0], content


def _number(text: bytes) -> int | None:
    return int(text) if re.fullmatch(rb"[0-9]{1,5}", text) else None
