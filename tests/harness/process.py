"""Programs that run beside the tests, and never outlive them."""

import functools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_TAIL_LINES = 30


class Program:
    """A running program whose output goes to a file.

    It is started in a session of its own, so that Ctrl-C reaches only pytest, which then ends it in order; where
    the system can do it, the kernel kills it should pytest itself be killed.

    Attributes:
        name: Its name in messages.
        log: The file that gets its standard output and error.
        pid: Its process id.
    """

    def __init__(
        self, arguments: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Starts the program.

        Args:
            arguments: The command; the first one is the program's path.
            log: The file that gets its output; appended to.
            environment: Variables that are added to ours.
        """
        self.name = Path(arguments[0]).name
        self.log = log
        command = [*_dies_with_us(), *(str(argument) for argument in arguments)]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | (environment or {}),
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code (minus the signal's number if one ended it), or None while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """Gives the end of its output, for a failure's text.

        Returns:
            The last lines.
        """
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join([f"--- the end of {self.name}'s output", *lines])

    def terminate(self) -> None:
        """Sends SIGTERM and does not wait."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self, deadline_seconds: float) -> int:
        """Waits until it has ended by itself.

        Args:
            deadline_seconds: How long to wait.

        Returns:
            The exit code.

        Raises:
            AssertionError: It still runs; the text shows the end of its output.
        """
        try:
            return self._process.wait(deadline_seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {deadline_seconds} s\n{self.tail()}") from None

    def kill(self) -> None:
        """Ends it at once; does nothing if it has ended."""
        self._process.kill()
        self._process.wait()


@functools.cache
def _dies_with_us() -> tuple[str, ...]:
    """Gives util-linux's wrapper for PR_SET_PDEATHSIG, which keeps the process id; nothing where there is none."""
    wrapper = ("setpriv", "--pdeathsig", "KILL", "--")
    if shutil.which(wrapper[0]) is None:
        return ()
    trial = subprocess.run([*wrapper, "true"], check=False, capture_output=True)
    return () if trial.returncode else wrapper


def free_ports(count: int) -> list[int]:
    """Finds ports on the loopback address that nobody listens on.

    Args:
        count: How many.

    Returns:
        Distinct ports.
    """
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
