"""Image references against the grammar of github.com/distribution/reference, case groups 12 and 13."""

import pytest

from tests.support.verdicts import names
from webhook.errors import ImageReferenceError
from webhook.limits import LIMITS
from webhook.model.image import ImageReference, is_digest

HEX = "52da" * 16
DIGEST = f"sha256:{HEX}"

# Reference, then host, path, tag, digest as that package's ParseNormalizedNamed gives them (v0.6.0).
AS_RUNTIMES_READ_IT = [
    ("redis", "docker.io", "library/redis", None, None),
    ("redis:7", "docker.io", "library/redis", "7", None),
    (f"redis@{DIGEST}", "docker.io", "library/redis", None, DIGEST),
    (f"redis:7@{DIGEST}", "docker.io", "library/redis", "7", DIGEST),
    ("team/app", "docker.io", "team/app", None, None),
    ("docker.io/redis", "docker.io", "library/redis", None, None),
    ("docker.io/library/redis", "docker.io", "library/redis", None, None),
    ("docker.io/team/app", "docker.io", "team/app", None, None),
    ("index.docker.io/redis", "docker.io", "library/redis", None, None),
    ("index.docker.io/team/app", "docker.io", "team/app", None, None),
    ("registry-1.docker.io/redis", "registry-1.docker.io", "redis", None, None),
    ("library/a/b", "docker.io", "library/a/b", None, None),
    ("ghcr.io/team/app:1.2", "ghcr.io", "team/app", "1.2", None),
    ("localhost/x", "localhost", "x", None, None),
    ("localhost:1/x", "localhost:1", "x", None, None),
    ("[::1]:65535/x", "[::1]:65535", "x", None, None),
    ("localhost:5000/x", "localhost:5000", "x", None, None),
    ("localhost", "docker.io", "library/localhost", None, None),
    ("localhosts/x", "docker.io", "localhosts/x", None, None),
    ("registry:5000/x", "registry:5000", "x", None, None),
    ("registry:5000/x:5050", "registry:5000", "x", "5050", None),
    ("registry:5000", "docker.io", "library/registry", "5000", None),
    ("example.com", "docker.io", "library/example.com", None, None),
    ("192.168.0.1", "docker.io", "library/192.168.0.1", None, None),
    ("192.168.0.1:80", "docker.io", "library/192.168.0.1", "80", None),
    ("127.0.0.1:5000/x", "127.0.0.1:5000", "x", None, None),
    ("[::1]/x", "[::1]", "x", None, None),
    (f"[::1]:5000/x@{DIGEST}", "[::1]:5000", "x", None, DIGEST),
    ("[2001:db8:1:2:3:4:5:6]/x:tag", "[2001:db8:1:2:3:4:5:6]", "x", "tag", None),
    ("test_com/foo", "docker.io", "test_com/foo", None, None),
    ("xn--n3h.com:18080/foo", "xn--n3h.com:18080", "foo", None, None),
    ("a---b/c", "docker.io", "a---b/c", None, None),
    ("a__b/c", "docker.io", "a__b/c", None, None),
    ("x:TAG_1.2-3", "docker.io", "library/x", "TAG_1.2-3", None),
    ("x:_", "docker.io", "library/x", "_", None),
    ("x:" + "t" * 128, "docker.io", "library/x", "t" * 128, None),
    ("docker.io/" + HEX, "docker.io", "library/" + HEX, None, None),
    (HEX + "0", "docker.io", "library/" + HEX + "0", None, None),
    (HEX + ":1", "docker.io", "library/" + HEX, "1", None),
    (HEX + "/x", "docker.io", HEX + "/x", None, None),
    ("d" * 63, "docker.io", "library/" + "d" * 63, None, None),
    ("ghcr.io/" + "a" * 255, "ghcr.io", "a" * 255, None, None),
]

# What neither that package nor we accept, and what our sentence blames.
NOBODY_READS_IT = [
    ("", "empty"),
    (" ", "path"),
    (" redis", "path"),
    ("redis ", "path"),
    ("redis\n", "path"),
    ("redis:7\n", "tag"),
    (f"redis@{DIGEST}\n", "digest"),
    ("redis\x00", "path"),
    ("Redis", "path"),
    ("team/App", "path"),
    ("ghcr.io/team/App", "path"),
    ("redis,nginx", "path"),
    ('redis"', "path"),
    ("'redis'", "path"),
    ("redis;x", "path"),
    ("$(image)", "path"),
    ("https://ghcr.io/team/app", "host"),
    ("oci://ghcr.io/team/app", "host"),
    ("//ghcr.io/app", "path"),
    ("ghcr.io//app", "path"),
    ("ghcr.io/app/", "path"),
    ("ghcr.io/", "path"),
    ("/app", "path"),
    (":7", "path"),
    ("redis:", "tag"),
    ("redis:-x", "tag"),
    ("redis:.x", "tag"),
    ("redis:a:b", "path"),
    ("x:" + "t" * 129, "tag"),
    ("redis@", "digest"),
    (f"@{DIGEST}", "path"),
    (f"redis:@{DIGEST}", "tag"),
    (f"redis@{DIGEST}@{DIGEST}", "digest"),
    (f"redis@{DIGEST}:7", "digest"),
    ("redis@sha256:", "digest"),
    ("redis@sha256:" + HEX[:-1], "digest"),
    ("redis@sha256:" + HEX + "0", "digest"),
    ("redis@sha256:" + HEX[:32], "digest"),
    ("redis@sha256:" + HEX.upper(), "digest"),
    ("redis@SHA256:" + HEX, "digest"),
    ("redis@sha256:" + "g" * 64, "digest"),
    ("redis@md5:" + HEX, "digest"),
    (f"redis@ {DIGEST}", "digest"),
    ("-redis", "path"),
    ("redis-", "path"),
    ("a..b/c", "host"),
    ("a._b", "path"),
    ("a___b", "path"),
    ("_/x", "path"),
    ("-a.com/x", "host"),
    ("a-.com/x", "host"),
    ("a.com:/x", "host"),
    ("a.com:port/x", "host"),
    ("a.com:80:80/x", "host"),
    ("user@a.com/x", "digest"),
    ("[::1]", "tag"),
    ("[::1]:5000", "path"),
    ("::1/x", "host"),
    ("[fe80::1%eth0]:5000/x", "host"),
    ("[::ffff:192.0.2.33]/x", "host"),
    ("[]/x", "path"),
    ("ghcr.io/../x", "path"),
    ("./x", "host"),
    ("ghcr.io\\team/x", "host"),
    ("ghcr.io/te%61m", "path"),
    ("r\u0435dis", "path"),  # Cyrillic ie
    ("gh\u0441r.io/x", "host"),  # Cyrillic es
    ("redis\u200b", "path"),  # zero width space
    ("\uff52edis", "path"),  # full-width r
    ("\u212a.com/x", "host"),  # Kelvin sign, whose lower case is k
    ("redis:\u0663", "tag"),  # an Arabic digit
    ("redis@sha256:" + "\u0663" * 64, "digest"),
    ("ghcr.io:\u0665000/x", "host"),
    ("x" * 300, "path"),
    ("ghcr.io/" + "a" * 256, "path"),
    ("a/" * 128 + "a", "path"),
    (HEX, "image id"),
]

