"""Which digests are attested: only what the bytes of an index prove to be what ran."""

import json
from collections.abc import Mapping

import pytest

from tests.observer.making import REPOSITORY, digest
from webhook.errors import UnavailableError
from webhook.model.canonical import sha256_digest
from webhook.model.image import ImageReference
from webhook.observer.subjects import SubjectFinder, Subjects

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def manifest(name: str) -> bytes:
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(name), "size": 1}
    return json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": []}).encode()


def index(*children: tuple[str, bytes]) -> bytes:
    entries = []
    for platform, raw in children:
        system, architecture = platform.split("/")
        named = {"os": system, "architecture": architecture}
        entries.append({"mediaType": _MANIFEST, "digest": sha256_digest(raw), "size": len(raw), "platform": named})
    return json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}).encode()


AMD, ARM, PROOF = manifest("amd64"), manifest("arm64"), manifest("provenance")
ONE = index(("linux/amd64", AMD), ("unknown/unknown", PROOF))
"""As BuildKit makes it of one platform."""
TWO = index(("linux/amd64", AMD), ("linux/arm64", ARM))
MORE = index(("linux/amd64", AMD), ("linux/arm64", ARM), ("linux/s390x", manifest("s390x")))
OTHER = index(("linux/arm64", ARM))


class Shelf:
    """A repository's manifests, by their digests; some cannot be read."""

    def __init__(self, *contents: bytes, broken: Mapping[str, str] | None = None) -> None:
        self._contents = {sha256_digest(content): content for content in contents}
        self._broken = broken or {}

    async def manifest(self, repository: str, digest: str) -> bytes | None:
        assert repository == REPOSITORY
        if digest in self._broken:
            raise UnavailableError(self._broken[digest])
        return self._contents.get(digest)


async def find(ran: bytes, *named: bytes, shelf: Shelf | None = None, multi_platform: bool = True) -> Subjects:
    image = ImageReference.parse(f"{REPOSITORY}@{sha256_digest(ran)}")
    others = frozenset(sha256_digest(content) for content in named)
    reader = shelf or Shelf(AMD, ARM, PROOF, ONE, TWO, MORE, OTHER)
    return await SubjectFinder(reader, multi_platform=multi_platform).find(image, others)


def digests(*contents: bytes) -> tuple[str, ...]:
    return tuple(sorted(map(sha256_digest, contents)))


CASES: list[tuple[str, bytes, tuple[bytes, ...], tuple[bytes, ...]]] = [
    ("a manifest alone", AMD, (), (AMD,)),
    ("a manifest, and the index that its author wrote", AMD, (TWO,), (AMD, TWO)),
    ("a manifest, and both indices that authors wrote", AMD, (ONE, TWO), (AMD, ONE, TWO)),
    ("a manifest, and an index that does not list it", AMD, (OTHER,), (AMD,)),
    ("a manifest, and another manifest", AMD, (ARM,), (AMD,)),
    ("an index of one platform", ONE, (), (ONE, AMD)),
    ("an index of one platform, and that one", ONE, (AMD,), (ONE, AMD)),
    ("an index of one platform, and what it lists beside", ONE, (PROOF,), (ONE, AMD)),
    ("an index of one platform, and others that list it", ONE, (TWO, OTHER), (ONE, AMD, TWO)),
    ("an index of several platforms", TWO, (), (TWO,)),
    ("an index of several platforms, and one that lists them all", TWO, (MORE,), (TWO, MORE)),
    ("an index of several platforms, and one that lists some", MORE, (TWO,), (MORE,)),
    ("an index of several platforms, and one that its author wrote", TWO, (ARM,), (TWO,)),
    ("an index, and another index with the same platform", TWO, (ONE,), (TWO,)),
]


@pytest.mark.parametrize(("ran", "named", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_what_is_attested(ran: bytes, named: tuple[bytes, ...], expected: tuple[bytes, ...]) -> None:
    found = await find(ran, *named)
    assert found.digests == digests(*expected)
    assert (found.remark is not None) is bool(set(named) - set(expected))


async def test_what_the_author_wrote_is_left_out_with_a_reason() -> None:
    found = await find(AMD, OTHER)
    assert found.remark == f"{sha256_digest(OTHER)} is left out: not known to be what ran"


@pytest.mark.parametrize(
    ("ran", "named", "expected"),
    [(AMD, (), (AMD,)), (ONE, (), (ONE, AMD)), (AMD, (ONE,), (AMD, ONE)), (AMD, (TWO,), (AMD,)), (TWO, (), ())],
)
async def test_an_index_of_several_platforms_can_be_refused(
    ran: bytes, named: tuple[bytes, ...], expected: tuple[bytes, ...]
) -> None:
    found = await find(ran, *named, multi_platform=False)
    assert found.digests == digests(*expected)
    assert (found.remark is not None) is (TWO in (ran, *named))


@pytest.mark.parametrize("shelf", [Shelf(), Shelf(broken=dict.fromkeys(digests(AMD, TWO), "the registry hangs"))])
async def test_without_a_registry_what_the_kubelet_says_is_all(shelf: Shelf) -> None:
    assert (await find(AMD, TWO, shelf=shelf)).digests == digests(AMD)
    assert (await find(AMD, shelf=shelf)) == Subjects(digests(AMD))
    refused = await find(AMD, shelf=shelf, multi_platform=False)
    assert refused.digests == ()
    assert (refused.remark or "").startswith("whether it is an index is not known: ")


async def test_what_cannot_be_fetched_of_an_author_s_hides_nothing_else() -> None:
    found = await find(AMD, ONE, TWO, shelf=Shelf(AMD, ONE, broken={sha256_digest(TWO): "the registry hangs"}))
    assert found == Subjects(digests(AMD, ONE), f"{sha256_digest(TWO)} is left out: the registry hangs")


async def test_what_is_no_manifest_proves_nothing() -> None:
    rubbish = b'{"manifests": [{"digest": "sha256:0"}]}'
    assert (await find(AMD, rubbish, shelf=Shelf(AMD, rubbish))).digests == digests(AMD)


async def test_authors_cannot_make_the_observer_ask_without_end() -> None:
    indices = [index(("linux/amd64", AMD), ("linux/arm64", manifest(str(number)))) for number in range(20)]
    found = await find(AMD, *indices, shelf=Shelf(AMD, *indices))
    assert len(found.digests) == 1 + 8
