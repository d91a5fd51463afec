"""Reading manifests as `kubectl apply -f` does: several documents, lists, standard input."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import click

from webhook.settings.file import WORKLOADS
from webhook.yaml_text import YamlError, load_documents

_MANIFEST_BYTES = 16 * 1024 * 1024


class ManifestError(Exception):
    """A manifest that cannot be read; the text names the file."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One workload of a manifest.

    Attributes:
        content: The object.
        kind: Its kind.
        namespace: Its namespace, `default` if it names none.
        name: Its name or generateName.
    """

    content: dict[str, Any]
    kind: str
    namespace: str
    name: str


def read_manifests(files: tuple[str, ...]) -> list[Manifest]:
    """Reads every workload from some files.

    Args:
        files: Paths; `-` is standard input. YAML or JSON, several documents, `List` objects.

    Returns:
        The workloads in order; objects of kinds that run nothing (Service, ConfigMap) are left out.

    Raises:
        ManifestError: A file cannot be read or is not YAML.
    """
    return [manifest for file in files for manifest in parse_manifests(_content(file), file)]


def parse_manifests(content: bytes, name: str) -> list[Manifest]:
    """Reads every workload from a text.

    Args:
        content: YAML or JSON; the caller has capped it.
        name: What the text is, for the error.

    Returns:
        As `read_manifests`.

    Raises:
        ManifestError: The text is not YAML.
    """
    try:
        documents = load_documents(content)
    except YamlError as error:
        raise ManifestError(f"{name}: {error}") from None
    items = chain.from_iterable(map(_items, documents))
    return [manifest for item in items if (manifest := _workload(item)) is not None]


def _content(file: str) -> bytes:
    try:
        with click.open_file(file, "rb") as stream:
            content: bytes = stream.read(_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ManifestError(f"{file}: {error.strerror}") from None
    if len(content) > _MANIFEST_BYTES:
        raise ManifestError(f"{file}: is larger than {_MANIFEST_BYTES} bytes")
    return content


def _items(document: Any) -> list[Any]:
    """Opens a `List`, as `kubectl get -o yaml` writes it."""
    items = document.get("items") if isinstance(document, dict) else None
    return items if isinstance(items, list) else [document]


def _workload(item: Any) -> Manifest | None:
    if not isinstance(item, dict) or item.get("kind") not in WORKLOADS:
        return None
    metadata = item.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = metadata.get("name") or metadata.get("generateName") or ""
    return Manifest(item, item["kind"], str(metadata.get("namespace") or "default"), str(name))
