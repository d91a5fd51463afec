"""Whose evidence may stand for an index (case group 19), by the rules after which a node chooses its manifest."""

import json
from typing import Any

import pytest

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.basis import Platform
from webhook.stores.registry.discovery.platforms import Choice, chosen, runnable

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
UNSAID = "a platform that is not said"


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def child(number: int, platform: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"mediaType": MANIFEST, "digest": digest(number), "size": 500}
    if platform is not None:
        entry["platform"] = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    return entry


def index(*platforms: str | None, **more: Any) -> bytes:
    children = [child(number, platform) for number, platform in enumerate(platforms)]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": children} | more).encode()


def named(*platforms: str) -> tuple[Platform, ...]:
    return tuple(Platform(platform, digest(number)) for number, platform in enumerate(platforms))


def test_an_index_names_its_platforms_in_its_order() -> None:
    raw = index("linux/arm64/v8", "linux/amd64", "windows/amd64")
    assert runnable(raw) == named("linux/arm64/v8", "linux/amd64", "windows/amd64")


def test_attestations_of_buildkit_are_no_platform() -> None:
    raw = index("linux/amd64", "unknown/unknown", "unknown/unknown")
    assert runnable(raw) == named("linux/amd64")


@pytest.mark.parametrize("platform", [None, "linux/amd 64", "linux/\x1b[31m", "l" * 65 + "/amd64"])
def test_what_is_not_fit_to_be_shown_is_a_platform_that_is_not_said(platform: str | None) -> None:
    assert runnable(index(platform)) == named(UNSAID)


def test_a_manifest_that_is_listed_twice_counts_once() -> None:
    entries = [child(1, "linux/amd64"), child(1, "linux/amd64")]
    assert runnable(index(manifests=entries)) == (Platform("linux/amd64", digest(1)),)


TWICE = [child(0, "linux/amd64"), child(1, "linux/amd64/v4"), child(0, "windows/amd64")]


@pytest.mark.parametrize("choice", ["any", "all", ("linux/amd64",), ("windows/amd64", "linux/amd64")])
def test_a_manifest_with_two_platforms_is_asked_for_once_by_its_first_name(choice: Choice) -> None:
    assert chosen(runnable(index(manifests=TWICE)), choice) == named("linux/amd64", "linux/amd64/v4")


def test_a_manifest_with_two_platforms_is_hidden_behind_neither() -> None:
    assert chosen(runnable(index(manifests=TWICE)), ("windows/amd64",)) == (Platform("windows/amd64", digest(0)),)


@pytest.mark.parametrize("content", [{"mediaType": MANIFEST, "config": {}, "layers": []}, {"layers": []}, {}])
def test_the_manifest_of_one_image_has_no_platforms(content: dict[str, Any]) -> None:
    assert runnable(json.dumps(content).encode()) == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"manifests": {}}',
        index("linux/amd64", layers=[]),
        index("linux/amd64", config={}),
        index("linux/amd64", fsLayers=[]),
        index(manifests=[{"mediaType": MANIFEST, "digest": "sha512:" + "0" * 128, "size": 1}]),
        index(*["linux/amd64"] * (LIMITS.platforms + 1)),
    ],
)
def test_what_is_neither_or_both_or_too_much_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        runnable(raw)


PLATFORM = {"os": "linux", "architecture": "amd64"}


@pytest.mark.parametrize(
    "raw",
    [
        index("linux/amd64", Manifests=[child(1, "linux/amd64")]),
        index("linux/amd64", Manifests=[child(1, "linux/amd64")]).replace(b"Manifests", "manife\u017fts".encode()),
        index("linux/amd64", Layers=[]),
        index("linux/amd64", fslayers=[]),
        index("linux/amd64", Config={}),
        b'{"Manifests": []}',
        index(manifests=[child(0, "linux/amd64") | {"Digest": digest(1)}]),
        index(manifests=[child(0, "linux/amd64") | {"dige\u017ft": digest(1)}]),
        index(manifests=[child(0, None) | {"Platform": PLATFORM}]),
        index(manifests=[child(0, None) | {"platform": PLATFORM | {"Architecture": "arm64"}}]),
        b'{"manifests": [], "manifests": []}',
    ],
)
def test_what_nodes_may_read_differently_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        runnable(raw)


def test_the_registrys_word_for_the_type_decides_nothing() -> None:
    assert runnable(index("linux/amd64", mediaType=MANIFEST)) == named("linux/amd64")


def test_as_many_platforms_as_allowed_are_read() -> None:
    assert len(runnable(index(*["linux/amd64"] * LIMITS.platforms, "unknown/unknown"))) == LIMITS.platforms


SEVERAL = named("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", UNSAID, "windows/amd64")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("any", [0, 1, 2, 3, 4, 5]),
        ("all", [0, 1, 2, 3, 4, 5]),
        (("linux/amd64",), [0, 4]),
        (("linux/arm64/v8",), [1, 2, 3, 4]),
        (("linux/arm",), [1, 2, 3, 4]),
        (("linux/amd64", "windows/amd64"), [0, 4, 5]),
        (("linux/s390x",), [4]),
    ],
)
def test_a_list_names_platforms_and_what_is_not_said_may_be_any(choice: Choice, expected: list[int]) -> None:
    assert chosen(SEVERAL, choice) == tuple(SEVERAL[number] for number in expected)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("Linux/AMD64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/x86-64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64"),
        ("linux/i386", "linux/386"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64/v8"),
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/armhf/v6", "linux/arm/v7"),
        ("linux/arm/5", "linux/arm/v5"),
        ("macos/arm64", "darwin/arm64"),
    ],
)
def test_a_platform_is_hidden_by_no_other_spelling_that_containerd_reads(written: str, wanted: str) -> None:
    assert chosen(named(written), (wanted,)) == named(written)


@pytest.mark.parametrize(
    ("node", "runs"),
    [
        ("linux/amd64", ["386", "amd64"]),
        ("linux/amd64/v3", ["386", "amd64", "amd64/v1", "amd64/v2", "amd64/v3"]),
        ("linux/arm64", ["arm64", "arm/v8", "arm/v7", "arm/v6", "arm/v5", "arm"]),
        ("linux/arm64/v9.1", ["arm64/v9", "arm64/v8.6", "arm64/v8", "arm/v8", "arm/v7", "arm/v5"]),
        ("linux/arm/v7", ["arm", "arm/v7", "arm/v6", "arm/v5"]),
        ("linux/arm/v6", ["arm/v6", "arm/v5"]),
    ],
)
def test_a_name_stands_for_all_that_containerd_falls_back_to(node: str, runs: list[str]) -> None:
    """The lists are those of `Only` in github.com/containerd/platforms."""
    platforms = named(*(f"linux/{name}" for name in runs))
    assert chosen(platforms, (node,)) == platforms


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("windows/amd64", "linux/amd64"),
        ("linux/amd64", "windows/386"),
        ("linux/arm64", "linux/amd64"),
        ("linux/386", "linux/arm"),
        ("linux/s390x", "linux/amd64"),
        ("linux/ppc64le", "linux/ppc64"),
    ],
)
def test_another_platform_is_not_meant(written: str, wanted: str) -> None:
    assert chosen(named(written), (wanted,)) == ()
