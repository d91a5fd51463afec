"""Every way in which a profile server's answer can go wrong."""

import threading
from collections.abc import Mapping

from tests.simulators.profile_server import CONTENT_TYPES, Asked, Fault, Handler


def says(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Fault:
    """Answers with bytes, of the content type that belongs to the path unless told otherwise."""

    def _say(handler: Handler, asked: Asked) -> None:
        handler.send(status, body, {"Content-Type": CONTENT_TYPES[asked.path], **(headers or {})})

    return _say


def plays(recorded: bytes) -> Fault:
    """Answers with what a real server once sent, head and all."""

    def _play(handler: Handler, _: Asked) -> None:
        handler.wfile.write(recorded)
        handler.close_connection = True

    return _play


def hangs(release: threading.Event) -> Fault:
    """Does not answer until it is released."""

    def _hang(handler: Handler, asked: Asked) -> None:
        release.wait(30)
        handler.answer(asked)

    return _hang


def drips(handler: Handler, asked: Asked) -> None:
    """Sends a byte now and then, for ever."""
    _begin(handler, asked, 10**6)
    pause = threading.Event()
    try:
        while not pause.wait(0.02):
            handler.wfile.write(b"\0")
    except OSError:
        handler.close_connection = True


def endless(handler: Handler, asked: Asked) -> None:
    """Sends as much as anybody takes."""
    _begin(handler, asked, 10**12)
    try:
        while True:
            handler.wfile.write(bytes(65536))
    except OSError:
        handler.close_connection = True


def babbles(handler: Handler, _: Asked) -> None:
    """Sends informational responses for ever."""
    try:
        while True:
            handler.wfile.write(b"HTTP/1.1 103 \r\n\r\n" * 1000)
    except OSError:
        handler.close_connection = True


def cut_off(handler: Handler, asked: Asked) -> None:
    """Ends the connection in the middle of an answer."""
    _begin(handler, asked, 1000)
    handler.wfile.write(bytes(10))
    handler.close_connection = True


def hangs_up(handler: Handler, _: Asked) -> None:
    """Ends the connection without a word."""
    handler.close_connection = True


def no_http(handler: Handler, _: Asked) -> None:
    """Answers with what is no HTTP."""
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    handler.close_connection = True


def _begin(handler: Handler, asked: Asked, length: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", CONTENT_TYPES[asked.path])
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
