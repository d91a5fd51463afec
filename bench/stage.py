"""What the scenarios share: a folder, the load generator, control planes, and how much work to do."""

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from bench import review
from bench.load_generator import LoadGenerator, build
from tests.harness.control_plane import ControlPlane

_CRD = Path(__file__).resolve().parent.parent / "manifests" / "crds" / "executionevidences.yaml"
_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Tells the person who waits what is going on.

    Args:
        text: One line.
    """
    print(f"[{time.monotonic() - _BEGAN:6.1f} s] {text}", flush=True)


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        pairs: Rounds in which servers take turns.
        seconds: One server's turn.
        starts: Starts of a process.
        patches: Requests of each kind in one round against the API server.
        objects: Evidence in the full cluster store.
        cold: Cold reviews of each kind with a registry.
        verdicts: Images that a webhook with a registry is asked about before its memory is read.
        burst: Deployments that are created at once.
        workloads: Deployments that are scanned; each tenth brings another image.
    """

    pairs: int = 9
    seconds: float = 2.0
    starts: int = 7
    patches: int = 500
    objects: int = 10_000
    cold: int = 15
    verdicts: int = 100_000
    burst: int = 300
    workloads: int = 5_000


QUICK = Effort(
    pairs=3, seconds=1.5, starts=3, patches=100, objects=1_000, cold=3, verdicts=2_000, burst=60, workloads=500
)
"""For a look while working; its figures are no result."""


class Stage:
    """Shared parts, made when they are first asked for; a context manager that ends them all.

    Args:
        effort: How much to measure.

    Attributes:
        effort: The same.
        folder: A temporary folder.
    """

    folder: Path

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Makes the folder."""
        temporary = tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)
        self.folder = Path(self._stack.enter_context(temporary))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends everything, the last first."""
        self._stack.close()

    def new_folder(self, name: str) -> Path:
        """Makes a folder.

        Args:
            name: Its name, used once.

        Returns:
            The empty folder.
        """
        path = self.folder / name
        path.mkdir()
        return path

    @cached_property
    def load(self) -> LoadGenerator:
        """The load generator with the 36 KB review."""
        say("building the load generator")
        body = self.folder / "review.json"
        body.write_bytes(review.creation_review())
        return LoadGenerator(build(), body, review.UID)

    @cached_property
    def control_plane(self) -> ControlPlane:
        """An API server that knows ExecutionEvidence and holds none."""
        return self.another_control_plane()

    def another_control_plane(self) -> ControlPlane:
        """Starts one more such API server; like the bench itself, it leaves the server's core alone.

        Returns:
            It runs until the stage ends.
        """
        say("starting etcd and kube-apiserver")
        control_plane = self._stack.enter_context(ControlPlane())
        control_plane.kubectl("apply", "-f", str(_CRD))
        control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(_CRD))
        return control_plane
