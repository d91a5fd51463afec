"""Descriptors: how an OCI document points at content (image-spec 1.1, descriptor.md)."""

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.image import is_digest
from webhook.model.strict_json import parse_json

_TEXT_CHARACTERS = 4096
_SIZE_MAXIMUM = 2**63 - 1
_NAMES = (
    *("manifests", "config", "layers", "fsLayers"),
    *("mediaType", "digest", "size", "artifactType", "annotations", "data", "platform"),
    *("os", "architecture", "variant"),
)
"""Of the members that are read here, of an index, a descriptor and a platform."""
_SPELLINGS = {name.casefold(): name for name in _NAMES}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One pointer; nothing of it is believed but the digest, and that only against bytes.

    Attributes:
        media_type: Of the content.
        digest: `sha256:` and 64 hexadecimal digits.
        size: Bytes.
        artifact_type: What a manifest is for, or None; registries fill it in differently.
        annotations: Names and values.
        data: The content itself, or None; as unchecked as any other bytes.
        platform: `linux/arm64/v8`, or None.
    """

    media_type: str
    digest: str
    size: int
    artifact_type: str | None
    annotations: Mapping[str, str]
    data: bytes | None
    platform: str | None


def check_spelling(members: Mapping[str, Any]) -> None:
    """Refuses an object that nodes may read differently.

    They are written in Go, whose encoding/json takes `Digest` for `digest` too, U+017F for an s, and of several the
    last.

    Args:
        members: Of an index, a descriptor or a platform.

    Raises:
        MalformedError: A name is one that is read here, but for its case.
    """
    if any(_SPELLINGS.get(name.casefold(), name) != name for name in members):
        raise MalformedError("a member's name has the wrong case")


def parse_descriptor(value: Any) -> Descriptor:
    """Reads a descriptor.

    Args:
        value: A JSON value, strictly parsed.

    Returns:
        The descriptor.

    Raises:
        MalformedError: It is none, its digest is not sha256, or a name has the wrong case.
    """
    if not isinstance(value, dict):
        raise MalformedError("a descriptor is no object")
    check_spelling(value)
    media_type, digest, size = value.get("mediaType"), value.get("digest"), value.get("size")
    artifact_type, annotations = value.get("artifactType"), value.get("annotations")
    if not isinstance(media_type, str) or not _is_text(media_type) or not _is_text(artifact_type or media_type):
        raise MalformedError("a descriptor has no usable media type")
    if not isinstance(digest, str) or not is_digest(digest):
        raise MalformedError("a descriptor's digest is not sha256")
    if type(size) is not int or not 0 <= size <= _SIZE_MAXIMUM:
        raise MalformedError("a descriptor has no usable size")
    annotations = {} if annotations is None else annotations
    if not isinstance(annotations, dict) or not all(isinstance(text, str) for text in annotations.values()):
        raise MalformedError("a descriptor's annotations are not texts")
    platform = _platform(value.get("platform"))
    return Descriptor(media_type, digest, size, artifact_type, annotations, _data(value.get("data")), platform)


class Index(NamedTuple):
    """What an image index lists.

    Attributes:
        descriptors: Those that can be read, in their order.
        unreadable: How many cannot; one bad entry must not hide the good ones.
    """

    descriptors: tuple[Descriptor, ...]
    unreadable: int


def parse_index(raw: bytes) -> Index:
    """Reads an image index; a referrers API answers with one too.

    Args:
        raw: The document; the caller has capped it.

    Returns:
        Its `manifests`.

    Raises:
        MalformedError: It is no index at all, or a name of its own members has the wrong case.
    """
    document = parse_json(raw, "index")
    if not isinstance(document, dict) or "manifests" not in document:
        raise MalformedError("the index lists no manifests")
    check_spelling(document)
    # Programs in Go write an empty list as null.
    manifests = [] if document["manifests"] is None else document["manifests"]
    if not isinstance(manifests, list):
        raise MalformedError("the index lists no manifests")
    descriptors = []
    for entry in manifests:
        with suppress(MalformedError):
            descriptors.append(parse_descriptor(entry))
    return Index(tuple(descriptors), len(manifests) - len(descriptors))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _TEXT_CHARACTERS


def _platform(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise MalformedError("a descriptor's platform is no object")
    check_spelling(value)
    parts = [value.get("os"), value.get("architecture"), value.get("variant") or None]
    if not all(_is_text(part) for part in parts[:2]) or not (parts[2] is None or _is_text(parts[2])):
        raise MalformedError("a descriptor's platform has no usable name")
    return "/".join(part for part in parts if part is not None)


def _data(value: Any) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LIMITS.manifest_bytes:
        raise MalformedError("a descriptor's data is no text")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise MalformedError("a descriptor's data is not base64") from None
