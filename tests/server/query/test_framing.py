"""Messages on a stream: what is one, and what ends the conversation."""

import io

import pytest

from webhook.limits import LIMITS
from webhook.server.query.framing import FrameError, read_frame, write_frame


def frame(body: bytes, header: bytes | None = None) -> bytes:
    return (b"Content-Length: %d\r\n\r\n" % len(body) if header is None else header) + body


GOOD: list[tuple[str, bytes]] = [
    ("as it is written", frame(b"{}")),
    ("any case", frame(b"{}", b"content-LENGTH: 2\r\n\r\n")),
    ("no space", frame(b"{}", b"Content-Length:2\r\n\r\n")),
    ("line feeds alone", frame(b"{}", b"Content-Length: 2\n\n")),
    ("another field", frame(b"{}", b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n")),
]


@pytest.mark.parametrize(("_name", "data"), GOOD, ids=[name for name, _ in GOOD])
def test_a_message_is_read_to_its_end_and_no_further(_name: str, data: bytes) -> None:
    stream = io.BytesIO(data + frame(b"next"))
    assert (read_frame(stream), read_frame(stream), read_frame(stream)) == (b"{}", b"next", None)


def test_what_is_written_can_be_read() -> None:
    stream = io.BytesIO()
    write_frame(stream, b'{"a":1}')
    assert stream.getvalue() == b'Content-Length: 7\r\n\r\n{"a":1}'


def test_the_largest_message_is_read() -> None:
    body = b" " * LIMITS.frame_bytes
    assert read_frame(io.BytesIO(frame(body))) == body


def test_the_longest_header_is_read() -> None:
    head = b"Content-Length: 2\r\n\r\n"
    padding = b"X: " + b"x" * (LIMITS.frame_header_bytes - len(head) - 5) + b"\r\n"
    assert len(padding + head) == LIMITS.frame_header_bytes
    assert read_frame(io.BytesIO(padding + head + b"{}")) == b"{}"
    with pytest.raises(FrameError):
        read_frame(io.BytesIO(b"X: x\r\n" + padding + head + b"{}"))


BAD: list[tuple[str, bytes]] = [
    ("no length", b"\r\n{}"),
    ("another field alone", b"X: 1\r\n\r\n{}"),
    ("two lengths", b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
    ("two lengths in two spellings", b"Content-Length: 2\r\ncontent-length: 3\r\n\r\n{}"),
    ("a negative length", b"Content-Length: -1\r\n\r\n"),
    ("a signed length", b"Content-Length: +2\r\n\r\n{}"),
    ("a length in words", b"Content-Length: two\r\n\r\n{}"),
    ("a length in two parts", b"Content-Length: 1, 1\r\n\r\n{}"),
    ("an empty length", b"Content-Length:\r\n\r\n{}"),
    ("a length with a space before the colon", b"Content-Length : 2\r\n\r\n{}"),
    ("too large", b"Content-Length: %d\r\n\r\n" % (LIMITS.frame_bytes + 1)),
    ("no header", b"{}"),
    ("a header that ends early", b"Content-Length: 2"),
    ("a header without its empty line", b"Content-Length: 2\r\n"),
    ("a body that ends early", b"Content-Length: 3\r\n\r\n{}"),
    ("a line without end", b"X" * (LIMITS.frame_header_bytes + 1)),
    ("a header without end", b"X: 1\r\n" * LIMITS.frame_header_bytes),
]


@pytest.mark.parametrize(("_name", "data"), BAD, ids=[name for name, _ in BAD])
def test_a_stream_that_is_out_of_step_is_an_error(_name: str, data: bytes) -> None:
    with pytest.raises(FrameError):
        read_frame(io.BytesIO(data))
