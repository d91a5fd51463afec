"""What look-ups may hold of what somebody attached."""

import asyncio

import pytest

from webhook.limits import LIMITS
from webhook.stores.registry.discovery.place import Allowance

LIGHT, MOST = LIMITS.registry_light_bytes, LIMITS.registry_evidence_bytes


async def test_one_look_up_fetches_so_much_and_no_more() -> None:
    async with Allowance(asyncio.Semaphore(1)) as allowance:
        assert await allowance.take(MOST - 10)
        assert not await allowance.take(11)
        assert await allowance.take(10)
        assert not await allowance.take(1)
        assert await allowance.take(0)


async def test_light_look_ups_wait_for_nobody() -> None:
    heavy = asyncio.Semaphore(1)
    async with Allowance(heavy) as first, Allowance(heavy) as second:
        assert await first.take(MOST)
        assert await second.take(LIGHT)


async def test_a_heavy_look_up_waits_until_another_has_ended() -> None:
    heavy = asyncio.Semaphore(1)
    async with Allowance(heavy) as second:
        async with Allowance(heavy) as first:
            assert await first.take(LIGHT + 1)
            waiting = asyncio.create_task(second.take(LIGHT + 1))
            await asyncio.sleep(0)
            assert not waiting.done()
        assert await waiting


async def test_a_look_up_that_is_heavy_already_waits_no_more() -> None:
    async with Allowance(asyncio.Semaphore(1)) as allowance:
        assert await asyncio.gather(*(allowance.take(LIGHT + 1) for _ in range(3))) == [True] * 3


async def test_a_look_up_that_failed_makes_room() -> None:
    heavy = asyncio.Semaphore(1)

    async def fail() -> None:
        async with Allowance(heavy) as allowance:
            await allowance.take(MOST)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with Allowance(heavy):
        pass
    assert heavy._value == 1
