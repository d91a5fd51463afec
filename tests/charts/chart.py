"""The chart and Helm, as a user has them: a folder, a command line, values."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "execution-evidence-gate"
CI_VALUES = sorted((CHART / "ci").glob("*.yaml"))
RELEASE = "execution-evidence-gate"
NAMESPACE = "execution-evidence-gate"
_SECONDS = 120.0

Values = Mapping[str, Any]
Objects = dict[tuple[str, str], dict[str, Any]]
"""Kind and name to object."""


@dataclass(frozen=True)
class Helm:
    """The real Helm.

    Attributes:
        program: The executable.
        home: A folder for whatever it writes.
        kubeconfig: Of the cluster that it works on, or None.
    """

    program: Path
    home: Path
    kubeconfig: Path | None = None

    def run(
        self, *args: str | Path, values: Values | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Runs it.

        Args:
            args: Its arguments.
            values: Handed over as a values file.
            check: Whether a failure is the test's failure.

        Returns:
            What it printed.

        Raises:
            AssertionError: It failed; the text holds what it said.
        """
        command = [str(self.program), *map(str, args), *(("--values", "-") if values is not None else ())]
        environment = {"HOME": str(self.home)}
        if self.kubeconfig is not None:
            environment["KUBECONFIG"] = str(self.kubeconfig)
        result = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            input=yaml.safe_dump(dict(values or {})),
            timeout=_SECONDS,
            env=environment,
        )
        assert not check or result.returncode == 0, f"helm {args[0]} failed:\n{result.stderr}"
        return result

    def template(self, *args: str | Path, values: Values | None = None) -> str:
        """Renders the chart.

        Args:
            args: Further arguments.
            values: As for `run`.

        Returns:
            The manifests.
        """
        return self.run("template", RELEASE, CHART, "--namespace", NAMESPACE, *args, values=values).stdout

    def render(self, *args: str | Path, values: Values | None = None) -> Objects:
        """Renders the chart, as `template`.

        Returns:
            The objects.
        """
        return objects(self.template(*args, values=values))


def objects(manifests: str) -> Objects:
    """Reads manifests.

    Args:
        manifests: YAML documents.

    Returns:
        The objects; each kind and name stands once.
    """
    found = [document for document in yaml.safe_load_all(manifests) if document]
    named = {(item["kind"], item["metadata"]["name"]): item for item in found}
    assert len(named) == len(found)
    return named


def of_kind(rendered: Objects, kind: str) -> list[dict[str, Any]]:
    """Picks the objects of one kind.

    Args:
        rendered: All objects.
        kind: The kind.

    Returns:
        Its objects, in order.
    """
    return [item for (found, _), item in rendered.items() if found == kind]
