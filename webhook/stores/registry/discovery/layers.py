"""The layers of an image manifest, read one by one: one that is broken hides no other."""

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from webhook.errors import MalformedError
from webhook.model.strict_json import parse_json
from webhook.stores.registry.descriptor import Descriptor, parse_descriptor


class Layers(NamedTuple):
    """What a manifest holds.

    Attributes:
        descriptors: Those that can be read, in their order.
        unreadable: How many cannot.
        annotations: Of the manifest itself.
    """

    descriptors: tuple[Descriptor, ...]
    unreadable: int
    annotations: Mapping[str, str]


def parse_layers(raw: bytes) -> Layers:
    """Reads an image manifest (image-spec 1.1, manifest.md).

    Args:
        raw: The document; the caller has capped it.

    Returns:
        Its `layers`; none if it is something else, such as an index.

    Raises:
        MalformedError: It is no JSON object.
    """
    document = parse_json(raw, "manifest")
    if not isinstance(document, dict):
        raise MalformedError("the manifest is no JSON object")
    layers = document.get("layers")
    layers = layers if isinstance(layers, list) else []
    descriptors: list[Descriptor] = []
    for entry in layers:
        with suppress(MalformedError):
            descriptors.append(parse_descriptor(entry))
    annotations = document.get("annotations")
    annotations = annotations if isinstance(annotations, dict) else {}
    texts = {name: text for name, text in annotations.items() if isinstance(text, str)}
    return Layers(tuple(descriptors), len(layers) - len(descriptors), texts)
