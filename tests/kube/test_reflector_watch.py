import asyncio
import time

import pytest
from aiohttp import web

from tests.kube.names import PACE, Names, Slow, longest_wait, names, watching
from tests.kube.waiting import until
from tests.simulators.api_server import COLLECTION, ApiServerSimulator, Fault, cuts, late, line, sends, status
from webhook.kube.client import KubeClient
from webhook.kube.reflector import Reflector, ReflectorPace

EXPIRED = {"kind": "Status", "code": 410, "reason": "Expired"}


@pytest.mark.parametrize(
    "fault",
    [
        status(410),
        sends(line("ERROR", EXPIRED)),
        sends(line("ERROR", {"kind": "Status", "code": "?"})),
        sends(line("BOOKMARK", {"metadata": {"resourceVersion": "101"}}), line("ERROR", EXPIRED)),
        sends(b"<html>\n"),
        sends(b"{}\n"),
        sends(line("ADDED", {})),
        sends(line("ADDED", {"metadata": {"resourceVersion": "101"}})),
        sends(line("RENAMED", {"metadata": {"resourceVersion": "101"}})),
        sends(line("ADDED", {"metadata": {"resourceVersion": 101, "name": "e"}})),
        sends(b'{"type":' * 50_000 + b"\n"),
        sends(),
        cuts(line("BOOKMARK", {"metadata": {"resourceVersion": "101"}})),
        status(500),
    ],
)
async def test_a_watch_that_fails_leads_to_a_new_list(
    simulator: ApiServerSimulator, reflector: Reflector[Names], fault: Fault
) -> None:
    await simulator.put("e", {})
    simulator.faults["watch"].append(fault)
    await reflector.start()
    simulator.objects.clear()  # Deleted while nobody watched, in the sense that no watch will tell.
    await until(lambda: reflector.lists == 2, 5, "a second list")
    assert names(reflector) == set()
    await watching(simulator, 2)
    await simulator.put("later", {})
    await until(lambda: names(reflector) == {"later"}, 5, "the watch goes on")


async def test_a_connection_that_died_in_silence_is_cut(simulator: ApiServerSimulator, client: KubeClient) -> None:
    pace = ReflectorPace(watch_seconds=1, watch_grace_seconds=0.1, pause_seconds=0.02)
    simulator.faults["watch"].append(sends(hang=True))
    reflector = Reflector(client, COLLECTION, Names, pace)
    await reflector.start()
    await simulator.put("e", {})
    await until(lambda: names(reflector) == {"e"}, 5, "the object is known in spite of the silent watch")
    await reflector.stop()


