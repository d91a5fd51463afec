"""The observer's pod, and its files as the kubelet lays them out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.charts.chart import RELEASE, Objects
from tests.charts.pods import Secrets

NAME = f"{RELEASE}-observer"
OWN_FILES = "/etc/evidence-gate-observer"
"""Where the Secrets are that only the observer has."""
_MODE = 0o440


def pod_of(rendered: Objects) -> dict[str, Any]:
    """Picks the observer's pod.

    Args:
        rendered: All objects.

    Returns:
        The pod's spec.
    """
    job: dict[str, Any] = rendered["CronJob", NAME]["spec"]["jobTemplate"]["spec"]
    spec: dict[str, Any] = job["template"]["spec"]
    return spec


def sources(rendered: Objects, volume: str) -> list[dict[str, Any]]:
    """Picks what a volume is made of.

    Args:
        rendered: All objects.
        volume: Its name.

    Returns:
        The sources, in their order.
    """
    (found,) = [entry for entry in pod_of(rendered)["volumes"] if entry["name"] == volume]
    projected: list[dict[str, Any]] = found["projected"]["sources"]
    return projected


def lay_out(rendered: Objects, folder: Path, secrets: Secrets) -> Path:
    """Writes the files of both volumes; the Secrets' lie in the sub-folder `own`.

    Args:
        rendered: All objects.
        folder: Gets the files.
        secrets: The Secrets of the namespace.

    Returns:
        The observer's file.
    """
    own = folder / "own"
    own.mkdir()
    for source in sources(rendered, "configuration"):
        if "configMap" in source:
            for name, content in rendered["ConfigMap", source["configMap"]["name"]]["data"].items():
                (folder / name).write_text(content.replace(OWN_FILES, str(own)))
        else:
            _write(source["secret"], secrets, folder)
    for source in sources(rendered, "observer"):
        if "secret" in source:
            assert {item["mode"] for item in source["secret"]["items"]} == {_MODE}
            _write(source["secret"], secrets, own)
    return folder / "observer.yaml"


def _write(secret: Mapping[str, Any], secrets: Secrets, folder: Path) -> None:
    for item in secret["items"]:
        (folder / item["path"]).write_bytes(secrets[secret["name"]][item["key"]])
