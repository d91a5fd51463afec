"""`evidence-gate webhook` as a process of its own, which never outlives the demo."""

import contextlib
import json
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from demo.workshop import COMMAND, DemoError, Workshop

ARGUMENTS = (
    "webhook",
    *("--config", "config.yaml"),
    *("--tls-cert", "tls.crt", "--tls-key", "tls.key"),
    *("--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"),
)
"""Port 0 takes a free port; the log line `listening` tells which."""

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.02
_TAIL_LINES = 10


class WebhookProcess:
    """The webhook; a context manager.

    Attributes:
        url: Where it takes reviews, without a path.
    """

    url: str

    def __init__(self, workshop: Workshop) -> None:
        """Remembers what to start.

        Args:
            workshop: The folder that it reads.
        """
        self._folder = workshop.folder
        self._log: Path = workshop.folder / "webhook.log"

    def __enter__(self) -> Self:
        """Starts the process and waits until it listens.

        Raises:
            DemoError: It does not; the text shows the end of its log.
        """
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, our own arguments
                [COMMAND, *ARGUMENTS], cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self.url = self._listening()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops the process, by force if it will not go."""
        self._stop()

    def _listening(self) -> str:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            for line in self._log.read_text("utf-8").splitlines():
                # The last line may be half written.
                with contextlib.suppress(json.JSONDecodeError):
                    entry = json.loads(line)
                    if entry["message"] == "listening":
                        return str(entry["address"])
            time.sleep(_LOOK_SECONDS)
        tail = "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:])
        raise DemoError(f"the webhook does not listen; the end of its log:\n{tail}")

    def _stop(self) -> None:
        try:
            self._process.terminate()
            self._process.wait(_STOP_SECONDS)
        finally:
            # After a time-out, and when somebody interrupts the waiting.
            self._process.kill()
            self._process.wait()
