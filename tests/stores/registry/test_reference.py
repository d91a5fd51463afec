import pytest

from tests.model.test_image import AS_RUNTIMES_READ_IT
from webhook.errors import ImageReferenceError
from webhook.model.image import ImageReference
from webhook.stores.registry.reference import Repository, attestation_tag, fallback_tag, mirrors_of

HEX = "52da" * 16


@pytest.mark.parametrize(
    ("image", "host", "path", "asked"),
    [
        ("redis", "docker.io", "library/redis", "registry-1.docker.io"),
        ("team/app:1.2", "docker.io", "team/app", "registry-1.docker.io"),
        ("index.docker.io/redis", "docker.io", "library/redis", "registry-1.docker.io"),
        ("ghcr.io/team/app", "ghcr.io", "team/app", "ghcr.io"),
        ("localhost/app", "localhost", "app", "localhost"),
        ("localhost:5000/app", "localhost:5000", "app", "localhost:5000"),
        (f"[::1]:5000/x@sha256:{HEX}", "[::1]:5000", "x", "[::1]:5000"),
        ("registry.example.com:443/a/b/c:v1", "registry.example.com:443", "a/b/c", "registry.example.com:443"),
    ],
)
def test_what_a_pod_names_is_what_is_asked(image: str, host: str, path: str, asked: str) -> None:
    repository = Repository.parse(ImageReference.parse(image).repository)
    assert (repository.host, repository.path, repository.api_host) == (host, path, asked)
    assert repository.name == f"{host}/{path}"


@pytest.mark.parametrize("image", [row[0] for row in AS_RUNTIMES_READ_IT])
def test_whatever_a_runtime_pulls_has_a_repository_that_can_be_asked(image: str) -> None:
    name = ImageReference.parse(image).repository
    assert Repository.parse(name).name == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "redis",
        "team/app",
        "docker.io/redis",
        "index.docker.io/library/redis",
        "REGISTRY.example.com/app",
        "ghcr.io/team/app:1",
        f"ghcr.io/team/app@sha256:{HEX}",
        "https://ghcr.io/team/app",
        "ghcr.io/../app",
        "ghcr.io/team/app?x=y",
        "ghcr.io/team/app\n",
        "user@ghcr.io/app",
        "ghcr.io/",
    ],
)
def test_what_is_no_full_name_is_refused(text: str) -> None:
    with pytest.raises(ImageReferenceError):
        Repository.parse(text)


def test_the_tags_are_those_of_the_specifications() -> None:
    assert attestation_tag(f"sha256:{HEX}") == f"sha256-{HEX}.att"
    assert fallback_tag(f"sha256:{HEX}") == f"sha256-{HEX}"


MIRRORS = {
    "docker.io": ("mirror.example.com/hub",),
    "docker.io/library": ("official.example.com", "second.example.com/x"),
    "registry.example.com/shop": ("registry.example.com/shop",),
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker.io/team/app", ["mirror.example.com/hub/team/app"]),
        ("docker.io/library/redis", ["official.example.com/redis", "second.example.com/x/redis"]),
        ("docker.io/library2/redis", ["mirror.example.com/hub/library2/redis"]),
        ("evil.docker.io/team/app", []),
        ("registry.example.com/shop/cart", []),
        ("registry.example.com/shopping/cart", []),
        ("docker.io/t/" + "a" * 250, []),
    ],
)
def test_a_mirror_stands_for_whole_segments_and_the_longest_prefix(name: str, expected: list[str]) -> None:
    assert [mirror.name for mirror in mirrors_of(Repository.parse(name), MIRRORS)] == expected
