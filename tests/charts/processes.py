"""The release's pods, as processes here, since there are no nodes.

A process gets the arguments of its Deployment, the files that would be mounted, and a token of its pod's account. A
Service of the type ExternalName that names localhost leads the API server to the webhook under the release's own name
and certificate.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.charts.chart import NAMESPACE, RELEASE
from tests.harness.control_plane import ControlPlane
from tests.harness.process import Program

HOST = f"{RELEASE}.{NAMESPACE}.svc"
"""The name that the API server expects in the webhook's certificate."""

_TLS = "/etc/evidence-gate-tls"
_CONFIGURATION = "/etc/evidence-gate"
# The operator's port is fixed, and may be taken here.
_ADDRESSES = (("listen=0.0.0.0:8080", "listen=127.0.0.1:0"), ("listen=0.0.0.0", "listen=127.0.0.1"))


def read(control_plane: ControlPlane, kind: str, name: str) -> dict[str, Any]:
    """Reads an object of the release.

    Args:
        control_plane: Where it is.
        kind: Its kind.
        name: Its name.

    Returns:
        The object.
    """
    answer: dict[str, Any] = json.loads(
        control_plane.kubectl("-n", NAMESPACE, "get", kind, name, "-o", "json").stdout
    )
    return answer


def lead_service_here(control_plane: ControlPlane) -> None:
    """Turns the release's Service to localhost; in place, so that it stays the release's and goes with it.

    Args:
        control_plane: Where it is.
    """
    spec = {"type": "ExternalName", "externalName": "localhost", "clusterIP": None, "clusterIPs": None}
    patch = json.dumps({"spec": spec})
    control_plane.kubectl("-n", NAMESPACE, "patch", "service", RELEASE, "--type=merge", "-p", patch)


def mount(control_plane: ControlPlane, folder: Path) -> None:
    """Writes the ConfigMap, and the certificate's Secret if there is one, as the kubelet would.

    Args:
        control_plane: Where they are.
        folder: Gets the files.
    """
    for name, content in read(control_plane, "configmap", RELEASE)["data"].items():
        (folder / name).write_text(content)
    found = control_plane.kubectl("-n", NAMESPACE, "get", "secret", f"{RELEASE}-tls", "-o", "json", check=False)
    if found.returncode == 0:
        for name, content in json.loads(found.stdout)["data"].items():
            (folder / name).write_bytes(base64.b64decode(content))


def start(control_plane: ControlPlane, component: str, folder: Path) -> Program:
    """Starts what a Deployment of the release would run.

    Args:
        control_plane: Where the Deployment is.
        component: `webhook` or `operator`.
        folder: What `mount` filled; takes the log too.

    Returns:
        The process.
    """
    pod = read(control_plane, "deployment", f"{RELEASE}-{component}")["spec"]["template"]["spec"]
    arguments = pod["containers"][0]["args"]
    for there, here in ((_TLS, str(folder)), (_CONFIGURATION, str(folder)), *_ADDRESSES):
        arguments = [argument.replace(there, here) for argument in arguments]
    kubeconfig = kubeconfig_of(control_plane, pod["serviceAccountName"], folder)
    subcommand, *options = arguments
    program = [str(Path(sys.executable).with_name("evidence-gate")), subcommand]
    # As Kubernetes reads what is written without a reference; POD_NAME and the like have no value here.
    entries = pod["containers"][0].get("env", [])
    environment = {entry["name"]: entry["value"].replace("$$", "$") for entry in entries if "value" in entry}
    command = [*program, *options, f"--kubeconfig={kubeconfig}"]
    return Program(command, folder / f"{component}.log", environment)


def kubeconfig_of(control_plane: ControlPlane, account: str, folder: Path) -> Path:
    """Logs in as an account of the release.

    Args:
        control_plane: Where it is.
        account: The name of the ServiceAccount.
        folder: Takes the file.

    Returns:
        The kubeconfig.
    """
    token = control_plane.kubectl("-n", NAMESPACE, "create", "token", account).stdout.strip()
    content = yaml.safe_load(control_plane.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": token}
    path = folder / f"{account}.kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path
