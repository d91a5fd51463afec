"""A registry that is hostile, or whose name server is silent, leaves connections and threads to the others."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.harness.polling import poll_async
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_faults import hangs, moved
from tests.stores.registry.simulated import NOBODY, PATH, Client, at, plain
from webhook.stores.registry.client.client import NotThereError, RegistryError
from webhook.stores.registry.reference import Repository
from webhook.stores.registry.transport import address
from webhook.stores.registry.transport.shares import Shares


class SilentNameServer:
    """Says nothing about names below `slow.example` until it is let go.

    Attributes:
        asked: The names that were looked up.
        silent: Held while it is.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.go_on = threading.Event()
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: str, *arguments: Any, **options: Any) -> Any:
        self.asked.append(host)
        if host.endswith(".slow.example"):
            self.go_on.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "silence")
        return self._real(host, *arguments, **options)

    @property
    def slow(self) -> int:
        """How many slow names were looked up."""
        return sum(name.endswith(".slow.example") for name in self.asked)


@asynccontextmanager
async def _asking(asker: Client, repository: Repository, number: int) -> AsyncIterator[list[asyncio.Task[Any]]]:
    tasks = [asyncio.create_task(asker.client.manifest(repository, "1.0", NOBODY)) for _ in range(number)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _led(hostile: RegistrySimulator, names: SilentNameServer, number: int) -> None:
    async def led() -> bool:
        return hostile.waiting == 0 and len(hostile.seen) == number and names.slow >= 2

    await poll_async(led, 5, "all redirects")


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SilentNameServer]:
    server = SilentNameServer(monkeypatch)
    yield server
    server.go_on.set()


async def test_names_of_one_registry_leave_resolver_threads_to_the_others(names: SilentNameServer) -> None:
    async with RegistrySimulator() as hostile, RegistrySimulator() as good:
        other = Repository(f"localhost:{good.port}", PATH)
        async with Client({hostile.host: plain(), other.host: plain()}) as asker:
            # The last leads to the good registry's own name, for which that one must not wait in the hostile's place.
            hostile.faults["manifest"] += [moved(f"http://n{number}.slow.example/") for number in range(30)]
            hostile.faults["manifest"].append(moved(f"http://{other.host}/"))
            async with _asking(asker, at(hostile), 31):
                await _led(hostile, names, 31)
                with pytest.raises(NotThereError):
                    await asker.client.manifest(other, "1.0", NOBODY)
                assert names.slow == 2


async def test_thread_that_nobody_waits_for_any_more_still_counts(names: SilentNameServer) -> None:
    async with RegistrySimulator() as hostile, Client({hostile.host: plain()}) as asker:
        hostile.faults["manifest"] += [moved(f"http://n{number}.slow.example/") for number in range(20)]

        async with _asking(asker, at(hostile), 10):
            await _led(hostile, names, 10)
        async with _asking(asker, at(hostile), 10):
            await _led(hostile, names, 20)
            assert names.slow == 2


async def test_name_that_waits_too_long_for_a_thread_cannot_be_resolved(
    names: SilentNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "_QUEUE_SECONDS", 0.1)
    async with RegistrySimulator() as hostile, Client({hostile.host: plain()}) as asker:
        hostile.faults["manifest"] += [moved(f"http://n{number}.slow.example/") for number in range(3)]
        async with _asking(asker, at(hostile), 3) as tasks:
            done, _ = await asyncio.wait(tasks, timeout=5, return_when=asyncio.FIRST_COMPLETED)
            assert names.slow == 2
            with pytest.raises(RegistryError, match="cannot be resolved"):
                await done.pop()


async def test_name_is_looked_up_once_for_connections_at_the_same_time(names: SilentNameServer) -> None:
    async with RegistrySimulator() as registry:
        other = Repository(f"localhost:{registry.port}", PATH)
        async with Client({other.host: plain()}) as asker:
            async with _asking(asker, other, 20) as tasks:
                await asyncio.wait(tasks)
            # Both threads may have begun before the first answer.
            assert 1 <= names.asked.count("localhost") <= 2


async def test_registry_that_leads_to_many_hosts_leaves_connections_to_the_others() -> None:
    async with AsyncExitStack() as stack:
        hostile, good, *storages = [await stack.enter_async_context(RegistrySimulator()) for _ in range(7)]
        hosts = {registry.host: plain() for registry in (hostile, good, *storages)}
        asker = await stack.enter_async_context(Client(hosts))
        for number in range(300):
            hostile.faults["manifest"].append(moved(f"{storages[number % 5].url}{{}}"))
            storages[number % 5].faults["manifest"].append(hangs())

        async def taken() -> bool:
            return sum(storage.waiting for storage in storages) >= 48

        async with _asking(asker, at(hostile), 300):
            await poll_async(taken, 10, "as many connections as it may have")
            with pytest.raises(NotThereError):
                await asker.client.manifest(at(good), "1.0", NOBODY)
            assert sum(storage.waiting for storage in storages) == 48


async def test_share_is_forgotten_once_nobody_has_a_part_in_it() -> None:
    shares = Shares(1)
    async with shares.of("a"):
        assert shares.of("a").locked()
        assert not shares.of("b").locked()
        assert len(shares) == 1
    assert len(shares) == 0
