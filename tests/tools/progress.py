"""Runs a program that takes minutes, and shows that it lives."""

import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread

INTERVAL = 15.0
"""Seconds between two lines."""

_TAIL_LINES = 40


def say(line: str) -> None:
    """Writes one line for the person who waits.

    Args:
        line: The text.
    """
    sys.stderr.write(f"tools: {line}\n")
    sys.stderr.flush()


def run_showing_progress(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    label: str,
    interval: float = INTERVAL,
) -> list[str]:
    """Runs a program; every few seconds says how long it has run and how many lines it has written to stderr.

    Args:
        arguments: The command.
        folder: Its working folder, whose name ends each line.
        environment: Its environment.
        label: What the lines on stderr count, for example `packages compiled for`.
        interval: Seconds between two lines.

    Returns:
        The lines of its standard output.

    Raises:
        subprocess.CalledProcessError: It failed; `stderr` holds its last lines.
    """
    seen = [0]
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    done = Event()

    def report() -> None:
        start = time.monotonic()
        while not done.wait(interval):
            say(f"{time.monotonic() - start:4.0f} s: {seen[0]} {label} {folder.name}")

    def collect() -> None:
        for line in process.stderr or ():
            seen[0] += 1
            tail.append(line)

    with subprocess.Popen(
        arguments, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        threads = [Thread(target=report, daemon=True), Thread(target=collect, daemon=True)]
        for thread in threads:
            thread.start()
        try:
            output = process.stdout.read() if process.stdout else ""
            code = process.wait()
        finally:
            done.set()
        threads[1].join()
    if code:
        raise subprocess.CalledProcessError(code, arguments, output, "".join(tail))
    return output.splitlines()
