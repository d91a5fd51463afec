"""What is said when a registry does not take what is pushed, and where nothing goes whatever it says."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.publish.making import IMAGE_MANIFEST, PATH, evidence, push
from tests.simulators.api_server import Fault
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_faults import hangs, moved
from tests.simulators.registry_writes import RegistryWithWriters, answers_status
from webhook.publish.access import Pace
from webhook.publish.registry import Layout
from webhook.stores.registry.transport.failure import RegistryError
from webhook.stores.registry.transport.messages import Patience

LAYOUTS = pytest.mark.parametrize("layout", Layout)


@pytest.fixture
async def registry() -> AsyncIterator[RegistryWithWriters]:
    """A registry with the referrers API."""
    async with RegistryWithWriters(referrers=True) as running:
        yield running


FAILURES: dict[str, tuple[Fault, str]] = {
    "403": (answers_status(403), rf"does not let this account push to {PATH} \(403\)"),
    "401": (answers_status(401), rf"\(401\).*; log in with an account that may push to {PATH}"),
    "404": (answers_status(404), rf"knows no repository {PATH} that could be pushed to \(404\)"),
    "405": (answers_status(405), r"takes no pushes \(405\)"),
    "413": (answers_status(413), r"finds it too large \(413\)"),
    "400": (answers_status(400), r"does not accept it \(400\)"),
    "418": (answers_status(418), r"gave an answer that no registry gives \(418\)"),
    "429": (answers_status(429, {"Retry-After": "300"}), r"limits the rate of requests \(429\) and asks to wait for"),
    "redirect": (moved("http://127.0.0.1:1/"), r"sends what is pushed to another place \(307\)"),
    "silence": (hangs(), "hangs: nothing has come for too long"),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("where", ["uploads", "puts", "tag_puts"])
async def test_each_failure_has_a_sentence_of_its_own(
    registry: RegistryWithWriters, where: str, failure: str
) -> None:
    fault, sentence = FAILURES[failure]
    registry.referrers = False
    getattr(registry, where).extend([fault] * 3)
    with pytest.raises(RegistryError, match=sentence):
        await push(registry, patience=Patience(2.0, 0.2, 4.0))


@pytest.mark.parametrize("where", ["uploads", "puts", "tag_puts"])
@pytest.mark.parametrize("code", [429, 500, 503])
async def test_what_passes_is_waited_for(registry: RegistryWithWriters, where: str, code: int) -> None:
    registry.referrers = False
    getattr(registry, where).extend([answers_status(code, {"Retry-After": "0"})] * 2)
    pushed = await push(registry)
    assert pushed.tag is not None


async def test_a_failure_that_lasts_ends(registry: RegistryWithWriters) -> None:
    registry.puts.extend([answers_status(503)] * 100)
    with pytest.raises(RegistryError, match=r"has a failure of its own \(503\)"):
        await push(registry, pace=Pace(whole=20.0))
    # Five times with growing pauses, each of them twice in a row.
    assert len(registry.written()) - len(registry.blobs) == 5 * 2


async def test_the_whole_takes_no_longer_than_it_may(registry: RegistryWithWriters) -> None:
    registry.uploads.append(hangs())
    with pytest.raises(RegistryError, match=r"took more than 0\.3 s; push again, it does no harm"):
        await push(registry, pace=Pace(whole=0.3))


LIES = ("http://evil.example.com{}", "//evil.example.com{}", "ftp://127.0.0.1{}", "http://[bad{}", "", "/a b")


@pytest.mark.parametrize("location", LIES)
async def test_an_upload_goes_to_no_other_place(registry: RegistryWithWriters, location: str) -> None:
    registry.location = location
    with pytest.raises(RegistryError, match=r"sends the upload to another host|does not say where the upload goes"):
        await push(registry)
    assert not registry.written()


async def test_another_port_of_the_same_host_gets_nothing_either(registry: RegistryWithWriters) -> None:
    async with RegistrySimulator() as other:
        # A registry behind a proxy often does not know its own port and scheme.
        registry.location = f"https://{other.host}{{}}?_state=a%2Fb%3D"
        await push(registry)
        assert not other.seen
    state = [path for path in registry.written() if "_state" in path]
    assert state
    assert all("?_state=a%2Fb%3D&digest=sha256:" in path for path in state)


@LAYOUTS
@pytest.mark.parametrize("note", ["", "x" * 100_000], ids=["small", "large"])
async def test_what_is_there_is_not_uploaded_again(registry: RegistryWithWriters, layout: Layout, note: str) -> None:
    signed = evidence(registry.add_manifest(PATH, IMAGE_MANIFEST), note=note)
    await push(registry, signed, layout)
    before = len(registry.written("POST"))
    await push(registry, signed, layout)
    assert len(registry.written("POST")) == before


async def test_a_blob_that_lies_elsewhere_is_simply_uploaded(registry: RegistryWithWriters) -> None:
    registry.faults["blob"].append(moved("http://127.0.0.1:1/"))
    await push(registry)


async def test_nothing_is_left_running_after_the_end(registry: RegistryWithWriters) -> None:
    await push(registry)
    assert await registry.is_idle()
    assert len(asyncio.all_tasks()) <= 2
