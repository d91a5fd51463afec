"""Repository patterns, case group 14: host and path are compared apart."""

import pytest

from tests.support.deadline import at_most
from webhook.model.image import ImageReference
from webhook.model.pattern import RepositoryPattern

HOST_AND_PATH = [
    # portieris d305814: a glob over the whole text let `*.trusted/x` match `evil/x.trusted/x`.
    ("*.trusted.com/x", "a.trusted.com/x", True),
    ("*.trusted.com/x", "a.b.trusted.com/x", True),
    ("*.trusted.com/x", "trusted.com/x", False),
    ("*.trusted.com/x", "eviltrusted.com/x", False),
    ("*.trusted.com/x", "evil.com/x.trusted.com/x", False),
    ("*.trusted.com/x", "evil.com/trusted.com/x", False),
    ("*.trusted.com/x", "a.trusted.com.evil.com/x", False),
    ("*.trusted.com/x", "a.trusted.com:5000/x", False),
    ("*.trusted.com:5000/x", "a.trusted.com:5000/x", True),
    ("*.trusted.com:5000/x", "a.trusted.com/x", False),
    ("*.trusted.com/x", ".trusted.com/x", False),
    ("*.trusted.com/x", "evil.com:80.trusted.com/x", False),
    ("trusted.com/x", "trusted.com/x", True),
    ("trusted.com/x", "trustedxcom/x", False),
    ("trusted.com/x", "trusted.com/x/y", False),
    ("trusted.com/x", "trusted.com/xy", False),
    ("trusted.com/x", "a.trusted.com/x", False),
    ("trusted.com/x", "trusted.com:443/x", False),
    ("trusted.com/x", "docker.io/trusted.com/x", False),
    ("trusted.com:5000/x", "trusted.com/x", False),
    ("[::1]:5000/x", "[::1]:5000/x", True),
    ("[::1]:5000/x", ":/x", False),
    ("ghcr.io/team/*", "ghcr.io/team/app", True),
    ("ghcr.io/team/*", "ghcr.io/team/a/b", True),
    ("ghcr.io/team/*", "ghcr.io/team", False),
    ("ghcr.io/team/*", "ghcr.io/team/", False),
    ("ghcr.io/team/*", "ghcr.io/teams/app", False),
    ("ghcr.io/team/*", "ghcr.io/evil/team/app", False),
    ("ghcr.io/team/*", "evil.io/ghcr.io/team/app", False),
    ("ghcr.io/team-*", "ghcr.io/team-a", True),
    ("ghcr.io/team-*", "ghcr.io/team-a/b", False),
    ("ghcr.io/team-*/app", "ghcr.io/team-a/app", True),
    ("ghcr.io/team-*/app", "ghcr.io/team-a/b/app", False),
    ("ghcr.io/*/app", "ghcr.io/team/app", True),
    ("ghcr.io/*/app", "ghcr.io/team/x/app", False),
    ("ghcr.io/*", "ghcr.io/a/b/c", True),
    ("ghcr.io/*", "ghcr.io.evil.com/a", False),
    ("ghcr.io/a.b", "ghcr.io/axb", False),
    ("docker.io/library/redis", "docker.io/library/redis", True),
    ("docker.io/library/redis", "docker.io/library/redis-evil", False),
    ("docker.io/library/redis", "docker.io/evil/library/redis", False),
]

NO_PATTERN = [
    "",
    "redis",
    "ghcr.io/",
    "/x",
    "*",
    "*/*",
    "*/x",
    "ghcr.*/x",
    "*ghcr.io/x",
    "*.*/x",
    "*./x",
    "**.ghcr.io/x",
    "GHCR.io/x",
    "ghcr.io/X",
    "ghcr.io//x",
    "ghcr.io/x/",
    "ghcr.io/x:1",
    "ghcr.io/x@sha256:00",
    "ghcr.io/x y",
    "ghcr.io/x\n",
    "https://ghcr.io/x",
    "ghcr.io/[ab]",
    "ghcr.io/a|b",
    "ghcr.io/(x)",
    "ghcr.io/x?",
    "ghcr.io/\u0435",
    "gh_cr.io/x",
    "ghcr.io:/x",
    "ghcr.io:0/x",
    "*.ghcr.io:65536/*",
    "[::1]:99999/x",
]


@pytest.mark.parametrize(("pattern", "repository", "expected"), HOST_AND_PATH)
def test_host_and_path_are_compared_apart(
    pattern: str,
    repository: str,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert RepositoryPattern.parse(pattern).matches(repository) is expected


@pytest.mark.parametrize("text", NO_PATTERN)
def test_text_that_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        RepositoryPattern.parse(text)


@pytest.mark.parametrize(
    ("text", "advice"), [("redis", "has no path"), ("ghcr.io/", "has no path"), ("*/x", "a host")]
)
def test_refusal_says_what_to_write_instead(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        RepositoryPattern.parse(text)


@pytest.mark.parametrize(
    ("image", "pattern", "expected"),
    [
        ("redis:7", "docker.io/library/redis", True),
        ("docker.io/redis", "docker.io/library/*", True),
        ("evil/redis", "docker.io/library/*", False),
        ("localhost/library/redis", "docker.io/library/*", False),
        ("library/redis", "docker.io/library/redis", True),
        ("ghcr.io/docker.io/library/redis", "docker.io/library/redis", False),
        ("GHCR.IO/team/app", "ghcr.io/team/*", True),
    ],
)
def test_pattern_meets_the_full_form_of_an_image(
    image: str,
    pattern: str,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert RepositoryPattern.parse(pattern).matches(ImageReference.parse(image).repository) is expected


def test_pattern_keeps_its_text() -> None:
    assert RepositoryPattern.parse("ghcr.io/team/*").text == "ghcr.io/team/*"


@pytest.mark.parametrize("stars", [1, 2, 8, 100])
def test_stars_do_not_multiply_the_work(stars: int) -> None:
    # A repository's author chooses the path; the longest one must not hold the event loop.
    pattern = RepositoryPattern.parse("ghcr.io/" + "*a" * stars + "b")
    with at_most(1.0):
        assert not pattern.matches("ghcr.io/" + "a" * 255)