# What that package accepts and we refuse: evidence is filed under sha256 alone; a first part with a dot that is no
# host name (the package falls back to a path without any host); and more than the cap.
DELIBERATELY_REFUSED = [
    # Nothing can be connected to at such a port.
    ("a.com:0/x", "port"),
    ("a.com:65536/x", "port"),
    ("[::1]:99999/x", "port"),
    ("a.com:" + "0" * 200 + "1/x", "port"),
    ("redis@sha512:" + "b" * 128, "digest"),
    ("redis@sha384:" + "b" * 96, "digest"),
    ("index.docker.io_x/y", "host"),
    (f"ghcr.io/{'a' * 255}:{'t' * 100}@{DIGEST}{'0' * 1024}", "long"),
]


@pytest.mark.parametrize(
    ("text", "host", "path", "tag", "digest"), AS_RUNTIMES_READ_IT, ids=names(AS_RUNTIMES_READ_IT)
)
def test_reference_is_read_as_runtimes_read_it(
    text: str, host: str, path: str, tag: str | None, digest: str | None
) -> None:
    assert ImageReference.parse(text) == ImageReference(host, path, tag, digest)


@pytest.mark.parametrize(("text", "blamed"), NOBODY_READS_IT, ids=[repr(text)[:60] for text, _ in NOBODY_READS_IT])
def test_reference_that_no_runtime_pulls_is_refused(text: str, blamed: str) -> None:
    with pytest.raises(ImageReferenceError, match=blamed):
        ImageReference.parse(text)


@pytest.mark.parametrize(("text", "blamed"), DELIBERATELY_REFUSED, ids=names(DELIBERATELY_REFUSED))
def test_reference_that_only_runtimes_accept_is_refused(text: str, blamed: str) -> None:
    with pytest.raises(ImageReferenceError, match=blamed):
        ImageReference.parse(text)


def test_length_is_capped_at_the_limit_and_not_before() -> None:
    longest = "a" * (LIMITS.reference_characters - len(".com/x")) + ".com/x"
    assert ImageReference.parse(longest).path == "x"
    with pytest.raises(ImageReferenceError, match="too long"):
        ImageReference.parse("a" + longest)


def test_refusal_never_repeats_the_input() -> None:
    with pytest.raises(ImageReferenceError) as caught:
        ImageReference.parse("https://token:secret@ghcr.io/team/app")
    assert "secret" not in str(caught.value)


def test_host_is_compared_in_lower_case() -> None:
    assert ImageReference.parse("GHCR.io/team/app").repository == "ghcr.io/team/app"


def test_repository_is_host_and_path() -> None:
    assert ImageReference.parse(f"[::1]:5000/x:1@{DIGEST}").repository == "[::1]:5000/x"


@pytest.mark.parametrize(
    "text",
    ["Docker.io/redis", "DOCKER.IO/redis", "Index.Docker.io/redis", "Index.Docker.IO/team/app"],
)
def test_docker_hub_in_capital_letters_is_docker_hub_or_refused(text: str) -> None:
    # Never a third repository `docker.io/redis` that no pattern and no evidence is written for.
    try:
        found = ImageReference.parse(text).repository
    except ImageReferenceError:
        return
    assert found in {"docker.io/library/redis", "docker.io/team/app"}


@pytest.mark.parametrize("text", ["Foo/bar", "FOO/bar", "Team/app:1"])
def test_host_that_shows_only_by_its_capitals_never_reads_as_another_repository(text: str) -> None:
    # `Foo/bar` is host Foo for a runtime; written `foo/bar` it would be docker.io/foo/bar.
    try:
        found = ImageReference.parse(text)
    except ImageReferenceError:
        return
    assert ImageReference.parse(found.repository).repository == found.repository


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DIGEST, True),
        (DIGEST + "\n", False),
        (" " + DIGEST, False),
        (HEX, False),
        ("sha256:" + HEX.upper(), False),
        ("sha256:" + HEX[1:], False),
        ("sha256:" + HEX + "0", False),
        ("sha512:" + "0" * 128, False),
        ("", False),
    ],
)
def test_digest_is_exactly_sha256_in_lower_case(text: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_digest(text) is expected
