"""Commands that must succeed."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_TIMEOUT_SECONDS = 60


def run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Runs a command to its end.

    Args:
        command: The program and its arguments.
        folder: Its working folder.
        environment: Variables that are added to ours.

    Returns:
        What it printed, without the white space around.

    Raises:
        AssertionError: It failed; the text holds what it said.
    """
    result = subprocess.run(
        command,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        env=os.environ | (environment or {}),
    )
    if result.returncode:
        said = f"{result.stdout}\n{result.stderr}".strip()
        raise AssertionError(f"{Path(command[0]).name} {command[1]} ended with {result.returncode}: {said}")
    return result.stdout.strip()
