"""The kinds of reports, by the definitions that their projects ship."""

import json
from typing import Any

import yaml

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.tools.build import program

OPENREPORTS = "openreports.io_reports.yaml"
WGPOLICY = "wgpolicyk8s.io_policyreports.yaml"


def define_reports(control_plane: ControlPlane, file: str) -> str:
    """Makes a kind of reports.

    Args:
        control_plane: Where.
        file: `OPENREPORTS` or `WGPOLICY`.

    Returns:
        The definition's name, as kubectl takes it for a kind.
    """
    path = program(file)
    name: str = yaml.safe_load(path.read_text())["metadata"]["name"]
    control_plane.kubectl("apply", "--server-side", "-f", str(path))
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{name}")
    return name


def reports_in(namespace: Namespace, kind: str) -> list[dict[str, Any]]:
    """Lists the reports of a namespace.

    Args:
        namespace: The namespace.
        kind: What `define_reports` gave.

    Returns:
        The reports.
    """
    listed: list[dict[str, Any]] = json.loads(namespace.kubectl("get", kind, "-o", "json").stdout)["items"]
    return listed
