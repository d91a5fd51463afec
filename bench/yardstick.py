"""The bare handlers' process: on the webhook's core, with the webhook's own certificate."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import SERVER_CORE, on_core
from tests.harness.polling import poll
from tests.harness.process import Program

_PROGRAM = Path(__file__).resolve().with_name("bare_server.py")
_START_SECONDS = 10.0


@dataclass(frozen=True)
class BareHandlers:
    """The running process; it has both handlers.

    Attributes:
        strict_url: What reviews go to `/admit/…` of, to be decoded by a pydantic model of just the uid.
        ordinary_url: The same, to be decoded by the standard library.
        pid: The process.
    """

    strict_url: str
    ordinary_url: str
    pid: int


@contextmanager
def bare_handlers(folder: Path) -> Iterator[BareHandlers]:
    """Runs the bare handlers.

    Args:
        folder: A webhook's folder, with its certificate and key.

    Yields:
        The handlers, once they listen.
    """
    with on_core(SERVER_CORE):
        program = Program([sys.executable, _PROGRAM, folder / "tls.crt", folder / "tls.key"], folder / "bare.log")

    def listens() -> bool:
        assert program.exit_code is None, program.tail()
        return program.log.read_text().endswith("\n")

    try:
        poll(listens, _START_SECONDS, "the bare handlers listen")
        url = f"https://127.0.0.1:{program.log.read_text().strip()}"
        yield BareHandlers(url, f"{url}/ordinary", program.pid)
    finally:
        program.kill()
