import asyncio
import json

import pytest

from tests.kube.names import PACE, Names, Slow, longest_wait, names, watching
from tests.kube.waiting import until
from tests.simulators.api_server import COLLECTION, ApiServerSimulator, Fault, cuts, sends, status
from webhook.kube.client import KubeClient
from webhook.kube.reflector import Reflector, ReflectorPace


async def test_all_pages_are_known_once_start_returns(simulator: ApiServerSimulator, client: KubeClient) -> None:
    for number in range(7):
        await simulator.put(f"e{number}", {})
    reflector = Reflector(client, COLLECTION, Names, ReflectorPace(page_objects=3))
    await reflector.start()
    assert names(reflector) == {f"e{number}" for number in range(7)}
    assert [query.get("continue") for query in simulator.queries] == [None, "3", "6"]
    await reflector.stop()


async def test_objects_come_change_and_go(simulator: ApiServerSimulator, reflector: Reflector[Names]) -> None:
    await reflector.start()
    await simulator.put("e", {"a": 1})
    await until(lambda: reflector.state and reflector.state.specs == {"e": {"a": 1}}, 5, "the object is known")
    await simulator.put("e", {"a": 2})
    await until(lambda: reflector.state and reflector.state.specs == {"e": {"a": 2}}, 5, "the change is known")
    await simulator.delete("e")
    await until(lambda: not names(reflector), 5, "the object is gone")
    assert reflector.lists == 1


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        status(403),
        status(404),
        status(429),
        sends(b"<html>"),
        sends(b"[]"),
        sends(b"{}"),
        sends(b'{"metadata":{"resourceVersion":""},"items":[]}'),
        sends(b'{"metadata":{"resourceVersion":"1"},"items":null}'),
        sends(b'{"metadata":{"resourceVersion":"1"},"items":[{}]}'),
        cuts(b'{"metadata":{"resourceVersion":"1"},"items":['),
    ],
)
async def test_a_list_that_fails_is_not_an_empty_one(
    simulator: ApiServerSimulator, reflector: Reflector[Names], fault: Fault
) -> None:
    simulator.faults["list"].append(fault)
    await simulator.put("e", {})
    await reflector.start()
    assert reflector.state is None
    assert reflector.failure
    await until(lambda: names(reflector) == {"e"}, 5, "the next list is read")
    assert reflector.failure == ""


async def test_a_page_that_fails_leaves_readers_the_whole_old_state(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    for number in range(4):
        await simulator.put(f"e{number}", {})
    pace = ReflectorPace(page_objects=2, pause_seconds=0.02, pause_cap_seconds=0.05)
    reflector = Reflector(client, COLLECTION, Names, pace)
    await reflector.start()
    before = names(reflector)
    first = {"metadata": {"resourceVersion": "9", "continue": "2"}, "items": []}
    simulator.faults["list"] += [sends(json.dumps(first).encode()), status(410)]
    simulator.faults["watch"].append(status(410))
    seen = set()
    while reflector.lists < 2:
        seen.add(frozenset(names(reflector)))
        await asyncio.sleep(0)
    assert seen == {frozenset(before)}
    await reflector.stop()


async def test_a_server_that_asks_to_wait_is_obeyed(simulator: ApiServerSimulator, client: KubeClient) -> None:
    simulator.faults["list"].append(status(429, {"Retry-After": "1"}))
    reflector = Reflector(client, COLLECTION, Names, ReflectorPace(pause_seconds=0.01))
    await reflector.start()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await until(lambda: reflector.lists, 5, "a list")
    assert loop.time() - began > 0.9
    await reflector.stop()


async def test_a_long_retry_after_does_not_outlast_the_cap(
    simulator: ApiServerSimulator, reflector: Reflector[Names]
) -> None:
    simulator.faults["list"].append(status(429, {"Retry-After": "86400"}))
    await reflector.start()
    await until(lambda: reflector.lists, 5, "a list")


async def test_known_objects_stay_while_the_server_is_away_and_are_corrected_after(
    simulator: ApiServerSimulator, reflector: Reflector[Names]
) -> None:
    await simulator.put("old", {})
    await reflector.start()
    await watching(simulator)
    await simulator.go_away()
    await until(lambda: reflector.failures >= 2, 5, "the server is missed")
    assert names(reflector) == {"old"}
    unheard = reflector.unheard_seconds
    await until(lambda: reflector.unheard_seconds > unheard, 5, "the silence grows")
    await simulator.delete("old")
    await simulator.put("new", {})
    await simulator.listen()
    await until(lambda: names(reflector) == {"new"}, 5, "the state is right again")


async def test_a_cluster_restored_to_an_older_revision_is_noticed(
    simulator: ApiServerSimulator, reflector: Reflector[Names]
) -> None:
    await simulator.put("lost", {})
    await reflector.start()
    await watching(simulator)
    await simulator.go_away()
    simulator.restore()
    await simulator.put("kept", {})
    await simulator.listen()
    await until(lambda: names(reflector) == {"kept"}, 5, "the older cluster is seen")


async def test_pages_shrink_while_objects_are_large(simulator: ApiServerSimulator, client: KubeClient) -> None:
    for number in range(20):
        await simulator.put(f"e{number:02d}", {"text": "x" * 1000})
    reflector = Reflector(client, COLLECTION, Names, ReflectorPace(page_objects=20, page_bytes=4000))
    await reflector.start()
    assert len(names(reflector)) == 20
    # 20 / 8 = 2 objects of a little over 1,000 bytes fit into 4,000.
    assert [query["limit"] for query in simulator.queries] == ["20", *["2"] * 10]
    await reflector.stop()


async def test_an_object_that_exceeds_a_page_alone_is_a_failure(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    await simulator.put("large", {"text": "x" * 5000})
    reflector = Reflector(client, COLLECTION, Names, ReflectorPace(page_bytes=4000))
    await reflector.start()
    assert reflector.state is None
    await reflector.stop()


async def test_a_list_without_end_is_a_failure(simulator: ApiServerSimulator, client: KubeClient) -> None:
    page = json.dumps({"metadata": {"resourceVersion": "9", "continue": "more"}, "items": []}).encode()
    simulator.faults["list"].extend([sends(page)] * 100_000)
    reflector = Reflector(client, COLLECTION, Names, ReflectorPace(list_seconds=0.3))
    async with asyncio.timeout(3):
        await reflector.start()
    assert reflector.state is None
    await reflector.stop()


async def test_a_long_page_lets_others_run(simulator: ApiServerSimulator, client: KubeClient) -> None:
    for number in range(200):
        await simulator.put(f"e{number}", {})
    reflector: Reflector[Names] = Reflector(client, COLLECTION, lambda _: Slow(), PACE)
    starting = asyncio.create_task(reflector.start())
    assert await longest_wait(starting.done) < 0.1
    assert len(names(reflector)) == 200
    await reflector.stop()
