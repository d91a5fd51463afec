"""The simplest state that a reflector can keep."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.kube.waiting import until
from tests.simulators.api_server import ApiServerSimulator
from webhook.kube.reflector import Reflector, ReflectorPace

PACE = ReflectorPace(pause_seconds=0.02, pause_cap_seconds=0.2, steady_seconds=0.3)


class Names:
    """The simplest state: specs by name."""

    def __init__(self, previous: "Names | None" = None) -> None:
        self.replaced = previous
        self.specs: dict[str, Any] = {}
        self.wants_list = False

    def put(self, obj: dict[str, Any]) -> None:
        self.specs[obj["metadata"]["name"]] = obj["spec"]

    def remove(self, obj: dict[str, Any]) -> None:
        self.specs.pop(obj["metadata"]["name"], None)


def names(reflector: Reflector[Names]) -> set[str]:
    return set(reflector.state.specs) if reflector.state else set()


async def watching(simulator: ApiServerSimulator, number: int = 1) -> None:
    await until(lambda: simulator.requests["watch"] >= number, 5, f"watch number {number}")


class Slow(Names):
    """A state that takes 2 ms for an object."""

    def put(self, obj: dict[str, Any]) -> None:
        end = time.monotonic() + 0.002
        while time.monotonic() < end:
            pass
        super().put(obj)


async def longest_wait(until_done: Callable[[], bool]) -> float:
    longest = 0.0
    while not until_done():
        began = time.monotonic()
        await asyncio.sleep(0)
        longest = max(longest, time.monotonic() - began)
    return longest
