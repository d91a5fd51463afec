"""How long a look-up may take, and what it may keep others from."""

import asyncio
from dataclasses import replace

import pytest

from tests.harness.polling import poll_async
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_faults import hangs
from tests.stores.registry.attached import attach, attach_by_tag, evidence
from tests.stores.registry.stored import Stored
from webhook.limits import LIMITS
from webhook.stores.registry import store
from webhook.stores.registry.store import ERROR_SECONDS

SECONDS = 0.3
"""Less than any request gets."""
LARGE = evidence("x" * LIMITS.registry_light_bytes)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIMITS", replace(LIMITS, registry_look_up_seconds=SECONDS, registry_heavy_look_ups=1))


@pytest.mark.parametrize("operation", ["manifest", "referrers", "blob"])
@pytest.mark.parametrize("all_of_it", [False, True])
async def test_a_look_up_that_takes_too_long_is_a_gap_for_a_while(operation: str, *, all_of_it: bool) -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach_by_tag(registry, evidence())
        registry.faults[operation].append(hangs())
        found = await (stored.find(max_age=0) if all_of_it else stored.find())
        assert found.candidates == ()
        assert found.gap is not None
        assert found.gap.detail == f"the look-up in {registry.host} took more than {SECONDS} s"
        await poll_async(registry.is_idle, 5, "no request")
        assert await stored.find() is found
        stored.now += ERROR_SECONDS
        assert (await stored.find()).gap is None


async def test_a_look_up_that_took_too_long_lets_the_next_one_hold_much() -> None:
    async with RegistrySimulator() as slow, RegistrySimulator() as quick, Stored(quick, slow) as stored:
        attach(slow, LARGE)
        attach(quick, LARGE)
        slow.faults["blob"].append(hangs())
        waiting = asyncio.create_task(stored.find(repository=f"{slow.host}/shop/cart"))
        await poll_async(slow.is_busy, 5, "a request")
        assert (await waiting).gap is not None
        assert stored.store._heavy._value == 1
        assert (await stored.find()).candidates


async def test_a_look_up_that_waits_for_leave_too_long_takes_none() -> None:
    async with RegistrySimulator() as registry, Stored(registry) as stored:
        attach(registry, LARGE)
        await stored.store._heavy.acquire()
        assert (await stored.find()).gap is not None
        stored.store._heavy.release()
        assert stored.store._heavy._value == 1


async def test_the_time_is_that_of_the_longest_review() -> None:
    assert LIMITS.registry_look_up_seconds == LIMITS.deadline_maximum
