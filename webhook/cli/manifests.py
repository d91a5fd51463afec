"""Reading manifests as `kubectl apply -f` does: several documents, lists, standard input."""

from collections.abc import Iterator
from dataclasses import dataclass
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
    return [manifest for file in files for item in _documents(file) if (manifest := _workload(item)) is not None]


def _documents(file: str) -> Iterator[Any]:
    try:
        with click.open_file(file, "rb") as stream:
            content = stream.read(_MANIFEST_BYTES + 1)
        if len(content) > _MANIFEST_BYTES:
            raise ManifestError(f"{file}: is larger than {_MANIFEST_BYTES} bytes")
        for document in load_documents(content):
            yield from _items(document)
    except OSError as error:
        raise ManifestError(f"{file}: {error.strerror}") from None
    except YamlError as error:
        raise ManifestError(f"{file}: {error}") from None


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
