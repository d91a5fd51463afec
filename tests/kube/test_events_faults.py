import time

import pytest
from aiohttp import web

from tests.kube.recording import PACE, Start, counts, draft, series_counts
from tests.kube.waiting import until
from tests.simulators.api_server import ApiServerSimulator, Fault, cuts, sends, status
from webhook.kube.client import KubeClient
from webhook.kube.events import EventPace, EventRecorder


async def test_a_full_queue_drops_what_comes_and_counts_it(start: Start) -> None:
    recorder = await start(EventPace(queue=5, rate=1000.0, burst=1000))
    for number in range(8):  # In one turn of the loop, so that nothing is taken out between.
        recorder.record(draft(name=f"e{number}"))
    assert recorder.dropped == 3
    await until(lambda: recorder.posted == 5, 5, "the others")


async def test_what_could_only_be_refused_is_dropped_without_a_call(
    simulator: ApiServerSimulator, start: Start
) -> None:
    recorder = await start(PACE)
    recorder.record(draft(namespace="a" * 64))
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the good one")
    assert (recorder.dropped, simulator.requests["event"]) == (1, 1)


@pytest.mark.parametrize("fault", [status(429), status(500), status(503), cuts()])
async def test_what_may_pass_is_tried_again(simulator: ApiServerSimulator, start: Start, fault: Fault) -> None:
    simulator.faults["event"] += [fault, fault]
    recorder = await start(PACE)
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the third try")
    assert (counts(recorder), simulator.requests["event"]) == ((1, 0, 0), 3)


async def test_tries_are_bounded(simulator: ApiServerSimulator, start: Start) -> None:
    simulator.faults["event"].extend([status(500)] * PACE.tries)
    recorder = await start(PACE)
    recorder.record(draft())
    await until(lambda: recorder.dropped, 5, "it is given up")
    assert simulator.requests["event"] == PACE.tries
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the next of its kind is posted, not patched")


@pytest.mark.parametrize("code", [400, 403, 404, 422])
async def test_what_does_not_pass_is_dropped_at_once_and_logged_without_flood(
    simulator: ApiServerSimulator, start: Start, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    simulator.faults["event"].extend([status(code)] * 20)
    recorder = await start(PACE)
    for number in range(20):
        recorder.record(draft(name=f"e{number}"))
    await until(lambda: recorder.dropped == 20, 5, "all are dropped")
    assert simulator.requests["event"] == 20
    assert [record.message for record in caplog.records] == ["Event dropped"]


async def test_a_server_that_asks_to_wait_is_obeyed(simulator: ApiServerSimulator, start: Start) -> None:
    simulator.faults["event"].append(status(429, {"Retry-After": "1"}))
    recorder = await start(EventPace(pause_seconds=0.01))
    began = time.monotonic()
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the second try")
    assert time.monotonic() - began > 0.9


async def test_an_event_whose_answer_was_lost_is_not_posted_twice(
    simulator: ApiServerSimulator, start: Start
) -> None:
    async def takes_and_cuts(request: web.Request) -> web.StreamResponse:
        await simulator.take_event(request)
        return await cuts()(request)

    simulator.faults["event"].append(takes_and_cuts)
    recorder = await start(PACE)
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the second try")
    assert (len(simulator.events), counts(recorder)) == (1, (1, 0, 0))


async def test_a_count_whose_event_has_expired_makes_a_new_one(simulator: ApiServerSimulator, start: Start) -> None:
    recorder = await start(PACE)
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the Event")
    simulator.events.clear()
    recorder.record(draft())
    await until(lambda: recorder.posted == 2, 5, "the new Event")
    assert series_counts(simulator) == [2]


async def test_a_storm_is_a_bounded_number_of_calls(simulator: ApiServerSimulator, start: Start) -> None:
    recorder = await start(EventPace(queue=1000, rate=20.0, burst=10))
    began = time.monotonic()
    for number in range(10_000):
        recorder.record(draft(name=f"e{number}"))
    took = time.monotonic() - began
    await until(lambda: recorder.posted >= 20, 5, "twenty Events")
    assert simulator.requests["event"] <= 10 + 20.0 * (time.monotonic() - began) + 1
    assert recorder.dropped == 9_000
    assert took < 1.0


async def test_a_long_retry_after_does_not_outlast_the_cap(simulator: ApiServerSimulator, start: Start) -> None:
    simulator.faults["event"].append(status(429, {"Retry-After": "86400"}))
    recorder = await start(PACE)
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the second try")


async def test_close_keeps_its_deadline_and_counts_the_rest(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    simulator.faults["event"].append(sends(hang=True))
    recorder = EventRecorder(client, "pod-1", PACE)
    await recorder.start()
    for number in range(10):
        recorder.record(draft(name=f"e{number}"))
    began = time.monotonic()
    await recorder.close(0.3)
    assert time.monotonic() - began < 1.0
    assert recorder.dropped == 10


async def test_a_server_that_is_away_blocks_nobody_and_later_events_arrive(
    simulator: ApiServerSimulator, start: Start
) -> None:
    recorder = await start(EventPace(queue=10, tries=2, rate=1000.0, burst=1000, pause_seconds=0.02))
    await simulator.go_away()
    slowest = 0.0
    for number in range(1000):
        began = time.perf_counter()
        recorder.record(draft(name=f"e{number}"))
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 0.05
    assert recorder.queued <= 10
    await simulator.listen()
    recorder.record(draft(name="later"))
    await until(lambda: not recorder.queued, 5, "the queue is empty")
    await until(lambda: recorder.posted + recorder.dropped == 1001, 5, "each Event is posted or counted")
    # What fitted into the queue has waited for the API server, and loses none of its tries.
    assert recorder.posted >= 10
