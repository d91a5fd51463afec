"""The files of a pod, as the kubelet lays them out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.attest.keys import private_pem, public_pem
from tests.charts.chart import RELEASE, Objects

RECORDS = "/var/lib/evidence-gate"
"""Where the webhook's volume for records is."""

Secrets = Mapping[str, Mapping[str, bytes]]
"""Name to key to content."""

PUBLIC: Secrets = {
    "second-key": {"cosign.pub": public_pem("P-256")},
    "decisions": {"key-2.pub": public_pem("Ed25519", "second")},
}
"""The Secrets that the values of the folder `ci` name, as far as the operator gets them."""

SECRETS: Secrets = {
    **PUBLIC,
    "decisions": {**PUBLIC["decisions"], "token": b"a-token\n"},
    "registry-login": {".dockerconfigjson": b"{}"},
    "collector": {"token": b"another-token\n"},
    "records": {"records.key": private_pem("Ed25519", b"a passphrase"), "passphrase": b"a passphrase\n"},
}
"""All of them."""


def pod_of(rendered: Objects, component: str) -> dict[str, Any]:
    """Picks a component's pod.

    Args:
        rendered: All objects.
        component: `webhook` or `operator`.

    Returns:
        The pod's spec.
    """
    spec: dict[str, Any] = rendered["Deployment", f"{RELEASE}-{component}"]["spec"]["template"]["spec"]
    return spec


def lay_out(rendered: Objects, component: str, folder: Path, secrets: Secrets = SECRETS) -> Path:
    """Writes the files of the volume `configuration`.

    Args:
        rendered: All objects.
        component: Whose pod: `webhook` or `operator`.
        folder: Gets the files; what lies in the volume for records lies in its sub-folder `volume`.
        secrets: The Secrets of the namespace.

    Returns:
        The configuration file.
    """
    (volume,) = [entry for entry in pod_of(rendered, component)["volumes"] if entry["name"] == "configuration"]
    for source in volume["projected"]["sources"]:
        if "configMap" in source:
            for name, content in rendered["ConfigMap", source["configMap"]["name"]]["data"].items():
                (folder / name).write_text(content.replace(RECORDS, str(folder / "volume")))
        else:
            for item in source["secret"]["items"]:
                (folder / item["path"]).write_bytes(secrets[source["secret"]["name"]][item["key"]])
    return folder / "config.yaml"
