"""The load generator: built from bench/load with Go."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.tools.build import cache_home

CLIENTS = 8

_SOURCE = Path(__file__).resolve().parent / "load"
_BUSY_LIMIT = 0.9


@dataclass(frozen=True)
class Target:
    """A server that answers reviews.

    Attributes:
        url: Where to post.
        ca_file: Who signed its certificate.
    """

    url: str
    ca_file: Path


@dataclass(frozen=True)
class Sample:
    """What one run of the generator saw.

    Attributes:
        requests: All requests, those of the warm-up included; each one was allowed without a warning.
        measured: Answers inside the window.
        per_second: Answers a second inside the window.
        p50_ms: Median time to answer, milliseconds.
        p99_ms: The 99th percentile by nearest rank, milliseconds.
        max_ms: The longest, milliseconds.
        busy: Processor time of the generator over wall time.
    """

    requests: int
    measured: int
    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    busy: float


@dataclass(frozen=True)
class LoadGenerator:
    """The built program with a review to send.

    Attributes:
        program: The program.
        body: The file that holds the review.
        uid: The uid in it, which each request replaces by its own.
    """

    program: Path
    body: Path
    uid: str

    def run(self, target: Target, seconds: float) -> Sample:
        """Loads a server with `CLIENTS` clients that never pause.

        Args:
            target: The server.
            seconds: The measured window; a short warm-up comes before it.

        Returns:
            What it saw.

        Raises:
            AssertionError: An answer was not a plain "allowed", or the generator was itself the bottleneck.
        """
        options = {
            "url": target.url,
            "ca": target.ca_file,
            "body": self.body,
            "uid": self.uid,
            "clients": CLIENTS,
            "window": f"{seconds}s",
        }
        arguments = [f"-{name}={value}" for name, value in options.items()]
        done = subprocess.run([self.program, *arguments], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        sample = Sample(**json.loads(done.stdout))
        assert sample.measured > 100, f"only {sample.measured} answers in {seconds} s"
        assert sample.busy < _BUSY_LIMIT, f"the generator filled its core ({sample.busy:.2f}): it measured itself"
        return sample


def build() -> Path:
    """Builds the program into the tools' cache; Go's own cache makes it quick when nothing has changed.

    Returns:
        The program.
    """
    folder = cache_home(os.environ) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    go = shutil.which("go") or "go"
    environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    subprocess.run([go, "build", "-trimpath", "-o", folder / "load", "."], check=True, cwd=_SOURCE, env=environment)
    return folder / "load"
