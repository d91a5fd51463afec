"""Logging in: who is told what, and how often."""

import asyncio

import pytest

from tests.simulators.access import Access, Issued
from tests.simulators.api_server import status
from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.simulated import (
    ACCOUNT,
    IDENTITY,
    NOBODY,
    PATH,
    READY,
    USERS,
    WRONG,
    Authority,
    Client,
    Keys,
    at,
    guarded,
    secure,
)
from webhook.limits import LIMITS
from webhook.stores.registry.auth.authenticator import Memory
from webhook.stores.registry.client.client import RegistryError
from webhook.stores.registry.reference import Repository

BASIC = "Basic YW5uOnMzY3JldA=="  # base64 of ann:s3cret


def _told(registry: RegistrySimulator) -> list[tuple[str, str | None]]:
    return [(seen.operation, seen.authorization) for seen in registry.seen]


async def test_nobody_is_told_who_we_are_before_it_asks(authority: Authority) -> None:
    async with RegistrySimulator(authority.server()) as registry, Client({registry.host: secure(authority)}) as asker:
        registry.add_manifest(PATH, {}, "1.0")
        keys = Keys(ACCOUNT)
        await asker.client.manifest(at(registry), "1.0", keys)
        assert _told(registry) == [("manifest", None)]
        assert not keys.asked


async def test_basic_is_answered_and_then_remembered(authority: Authority) -> None:
    async with guarded(authority, Access(USERS, bearer=False)) as (registry, asker):
        keys = Keys(ACCOUNT)
        for _ in range(2):
            await asker.client.manifest(at(registry), "1.0", keys)
        assert _told(registry) == [("manifest", None), ("manifest", BASIC), ("manifest", BASIC)]
        assert keys.asked == [at(registry)]


async def test_token_is_had_for_a_credential_which_the_registry_never_sees(authority: Authority) -> None:
    access = Access(USERS)
    async with guarded(authority, access) as (registry, asker):
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert _told(registry) == [("manifest", None), ("token", BASIC), ("manifest", "Bearer token-1")]
        assert registry.seen[1].method == "GET"


async def test_token_is_for_pulling_alone(authority: Authority) -> None:
    access = Access(USERS)
    async with guarded(authority, access) as (registry, asker):
        assert "pull,push" in access.asks(PATH)
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert access.issued == [Issued("ann", "simulator", (f"repository:{PATH}:pull",))]


async def test_nobody_gets_a_token_without_a_credential(authority: Authority) -> None:
    access = Access(anonymous=True)
    async with guarded(authority, access) as (registry, asker):
        await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert _told(registry) == [("manifest", None), ("token", None), ("manifest", "Bearer token-1")]


async def test_identity_token_is_exchanged_as_oauth2_says(authority: Authority) -> None:
    access = Access(identity_tokens={"refresh": "ann"})
    async with guarded(authority, access) as (registry, asker):
        await asker.client.manifest(at(registry), "1.0", Keys(IDENTITY))
        assert _told(registry) == [("manifest", None), ("token", None), ("manifest", "Bearer token-1")]
        assert registry.seen[1].method == "POST"
        assert access.issued == [Issued("ann", "simulator", (f"repository:{PATH}:pull",))]


async def test_registry_token_goes_to_the_registry_itself(authority: Authority) -> None:
    access = Access(valid={"ready": "ann"})
    async with guarded(authority, access) as (registry, asker):
        await asker.client.manifest(at(registry), "1.0", Keys(READY))
        assert _told(registry) == [("manifest", None), ("manifest", "Bearer ready")]


async def test_token_is_used_until_it_ends(authority: Authority) -> None:
    access = Access(USERS)
    async with guarded(authority, access) as (registry, asker):
        for _ in range(3):
            await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert registry.requests == {"manifest": 4, "token": 1}


@pytest.mark.parametrize("lifetime", [0, 5, 9.5, -1])
async def test_token_that_is_about_to_end_is_not_kept(lifetime: float, authority: Authority) -> None:
    async with guarded(authority, Access(USERS, lifetime=lifetime)) as (registry, asker):
        for _ in range(3):
            await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert registry.requests == {"manifest": 4, "token": 3}


@pytest.mark.parametrize("lifetime", [None, "soon", True, [], 1e9])
async def test_token_of_another_lifetime_is_kept_for_a_while(lifetime: object, authority: Authority) -> None:
    async with guarded(authority, Access(USERS, lifetime=lifetime)) as (registry, asker):
        for _ in range(3):
            await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert registry.requests == {"manifest": 4, "token": 1}


