import json
from typing import Any

import pytest

from webhook.errors import MalformedError
from webhook.stores.registry.discovery.layers import parse_layers

GOOD = {"mediaType": "application/json", "digest": "sha256:" + "0e" * 32, "size": 7}


def read(content: dict[str, Any]) -> tuple[int, int, dict[str, str]]:
    layers = parse_layers(json.dumps(content).encode())
    return len(layers.descriptors), layers.unreadable, dict(layers.annotations)


@pytest.mark.parametrize("broken", [None, 1, {}, GOOD | {"digest": "sha512:" + "0" * 128}, GOOD | {"size": -1}])
def test_a_broken_layer_hides_no_other(broken: Any) -> None:
    assert read({"layers": [GOOD, broken, GOOD]}) == (2, 1, {})


@pytest.mark.parametrize("content", [{}, {"layers": None}, {"layers": []}, {"layers": {}}, {"manifests": [GOOD]}])
def test_what_has_no_layers_has_none(content: dict[str, Any]) -> None:
    assert read(content) == (0, 0, {})


@pytest.mark.parametrize(
    ("annotations", "texts"), [({"a": "b", "c": 1, "d": None}, {"a": "b"}), ([], {}), (None, {}), ("x", {})]
)
def test_annotations_are_those_that_are_texts(annotations: Any, texts: dict[str, str]) -> None:
    assert read({"annotations": annotations}) == (0, 0, texts)


@pytest.mark.parametrize("raw", [b"", b"[]", b"<html>", b'{"layers": [], "layers": []}'])
def test_what_is_no_json_object_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_layers(raw)
