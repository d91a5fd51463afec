"""How an image is written decides what can be looked up; what cannot be looked up has no evidence."""

import pytest

from tests.admission.requests import SEEN, deployment, elsewhere, review
from tests.admission.world import World
from tests.harness.evidence import REPOSITORY, digest_of
from tests.support.verdicts import names

DIGEST = digest_of("seen")
HEX = DIGEST.removeprefix("sha256:")
HOST, PATH = REPOSITORY.split("/", 1)

SUFFICIENT = "Pass EvidenceSufficient"
UNTRUSTED = "Fail EvidenceUntrusted"
NOT_PINNED = "Fail ImageNotPinned"
INVALID = "Fail ImageReferenceInvalid"

# The evidence is about the digest; the key that signed it speaks for registry.example.com/shop/* only.
REFERENCES: list[tuple[str, str, str]] = [
    ("repository and digest", SEEN, SUFFICIENT),
    ("tag and digest", f"{REPOSITORY}:1.0@{DIGEST}", SUFFICIENT),
    ("tag latest and digest", f"{REPOSITORY}:latest@{DIGEST}", SUFFICIENT),
    ("host in upper case", f"{HOST.upper()}/{PATH}@{DIGEST}", SUFFICIENT),
    ("another path that the key may speak for", elsewhere("seen", f"{HOST}/shop/other/name"), SUFFICIENT),
    ("bare", "redis", NOT_PINNED),
    ("bare with tag", "redis:7", NOT_PINNED),
    ("tag", f"{REPOSITORY}:1.0", NOT_PINNED),
    ("latest by default", REPOSITORY, NOT_PINNED),
    ("port, no tag", "registry.example.com:5000/shop/cart", NOT_PINNED),
    ("port and tag", "registry.example.com:5000/shop/cart:1.0", NOT_PINNED),
    ("a digest written as a tag", f"{REPOSITORY}:{HEX}", NOT_PINNED),
    ("localhost", "localhost/x", NOT_PINNED),
    ("IPv6", "[::1]:5000/x", NOT_PINNED),
    ("Docker Hub", f"cart@{DIGEST}", UNTRUSTED),
    ("docker.io", f"docker.io/shop/cart@{DIGEST}", UNTRUSTED),
    ("localhost with digest", f"localhost/shop/cart@{DIGEST}", UNTRUSTED),
    ("another port", f"{HOST}:5000/{PATH}@{DIGEST}", UNTRUSTED),
    ("IPv6 with digest", f"[::1]:5000/shop/cart@{DIGEST}", UNTRUSTED),
    ("host as a path", f"evil.example.com/{REPOSITORY}@{DIGEST}", UNTRUSTED),
    ("host as the end of another", f"evil{REPOSITORY}@{DIGEST}", UNTRUSTED),
    ("host as the beginning of another", f"{HOST}.evil.example.com/{PATH}@{DIGEST}", UNTRUSTED),
    ("path that only begins alike", f"{HOST}/shopping/cart@{DIGEST}", UNTRUSTED),
    ("empty", "", INVALID),
    ("white space", " ", INVALID),
    ("short digest", f"{REPOSITORY}@{DIGEST[:-1]}", INVALID),
    ("long digest", f"{REPOSITORY}@{DIGEST}0", INVALID),
    ("digest in upper case", f"{REPOSITORY}@sha256:{HEX.upper()}", INVALID),
    ("algorithm in upper case", f"{REPOSITORY}@SHA256:{HEX}", INVALID),
    ("sha512", f"{REPOSITORY}@sha512:{HEX * 2}", INVALID),
    ("sha256 of another length", f"{REPOSITORY}@sha256:{HEX * 2}", INVALID),
    ("no algorithm", f"{REPOSITORY}@{HEX}", INVALID),
    ("digest alone", f"@{DIGEST}", INVALID),
    ("an image id", HEX, INVALID),
    ("an image id with algorithm", DIGEST, NOT_PINNED),
    ("two digests", f"{SEEN}@{DIGEST}", INVALID),
    ("nothing behind the at", f"{REPOSITORY}@", INVALID),
    ("nothing behind the colon", f"{REPOSITORY}:@{DIGEST}", INVALID),
    ("path in upper case", f"{HOST}/Shop/cart@{DIGEST}", INVALID),
    ("comma", f"{SEEN},redis", INVALID),
    ("comma in the path", f"{HOST}/shop/ca,rt@{DIGEST}", INVALID),
    ("quote", f'"{SEEN}"', INVALID),
    ("leading space", f" {SEEN}", INVALID),
    ("trailing space", f"{SEEN} ", INVALID),
    ("trailing newline", f"{SEEN}\n", INVALID),
    ("newline in between", f"{REPOSITORY}\n@{DIGEST}", INVALID),
    ("NUL", f"{SEEN}\0", INVALID),
    ("Cyrillic letters that look alike", SEEN.replace("cart", "c\u0430rt"), INVALID),
    ("full-width digits", f"{REPOSITORY}@sha256:{HEX[:-1]}\uff11", INVALID),
    ("a scheme", f"https://{SEEN}", INVALID),
    ("docker://", f"docker://{SEEN}", INVALID),
    ("a path upwards", f"{HOST}/shop/../shop/cart@{DIGEST}", INVALID),
    ("an empty segment", f"{HOST}/shop//cart@{DIGEST}", INVALID),
    ("a trailing slash", f"{HOST}/shop/cart/@{DIGEST}", INVALID),
    ("a leading slash", f"/shop/cart@{DIGEST}", INVALID),
    ("user information", f"user:password@{SEEN}", INVALID),
    ("a query", f"{REPOSITORY}?tag=1@{DIGEST}", INVALID),
    ("a path of 256 characters", f"{HOST}/{'a' * 256}@{DIGEST}", INVALID),
    ("a tag of 129 characters", f"{REPOSITORY}:{'a' * 129}@{DIGEST}", INVALID),
    ("1 MiB", "a" * 1024 * 1024, INVALID),
]


@pytest.mark.parametrize(("_name", "image", "expected"), REFERENCES, ids=names(REFERENCES))
async def test_a_reference_in_block_mode(world: World, _name: str, image: str, expected: str) -> None:
    assert await world.said(review(deployment(image))) == expected


@pytest.mark.parametrize(("_name", "image", "expected"), REFERENCES, ids=names(REFERENCES))
async def test_a_reference_in_warn_mode(world: World, _name: str, image: str, expected: str) -> None:
    settings = world.settings({"MissingEvidenceAction": "Warn"})
    assert await world.said(review(deployment(image)), settings=settings) == expected.replace("Fail", "Warn")
