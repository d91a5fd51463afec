"""Index and platform manifests: whose evidence may stand for an index that has none of its own.

What counts is what a node would run. Names are therefore compared as containerd compares them
(github.com/containerd/platforms, `Normalize`), together with what it falls back to (`Only`), and a manifest whose
platform is not said, which a node may take for its own, counts with every choice. What the registry says about the
media type decides nothing, the index's own bytes do (CVE-2021-41190).
"""

import re
from typing import Any, Literal

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.basis import Platform
from webhook.model.strict_json import parse_json
from webhook.stores.registry.descriptor import Descriptor, check_spelling, parse_index

Choice = Literal["any", "all"] | tuple[str, ...]
"""The setting `stores.registry.platforms`."""

_NO_IMAGE = "unknown/unknown"
"""What BuildKit calls the attestations that it lists beside the platforms."""
_UNSAID = "a platform that is not said"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}(?:/[A-Za-z0-9._-]{1,64}){1,2}")

_OS = {"macos": "darwin"}
_FAMILIES = dict.fromkeys(("386", "i386", "x86_64", "x86-64"), "amd64") | dict.fromkeys(
    ("aarch64", "arm", "armhf", "armel"), "arm64"
)
"""What goes together, since nodes fall back: from amd64 to 386, from arm64 to arm, and to lower variants."""


def runnable(raw: bytes) -> tuple[Platform, ...]:
    """Reads which manifests of an index a node may run.

    Args:
        raw: A manifest or an index.

    Returns:
        Each once for every name that it has, in the index's order, without `unknown/unknown`; none if it is the
        manifest of one image.

    Raises:
        MalformedError: It is neither, or both, lists more than `LIMITS.platforms`, or a name has the wrong case.
    """
    document = parse_json(raw, "manifest")
    if not isinstance(document, dict):
        raise MalformedError("the manifest is no JSON object")
    check_spelling(document)
    if "manifests" not in document:
        return ()
    if _describes_an_image(document):
        raise MalformedError("the manifest is an index as well")
    index = parse_index(raw)
    if index.unreadable:
        raise MalformedError("the index lists what cannot be read")
    children = [Platform(_name(child), child.digest) for child in index.descriptors if child.platform != _NO_IMAGE]
    platforms = tuple(dict.fromkeys(children))
    if len(platforms) > LIMITS.platforms:
        raise MalformedError(f"the index lists more than {LIMITS.platforms} platforms")
    return platforms


def chosen(platforms: tuple[Platform, ...], choice: Choice) -> tuple[Platform, ...]:
    """Picks the platforms whose evidence is asked for.

    Args:
        platforms: Those of the index.
        choice: The setting. A name stands for its architecture's family, and for all variants.

    Returns:
        For a list: those that it names, as far as the index has them, and those whose platform is not said. Else all.
        Each manifest once, by the first of its names.
    """
    if not isinstance(choice, str):
        named = {_family(name) for name in choice}
        platforms = tuple(one for one in platforms if one.name == _UNSAID or _family(one.name) in named)
    once: dict[str, Platform] = {}
    for platform in platforms:
        once.setdefault(platform.digest, platform)
    return tuple(once.values())


def _describes_an_image(document: dict[str, Any]) -> bool:
    # The last one is of Docker's first schema, which older runtimes still read.
    return any(name in document for name in ("layers", "config", "fsLayers"))


def _name(child: Descriptor) -> str:
    """Names a platform for people; what is not fit to be shown is as good as not said."""
    return child.platform if child.platform is not None and _NAME.fullmatch(child.platform) else _UNSAID


def _family(name: str) -> tuple[str, str]:
    """Tells the operating system and which architectures its nodes run."""
    system, architecture = name.lower().split("/")[:2]
    return _OS.get(system, system), _FAMILIES.get(architecture, architecture)
