"""A terminal with somebody at it."""

import fcntl
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_SECONDS = 20.0
# Ctrl-C must reach it, even if a shell has started the tests in its background, where it is ignored.
_TAKE_TERMINAL = (
    "import fcntl,os,signal,sys,termios;signal.signal(signal.SIGINT,signal.SIG_DFL);"
    "fcntl.ioctl(2,termios.TIOCSCTTY,0);os.execv(sys.argv[1],sys.argv[1:])"
)


class Terminal:
    """A command at a terminal of its own; a context manager. Standard output goes elsewhere, as into a pipe.

    Attributes:
        shown: What the terminal has shown so far.
    """

    def __init__(
        self, command: Sequence[str | Path], environment: Mapping[str, str], stdin: Path | None = None
    ) -> None:
        """Starts the command.

        Args:
            command: A program by its path, and its arguments.
            environment: All of its environment.
            stdin: What it reads instead of what is typed.
        """
        self.shown = ""
        self._keyboard, screen = os.openpty()
        with open(screen, "rb", buffering=0, closefd=False) if stdin is None else stdin.open("rb") as source:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _TAKE_TERMINAL, *command],
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=screen,
                env=environment,
                start_new_session=True,
            )
        os.close(screen)
        fcntl.fcntl(self._keyboard, fcntl.F_SETFL, os.O_NONBLOCK)

    def __enter__(self) -> Self:
        """Gives itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the command."""
        self._process.kill()
        self._process.communicate()
        os.close(self._keyboard)

    def wait_for(self, text: str) -> None:
        """Waits until the terminal shows a text.

        Args:
            text: The text.

        Raises:
            AssertionError: It does not.
        """
        deadline = time.monotonic() + _SECONDS
        while text not in self.shown:
            if (
                not select.select([self._keyboard], [], [], max(0.0, deadline - time.monotonic()))[0]
                or not self._look()
            ):
                raise AssertionError(f"the terminal shows {self.shown!r}, and not {text!r}")

    def type(self, text: str) -> None:
        """Types.

        Args:
            text: What is typed; a line ends with a line feed.
        """
        os.write(self._keyboard, text.encode("utf-8"))

    def end(self) -> tuple[int, bytes]:
        """Waits for the end.

        Returns:
            The exit code, and what standard output got.
        """
        output, _ = self._process.communicate(timeout=_SECONDS)
        while self._look():
            pass
        return self._process.returncode, output

    def _look(self) -> bool:
        """Reads what the terminal shows; False if nothing more is there."""
        try:
            content = os.read(self._keyboard, 4096)
        except OSError:  # EIO: nobody writes to it any more; EAGAIN: nobody has.
            return False
        self.shown += content.decode("utf-8", "replace")
        return bool(content)
