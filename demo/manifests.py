"""The example manifests, which the demo sends as they are."""

from pathlib import Path
from typing import Any, cast

import yaml

EXAMPLES = Path(__file__).resolve().parents[1] / "manifests" / "examples"


def read_manifest(name: str) -> dict[str, Any]:
    """Reads an example.

    Args:
        name: Its file name.

    Returns:
        The object.
    """
    return cast("dict[str, Any]", yaml.safe_load((EXAMPLES / name).read_text("utf-8")))


def image_of(name: str) -> str:
    """Tells which image an example runs.

    Args:
        name: Its file name.

    Returns:
        Repository and digest.
    """
    return cast("str", read_manifest(name)["spec"]["template"]["spec"]["containers"][0]["image"])