async def test_a_watch_that_ends_in_order_goes_on_without_a_list(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    reflector = Reflector(client, COLLECTION, Names, ReflectorPace(watch_seconds=1, steady_seconds=0.5))
    await reflector.start()
    await watching(simulator, 3)
    await simulator.put("e", {})
    await until(lambda: names(reflector) == {"e"}, 5, "the object is known")
    assert reflector.lists == 1
    await reflector.stop()


async def test_a_server_that_fails_all_watches_is_not_flooded(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    simulator.faults["watch"].extend([sends()] * 1000)
    reflector = Reflector(client, COLLECTION, Names, ReflectorPace(pause_seconds=0.1, pause_cap_seconds=30))
    await reflector.start()
    await until(lambda: reflector.failures == 4, 10, "four failures")
    # Waits of at least 0.05, 0.1 and 0.2 s lie between them.
    assert simulator.requests["watch"] == 4
    await reflector.stop()


async def test_pauses_do_not_grow_while_watches_bring_events(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    simulator.faults["watch"].extend([cuts(line("BOOKMARK", {"metadata": {"resourceVersion": "100"}}))] * 7)
    reflector = Reflector(client, COLLECTION, Names, ReflectorPace(pause_seconds=0.1, pause_cap_seconds=30))
    began = time.monotonic()
    await reflector.start()
    await until(lambda: reflector.lists == 8, 20, "eight lists")
    # Seven pauses of at most 0.1 s; growing ones would be half of 0.1 + 0.2 + … + 6.4 s at least.
    assert time.monotonic() - began < 0.1 * 127 / 2
    await reflector.stop()


async def test_a_list_is_proof_of_being_in_step(simulator: ApiServerSimulator, client: KubeClient) -> None:
    simulator.faults["list"].append(late(0.5, status(500)))
    reflector = Reflector(client, COLLECTION, Names, PACE)
    await reflector.start()
    simulator.faults["watch"].append(late(60, status(500)))
    await until(lambda: reflector.lists == 1, 5, "a list")
    assert reflector.unheard_seconds < 0.4
    await reflector.stop()


async def test_a_watch_that_is_taken_is_proof_of_being_in_step(
    simulator: ApiServerSimulator, reflector: Reflector[Names]
) -> None:
    simulator.faults["watch"].append(late(0.5, sends(hang=True)))
    await reflector.start()
    await until(lambda: reflector.unheard_seconds > 0.3, 5, "no watch yet")
    await until(lambda: reflector.unheard_seconds < 0.2, 5, "the watch is taken")
    assert reflector.lists == 1


async def test_a_line_of_a_watch_is_proof_of_being_in_step(
    simulator: ApiServerSimulator, reflector: Reflector[Names]
) -> None:
    async def says_something_later(request: web.Request) -> web.StreamResponse:
        response = await sends()(request)
        await asyncio.sleep(0.5)
        await response.write(line("BOOKMARK", {"metadata": {"resourceVersion": "100"}}))
        await asyncio.sleep(60)
        return response

    simulator.faults["watch"].append(says_something_later)
    await reflector.start()
    await until(lambda: reflector.unheard_seconds > 0.3, 5, "nothing was said")
    await until(lambda: reflector.unheard_seconds < 0.2, 5, "something is said")
    assert reflector.lists == 1


async def test_a_state_that_wants_a_list_gets_one_when_the_watch_ends(client: KubeClient) -> None:
    reflector = Reflector(client, COLLECTION, Names, ReflectorPace(watch_seconds=1, steady_seconds=0.5))
    await reflector.start()
    assert reflector.state
    reflector.state.wants_list = True
    await until(lambda: reflector.lists == 2, 5, "a second list")
    assert reflector.state.replaced
    assert reflector.failures == 0
    await reflector.stop()


async def test_a_burst_of_watch_events_lets_others_run(simulator: ApiServerSimulator, client: KubeClient) -> None:
    metadata = [{"name": f"e{number}", "resourceVersion": f"{200 + number}"} for number in range(200)]
    lines = [line("ADDED", {"metadata": entry, "spec": {}}) for entry in metadata]
    simulator.faults["watch"].append(sends(b"".join(lines), hang=True))
    reflector: Reflector[Names] = Reflector(client, COLLECTION, lambda _: Slow(), PACE)
    await reflector.start()
    # Slices of 5 ms and the object that ends one, of 400 ms; half of that leaves a busy machine room.
    assert await longest_wait(lambda: len(names(reflector)) == 200) < 0.2
    await reflector.stop()


async def test_stop_ends_a_watch_at_once_and_forgets(
    simulator: ApiServerSimulator, reflector: Reflector[Names]
) -> None:
    await reflector.start()
    await watching(simulator)
    async with asyncio.timeout(1):
        await reflector.stop()
    assert reflector.state is None


async def test_an_outage_is_one_warning(
    simulator: ApiServerSimulator, reflector: Reflector[Names], caplog: pytest.LogCaptureFixture
) -> None:
    await reflector.start()
    await watching(simulator)
    await simulator.go_away()
    await until(lambda: reflector.failures >= 5, 5, "many failures")
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.message for record in warnings] == ["reflector must list anew"]
