import asyncio
import time
from pathlib import Path

import pytest

from tests.kube.recording import PACE, Start, counts, draft, series_counts
from tests.kube.waiting import until
from tests.simulators.api_server import ApiServerSimulator, late
from webhook.kube.client import KubeClient
from webhook.kube.events import EventPace, EventRecorder
from webhook.kube.opening import open_client


async def test_an_event_is_posted(simulator: ApiServerSimulator, start: Start) -> None:
    recorder = await start(PACE)
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the Event is posted")
    [event] = simulator.events.values()
    assert (event["reason"], event["regarding"]["name"]) == ("EvidenceMissing", "cart")


async def test_repeats_become_a_count_in_few_calls(simulator: ApiServerSimulator, start: Start) -> None:
    recorder = await start(PACE)
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the Event is posted")
    for _ in range(99):
        recorder.record(draft())
    await until(lambda: recorder.patched, 5, "the count is patched")
    assert series_counts(simulator) == [100]
    assert (counts(recorder), simulator.requests["event"]) == ((1, 1, 0), 2)


async def test_a_count_is_patched_once_in_a_while(simulator: ApiServerSimulator, start: Start) -> None:
    recorder = await start(PACE)
    began = time.monotonic()
    number = 0
    while time.monotonic() - began < 1.0:
        recorder.record(draft())
        number += 1
        await asyncio.sleep(0.005)
    await until(lambda: series_counts(simulator) == [number], 5, "the whole count")
    # One patch in 0.2 s: five in a second, and one after it.
    assert 2 <= recorder.patched <= 6


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"namespace": "other"},
        {"reason": "Other"},
        {"note": "other"},
        {"type": "Normal"},
        {"uid": "1"},
    ],
)
async def test_what_differs_is_an_event_of_its_own(
    simulator: ApiServerSimulator, start: Start, change: dict[str, str]
) -> None:
    recorder = await start(PACE)
    recorder.record(draft())
    recorder.record(draft(**change))
    await until(lambda: recorder.posted == 2, 5, "both are posted")
    assert len(simulator.events) == 2


async def test_after_the_window_a_repeat_is_a_new_event(simulator: ApiServerSimulator, start: Start) -> None:
    recorder = await start(EventPace(rate=1000.0, burst=1000, window_seconds=0.1))
    recorder.record(draft())
    await asyncio.sleep(0.15)
    recorder.record(draft())
    await until(lambda: recorder.posted == 2, 5, "both are posted")
    assert series_counts(simulator) == [1, 1]


async def test_series_are_bounded_and_what_is_not_reported_still_is(
    simulator: ApiServerSimulator, start: Start
) -> None:
    recorder = await start(EventPace(rate=1000.0, burst=1000, series=10, patch_seconds=0.2))
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the first")
    recorder.record(draft())
    for number in range(50):
        recorder.record(draft(name=f"e{number}"))
    assert len(recorder._series) == 10
    await until(lambda: recorder.posted == 51 and recorder.patched == 1, 5, "all of them, and the count")
    assert sorted(series_counts(simulator)) == [1] * 50 + [2]


async def test_new_events_and_counts_take_turns(start: Start) -> None:
    # 20 counts that are due each 0.05 s are 400 calls a second, and 200 new Events wait: either alone fills the rate.
    recorder = await start(EventPace(rate=100.0, burst=20, patch_seconds=0.05))
    for number in range(20):
        recorder.record(draft(name=f"old{number}"))
    await until(lambda: recorder.posted == 20, 5, "the old ones")
    for number in range(200):
        recorder.record(draft(name=f"new{number}"))

    def enough() -> bool:
        for number in range(20):
            recorder.record(draft(name=f"old{number}"))
        return recorder.patched >= 20 and recorder.posted >= 40

    await until(enough, 5, "counts and new ones")
    assert recorder.posted < 220  # The counts did not wait for the last new one.


async def test_repeats_while_the_event_is_under_way_are_counted(simulator: ApiServerSimulator, start: Start) -> None:
    simulator.faults["event"].append(late(0.3, simulator.take_event))
    recorder = await start(PACE)
    recorder.record(draft())
    await until(lambda: simulator.requests["event"], 5, "the Event is under way")
    recorder.record(draft())
    await until(lambda: series_counts(simulator) == [2], 5, "the count")


async def test_close_posts_what_is_queued_and_the_last_counts(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    recorder = EventRecorder(client, "pod-1", EventPace(patch_seconds=3600))
    await recorder.start()
    recorder.record(draft())
    await until(lambda: recorder.posted, 5, "the first")
    recorder.record(draft())
    recorder.record(draft(name="other"))
    await recorder.close(5.0)
    assert sorted(series_counts(simulator)) == [1, 2]
    assert counts(recorder) == (2, 1, 0)


async def test_what_comes_after_close_is_dropped(simulator: ApiServerSimulator, client: KubeClient) -> None:
    recorder = EventRecorder(client, "pod-1", PACE)
    await recorder.start()
    await recorder.close(1.0)
    recorder.record(draft())
    assert (recorder.dropped, recorder.queued, simulator.requests["event"]) == (1, 0, 0)


async def test_what_comes_before_start_is_posted_after_it(simulator: ApiServerSimulator, client: KubeClient) -> None:
    recorder = EventRecorder(client, "pod-1", PACE)
    recorder.record(draft())
    await recorder.start()
    await recorder.close(5.0)
    assert len(simulator.events) == 1


async def test_close_without_start_counts_what_was_queued(tmp_path: Path) -> None:
    async with ApiServerSimulator(tmp_path) as simulator, open_client(simulator.kubeconfig) as client:
        recorder = EventRecorder(client, "pod-1")
        recorder.record(draft())
        await recorder.close(1.0)
        assert recorder.dropped == 1
