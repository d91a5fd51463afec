"""Index and platform manifests: whose evidence may stand for an index that has none of its own.

What counts is what a node would run. Names are therefore compared as containerd compares them
(github.com/containerd/platforms, `Normalize`), and a manifest whose platform is not said, which a node may take for
its own, counts with every choice. What the registry says about the media type decides nothing, the index's own bytes
do (CVE-2021-41190).
"""

import re
from typing import Any, Literal

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.strict_json import parse_json
from webhook.stores.protocol import Platform
from webhook.stores.registry.descriptor import Descriptor, parse_index

Choice = Literal["any", "all"] | tuple[str, ...]
"""The setting `stores.registry.platforms`."""

_NO_IMAGE = "unknown/unknown"
"""What BuildKit calls the attestations that it lists beside the platforms."""
_UNSAID = "a platform that is not said"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}(?:/[A-Za-z0-9._-]{1,64}){1,2}")

_OS = {"macos": "darwin"}
_ARCHITECTURES = {
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_VARIANTS = {
    ("amd64", "v1"): "",
    ("arm64", "8"): "",
    ("arm64", "v8"): "",
    ("arm64", "v8.0"): "",
    ("arm", ""): "v7",
    ("arm", "7"): "v7",
    ("arm", "5"): "v5",
    ("arm", "6"): "v6",
    ("arm", "8"): "v8",
}


def runnable(raw: bytes) -> tuple[Platform, ...]:
    """Reads which manifests of an index a node may run.

    Args:
        raw: A manifest or an index.

    Returns:
        Each once, in the index's order, without `unknown/unknown`; none if it is the manifest of one image.

    Raises:
        MalformedError: It is neither, or both, or lists more than `LIMITS.platforms`.
    """
    document = parse_json(raw, "manifest")
    if not isinstance(document, dict):
        raise MalformedError("the manifest is no JSON object")
    if "manifests" not in document:
        return ()
    if _describes_an_image(document):
        raise MalformedError("the manifest is an index as well")
    index = parse_index(raw)
    if index.unreadable:
        raise MalformedError("the index lists what cannot be read")
    children = {child.digest: child for child in index.descriptors if child.platform != _NO_IMAGE}
    if len(children) > LIMITS.platforms:
        raise MalformedError(f"the index lists more than {LIMITS.platforms} platforms")
    return tuple(Platform(_name(child), child.digest) for child in children.values())


def chosen(platforms: tuple[Platform, ...], choice: Choice) -> tuple[Platform, ...]:
    """Picks the platforms whose evidence is asked for.

    Args:
        platforms: Those of the index.
        choice: The setting. A name without variant stands for all variants of its architecture.

    Returns:
        For a list: those that it names, as far as the index has them, and those whose platform is not said. Else all.
    """
    if isinstance(choice, str):
        return platforms
    # A name is compared as far as it goes, so that `linux/arm` means all of its variants.
    named = [_normal(name)[: name.count("/") + 1] for name in choice]
    return tuple(
        platform
        for platform in platforms
        if platform.name == _UNSAID or any(_normal(platform.name)[: len(wanted)] == wanted for wanted in named)
    )


def _describes_an_image(document: dict[str, Any]) -> bool:
    return "layers" in document or "config" in document


def _name(child: Descriptor) -> str:
    """Names a platform for people; what is not fit to be shown is as good as not said."""
    return child.platform if child.platform is not None and _NAME.fullmatch(child.platform) else _UNSAID


def _normal(name: str) -> tuple[str, str, str]:
    system, architecture, variant = [*name.lower().split("/"), "", ""][:3]
    architecture, implied = _ARCHITECTURES.get(architecture, (architecture, ""))
    variant = implied or variant
    return _OS.get(system, system), architecture, _VARIANTS.get((architecture, variant), variant)
