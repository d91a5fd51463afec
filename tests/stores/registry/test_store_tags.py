"""What a tag points to, for `TagPolicy: Resolve`."""

import asyncio

import pytest

from tests.simulators.api_server import status
from tests.simulators.registry import RegistrySimulator, digest_of
from tests.simulators.registry_faults import answers
from tests.stores.registry.attached import manifest
from tests.stores.registry.simulated import PATH
from tests.stores.registry.stored import LOCKED, POD, Stored
from tests.support.statements import OTHER_IMAGE
from webhook.errors import UnavailableError
from webhook.stores.registry.store import ERROR_SECONDS, TAG_SECONDS


def cart(registry: RegistrySimulator) -> str:
    return f"{registry.host}/{PATH}"


async def test_a_tag_is_the_digest_of_what_the_registry_gives_for_it() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        digest = manifest(registry, [], tag="1.0")
        assert await stored.store.resolve(cart(registry), "1.0", None) == digest
        registry.faults["manifest"].append(answers(b"{}", {"Docker-Content-Digest": OTHER_IMAGE}))
        assert await stored.store.resolve(cart(registry), "1.1", None) == digest_of(b"{}")


async def test_a_tag_that_does_not_exist_is_none() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        assert await stored.store.resolve(cart(registry), "1.0", None) is None


@pytest.mark.parametrize("repository", ["evil.example/x", "redis", "{host}/shop/cart:1"])
async def test_a_repository_that_is_not_allowed_is_not_asked(repository: str) -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        name = repository.format(host=registry.host)
        assert await stored.store.resolve(name, "1.0", None) is None
        assert not registry.seen


async def test_neither_mirror_nor_evidence_repository_tells_what_a_node_pulls() -> None:
    async with RegistrySimulator() as own, RegistrySimulator() as other:
        section = {"mirrors": {own.host: [other.host]}, "evidenceRepository": f"{other.host}/{PATH}"}
        async with Stored(own, other, **section) as stored:
            manifest(other, [], tag="1.0")
            assert await stored.store.resolve(cart(own), "1.0", None) is None
            assert not other.seen


async def test_a_registry_that_cannot_be_asked_makes_the_tag_unknown() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        manifest(registry, [], tag="1.0")
        registry.faults["manifest"].append(status(403))
        for _ in range(2):
            with pytest.raises(UnavailableError):
                await stored.store.resolve(cart(registry), "1.0", None)
        assert registry.requests["manifest"] == 1
        stored.now += ERROR_SECONDS
        assert await stored.store.resolve(cart(registry), "1.0", None) is not None


async def test_a_failure_that_is_kept_holds_nothing_of_those_who_were_told() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        registry.faults["manifest"].append(status(403))
        for _ in range(2):
            with pytest.raises(UnavailableError, match="403"):
                await stored.store.resolve(cart(registry), "1.0", None)
        (kept,) = (entry.value for entry in stored.store._tags._entries.values())
        assert isinstance(kept, UnavailableError)
        assert (kept.__traceback__, kept.__cause__, kept.__context__) == (None, None, None)


async def test_without_the_pull_secrets_the_tag_is_unknown() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        with pytest.raises(UnavailableError):
            await stored.store.resolve(cart(registry), "1.0", LOCKED)
        assert not registry.seen


async def test_a_tag_is_asked_for_once_by_all_who_ask_together_and_again_when_it_may_have_moved() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        old = manifest(registry, [], tag="1.0")
        asked = (stored.store.resolve(cart(registry), "1.0", POD) for _ in range(100))
        assert set(await asyncio.gather(*asked)) == {old}
        assert registry.requests["manifest"] == 1
        new = manifest(registry, [], tag="1.0", note="new")
        stored.now += TAG_SECONDS
        assert await stored.store.resolve(cart(registry), "1.0", POD) == new


async def test_what_one_may_see_is_not_told_to_another() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        assert await stored.store.resolve(cart(registry), "1.0", None) is None
        digest = manifest(registry, [], tag="1.0")
        assert await stored.store.resolve(cart(registry), "1.0", POD) == digest