async def test_token_that_is_taken_back_is_replaced(authority: Authority) -> None:
    access = Access(USERS)
    async with guarded(authority, access) as (registry, asker):
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        access.valid.clear()
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert _told(registry)[3:] == [
            ("manifest", "Bearer token-1"),
            ("token", BASIC),
            ("manifest", "Bearer token-2"),
        ]


async def test_hundred_questions_at_once_take_one_token(authority: Authority) -> None:
    async with guarded(authority, Access(USERS)) as (registry, asker):
        keys = Keys(ACCOUNT)
        await asyncio.gather(*(asker.client.manifest(at(registry), "1.0", keys) for _ in range(100)))
        assert registry.requests["token"] == 1


async def test_tokens_are_had_for_each_repository(authority: Authority) -> None:
    access = Access(USERS)
    async with guarded(authority, access) as (registry, asker):
        registry.add_manifest("shop/other", {}, "1.0")
        for path in (PATH, "shop/other"):
            await asker.client.manifest(Repository(registry.host, path), "1.0", Keys(ACCOUNT))
        assert [issued.scopes for issued in access.issued] == [
            (f"repository:{PATH}:pull",),
            ("repository:shop/other:pull",),
        ]


async def test_keyrings_share_nothing(authority: Authority) -> None:
    async with guarded(authority, Access(USERS)) as (registry, asker):
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        for keys in (NOBODY, Keys(WRONG)):
            with pytest.raises(RegistryError, match="does not accept who asks"):
                await asker.client.manifest(at(registry), "1.0", keys)


async def test_cancelled_question_does_not_take_the_token_from_others(authority: Authority) -> None:
    async with guarded(authority, Access(USERS)) as (registry, asker):
        keys = Keys(ACCOUNT)
        first = asyncio.create_task(asker.client.manifest(at(registry), "1.0", keys))
        while not registry.requests["token"]:
            await asyncio.wait([first], timeout=0.001)
        second = asyncio.create_task(asker.client.manifest(at(registry), "1.0", keys))
        first.cancel()
        await second
        assert first.cancelled() or first.done()
        assert registry.requests["token"] == 1


async def test_registry_is_taken_to_ask_for_the_same_everywhere(authority: Authority) -> None:
    access = Access(USERS)
    async with guarded(authority, access) as (registry, asker):
        registry.add_manifest("shop/other", {}, "1.0")
        first, other = at(registry), Repository(registry.host, "shop/other")
        keys = Keys(ACCOUNT)
        for repository in (first, other, other):
            await asker.client.manifest(repository, "1.0", keys)
        assert _told(registry)[3:] == [
            ("token", BASIC),
            ("manifest", "Bearer token-2"),
            ("manifest", "Bearer token-2"),
        ]
        assert keys.asked == [first, other]
        assert access.issued[1].scopes == ("repository:shop/other:pull",)


async def test_guess_that_is_wrong_does_no_harm(authority: Authority) -> None:
    access = Access(USERS)
    async with guarded(authority, access) as (registry, asker):
        registry.add_manifest("shop/other", {}, "1.0")
        keys = Keys(WRONG, ACCOUNT)
        for path in (PATH, "shop/other"):
            await asker.client.manifest(Repository(registry.host, path), "1.0", keys)
        assert len(access.issued) == 2


async def test_token_service_that_moves_is_found_again(authority: Authority) -> None:
    access = Access(USERS, lifetime=0)
    async with guarded(authority, access) as (registry, asker):
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        registry.faults["token"].append(status(404))
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert [seen.operation for seen in registry.seen][3:] == ["token", "manifest", "token", "manifest"]


async def test_bearer_is_preferred_to_basic(authority: Authority) -> None:
    access = Access(USERS)
    async with guarded(authority, access) as (registry, asker):
        access.challenge = 'Basic realm="x", ' + access.asks(PATH)
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert _told(registry)[1:] == [("token", BASIC), ("manifest", "Bearer token-1")]


def test_what_is_remembered_is_bounded_and_the_newest() -> None:
    memory: Memory[int, str] = Memory()
    for number in range(LIMITS.registry_tokens + 10):
        memory.learn(0, "again and again")
        memory.learn(number, "once")
    assert len(memory) == LIMITS.registry_tokens
    assert {0, LIMITS.registry_tokens + 9} <= memory.keys()
    assert 1 not in memory
