"""Descriptors, as image-spec 1.1 writes them."""

import base64
import json
from typing import Any

import pytest

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.stores.registry.descriptor import Descriptor, parse_descriptor, parse_index

KIND = "application/vnd.oci.image.manifest.v1+json"
DIGEST = "sha256:" + "a" * 64
LEAST: dict[str, Any] = {"mediaType": KIND, "digest": DIGEST, "size": 7}


def test_descriptor_of_three_members_is_read() -> None:
    assert parse_descriptor(LEAST) == Descriptor(KIND, DIGEST, 7, None, {}, None, None)


def test_descriptor_of_all_members_is_read() -> None:
    value = LEAST | {
        "artifactType": "application/x",
        "annotations": {"a": "b"},
        "data": base64.b64encode(b"inside").decode(),
        "platform": {"os": "linux", "architecture": "arm64", "variant": "v8", "os.version": "1"},
        "urls": ["https://evil.example.com/"],
    }
    expected = Descriptor(KIND, DIGEST, 7, "application/x", {"a": "b"}, b"inside", "linux/arm64/v8")
    assert parse_descriptor(value) == expected


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ({"os": "linux", "architecture": "amd64"}, "linux/amd64"),
        ({"os": "linux", "architecture": "arm", "variant": ""}, "linux/arm"),
        ({"os": "unknown", "architecture": "unknown"}, "unknown/unknown"),
        (None, None),
    ],
)
def test_platform_is_named_as_runtimes_do(platform: dict[str, str] | None, name: str | None) -> None:
    assert parse_descriptor(LEAST | {"platform": platform}).platform == name


@pytest.mark.parametrize("empty", [{"annotations": None}, {"artifactType": ""}, {"data": None}])
def test_member_that_is_empty_is_absent(empty: dict[str, Any]) -> None:
    descriptor = parse_descriptor(LEAST | empty)
    assert (descriptor.artifact_type or None, descriptor.annotations, descriptor.data) == (None, {}, None)


@pytest.mark.parametrize(
    "change",
    [
        {"mediaType": None},
        {"mediaType": ""},
        {"mediaType": 1},
        {"mediaType": "x" * 5000},
        {"artifactType": 1},
        {"artifactType": "x" * 5000},
        {"digest": None},
        {"digest": "sha512:" + "a" * 128},
        {"digest": DIGEST.upper()},
        {"digest": f"{DIGEST}\n"},
        {"size": None},
        {"size": "7"},
        {"size": -1},
        {"size": 7.0},
        {"size": True},
        {"size": 2**63},
        {"annotations": []},
        {"annotations": {"a": 1}},
        {"data": 1},
        {"data": "!"},
        {"data": "YQ"},
        {"data": "A" * (LIMITS.manifest_bytes + 4)},
        {"platform": "linux/amd64"},
        {"platform": {}},
        {"platform": {"os": "linux"}},
        {"platform": {"os": "linux", "architecture": 1}},
        {"platform": {"os": "linux", "architecture": "arm", "variant": 8}},
    ],
)
def test_malformed_descriptor_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        parse_descriptor(LEAST | change)


@pytest.mark.parametrize(
    "name",
    ["Digest", "DIGEST", "dige\u017ft", "MediaType", "Size", "artifacttype", "Annotations", "Data", "Platform"],
)
def test_descriptor_that_go_reads_differently_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        parse_descriptor(LEAST | {name: "x"})


@pytest.mark.parametrize("name", ["OS", "o\u017f", "Architecture", "Variant"])
def test_platform_that_go_reads_differently_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        parse_descriptor(LEAST | {"platform": {"os": "linux", "architecture": "amd64", name: "x"}})


@pytest.mark.parametrize("name", ["Manifests", "manife\u017fts", "Layers", "CONFIG"])
def test_index_that_go_reads_differently_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        parse_index(json.dumps({"manifests": [LEAST], name: []}).encode())


def test_annotations_may_have_any_names_since_go_keeps_their_case() -> None:
    assert parse_descriptor(LEAST | {"annotations": {"Digest": "x"}}).annotations == {"Digest": "x"}


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_what_is_no_object_is_no_descriptor(value: Any) -> None:
    with pytest.raises(MalformedError):
        parse_descriptor(value)


def test_index_gives_what_can_be_read_and_counts_the_rest() -> None:
    index = parse_index(json.dumps({"manifests": [LEAST, {}, LEAST | {"size": 8}]}).encode())
    assert ([descriptor.size for descriptor in index.descriptors], index.unreadable) == ([7, 8], 1)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"manifests":{}}', b'{"manifests":[NaN]}', b"\xff"])
def test_what_lists_nothing_is_no_index(body: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_index(body)
