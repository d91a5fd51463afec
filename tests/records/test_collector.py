"""Delivery: at least once, in order, whatever the collector does."""

import asyncio
import json
import threading
import time
from pathlib import Path

import pytest

from tests.records.collecting import LINES, until
from tests.simulators.collector import (
    CollectorSimulator,
    Fault,
    answers,
    endless_answer,
    hangs,
    reset_in_the_body,
    takes_and_says_nothing,
)
from webhook.limits import LIMITS
from webhook.records import collector as module
from webhook.records.collector import Collector
from webhook.records.destination import Destination
from webhook.records.spool import Spool


async def test_lines_are_posted_as_json_lines(
    simulator: CollectorSimulator, spool: Spool, collector: Collector
) -> None:
    spool.write(LINES)
    await until(lambda: collector.delivered == 20, "all are delivered")
    assert simulator.taken == LINES
    [posted] = simulator.asked
    assert posted.path == "/records"
    assert posted.headers["content-type"] == "application/x-ndjson"
    assert "authorization" not in posted.headers
    assert (collector.waiting, collector.failures, collector.refused) == (0, 0, 0)


async def test_what_was_there_before_the_start_is_delivered_first(
    simulator: CollectorSimulator, spool: Spool
) -> None:
    spool.write(LINES[:2])
    made = Collector(spool, Destination(simulator.url, simulator.ca_file, None, 5.0))
    await made.start()
    spool.write(LINES[2:])
    await made.close(5)
    assert simulator.taken == LINES


async def test_the_token_is_read_for_each_batch(simulator: CollectorSimulator, spool: Spool, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    made = Collector(spool, Destination(simulator.url, simulator.ca_file, token, 5.0))
    await made.start()
    spool.write(LINES[:1])
    await until(lambda: made.delivered == 1, "the first")
    token.write_text("second")
    spool.write(LINES[1:2])
    await until(lambda: made.delivered == 2, "the second")
    await made.close(5)
    assert [posted.headers["authorization"] for posted in simulator.asked] == ["Bearer first", "Bearer second"]


async def test_a_token_that_is_gone_is_waited_for(
    simulator: CollectorSimulator, spool: Spool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = tmp_path / "token"
    made = Collector(spool, Destination(simulator.url, simulator.ca_file, token, 5.0))
    await made.start()
    spool.write(LINES)
    await until(lambda: made.failures, "it is tried")
    assert simulator.asked == []
    token.write_text("here")
    await until(lambda: made.delivered == 20, "all are delivered")
    await made.close(5)
    assert "does not hold one token" in caplog.records[0].__dict__["detail"]


FAULTS: dict[str, tuple[Fault, str]] = {
    "500": (answers(500), "it answers 500"),
    "401": (answers(401), "it answers 401"),
    "404": (answers(404), "it answers 404"),
    "429": (answers(429), "it answers 429"),
    "a redirect": (answers(307, {"Location": "/elsewhere"}), "it answers 307"),
    "a reset": (reset_in_the_body, "the connection failed"),
    "a date to retry after": (answers(503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), "it answers 503"),
    "a strange time to retry after": (answers(503, {"Retry-After": "-1e999"}), "it answers 503"),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_after_a_fault_everything_is_delivered(
    simulator: CollectorSimulator,
    spool: Spool,
    collector: Collector,
    case: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    simulator.fault, detail = FAULTS[case]
    spool.write(LINES)
    await until(lambda: collector.failures >= 3, "it is tried again and again")
    assert collector.delivered == 0
    simulator.fault = None
    await until(lambda: collector.delivered == 20, "all are delivered")
    assert simulator.taken == LINES
    first, last = caplog.records[0], caplog.records[-1]
    assert (first.message, first.__dict__["detail"]) == ("the collector does not take records", detail)
    assert last.message == "the collector takes records again"
    # The outage is one line, and its end another.
    assert len(caplog.records) == 2


async def test_a_redirect_leads_nowhere(simulator: CollectorSimulator, spool: Spool, collector: Collector) -> None:
    simulator.fault = answers(307, {"Location": "/elsewhere"})
    spool.write(LINES)
    await until(lambda: collector.failures >= 2, "it is tried again")
    assert {posted.path for posted in simulator.asked} == {"/records"}


async def test_retry_after_is_obeyed(simulator: CollectorSimulator, spool: Spool, collector: Collector) -> None:
    simulator.fault = answers(429, {"Retry-After": "1"})
    spool.write(LINES)
    await until(lambda: collector.failures == 1, "it is refused", 5)
    begun = time.monotonic()
    simulator.fault = None
    await until(lambda: collector.delivered, "it is delivered")
    assert time.monotonic() - begun > 0.9


async def test_retry_after_is_obeyed_only_up_to_a_bound(
    simulator: CollectorSimulator, spool: Spool, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMITS", type(LIMITS)(collector_retry_after=0.1))
    simulator.fault = answers(429, {"Retry-After": "999999"})
    spool.write(LINES)
    await until(lambda: collector.failures >= 3, "it is tried again")


async def test_an_answer_that_got_lost_delivers_twice_and_loses_nothing(
    simulator: CollectorSimulator, spool: Spool, collector: Collector
) -> None:
    simulator.fault = takes_and_says_nothing
    spool.write(LINES)
    await until(lambda: collector.failures, "the answer is missed")
    simulator.fault = None
    await until(lambda: collector.delivered == 20, "it is delivered")
    assert len(simulator.taken) >= 40
    assert list(dict.fromkeys(simulator.taken)) == LINES


async def test_a_collector_that_hangs_is_given_up_after_its_time(simulator: CollectorSimulator, spool: Spool) -> None:
    release = threading.Event()
    simulator.fault = hangs(release)
    made = Collector(spool, Destination(simulator.url, simulator.ca_file, None, 0.2))
    await made.start()
    spool.write(LINES)
    await until(lambda: made.failures, "it is given up")
    simulator.fault = None
    release.set()
    await until(lambda: made.delivered == 20, "all are delivered")
    await made.close(5)


async def test_an_endless_answer_is_not_read(
    simulator: CollectorSimulator, spool: Spool, collector: Collector
) -> None:
    simulator.fault = endless_answer
    spool.write(LINES)
    await until(lambda: collector.delivered == 20, "its status is enough")
    simulator.fault = None
    spool.write(LINES[:1])
    await until(lambda: collector.delivered == 21, "it goes on")


async def test_an_unknown_authority_is_not_believed(
    simulator: CollectorSimulator, spool: Spool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "other").mkdir()
    with CollectorSimulator(tmp_path / "other") as other:
        made = Collector(spool, Destination(simulator.url, other.ca_file, None, 5.0))
    await made.start()
    spool.write(LINES)
    await until(lambda: made.failures, "it is not believed")
    assert caplog.records[0].__dict__["detail"] == "its certificate is not valid"
    # The authority's file is replaced, as it is when a certificate's issuer changes.
    other.ca_file.write_bytes(simulator.ca_file.read_bytes())
    await until(lambda: made.delivered == 20, "it is believed")
    await made.close(5)


async def test_closing_delivers_what_is_there(simulator: CollectorSimulator, spool: Spool) -> None:
    made = Collector(spool, Destination(simulator.url, simulator.ca_file, None, 5.0))
    await made.start()
    spool.write(LINES)
    await made.close(10)
    assert simulator.taken == LINES


async def test_closing_leaves_in_the_spool_what_the_collector_does_not_take(
    simulator: CollectorSimulator, spool: Spool, tmp_path: Path
) -> None:
    simulator.fault = answers(500, {"Retry-After": "300"})
    made = Collector(spool, Destination(simulator.url, simulator.ca_file, None, 5.0))
    await made.start()
    spool.write(LINES)
    await until(lambda: made.failures, "it is refused")
    begun = time.monotonic()
    await made.close(10)
    # One more try, and no five minutes.
    assert time.monotonic() - begun < 5
    assert made.failures == 2
    assert Spool(tmp_path / "spool", 1024 * 1024).waiting == sum(map(len, LINES)) + 20


async def test_closing_waits_for_a_collector_that_hangs_no_longer_than_it_may(
    simulator: CollectorSimulator, spool: Spool
) -> None:
    release = threading.Event()
    simulator.fault = hangs(release)
    made = Collector(spool, Destination(simulator.url, simulator.ca_file, None, 60.0))
    await made.start()
    spool.write(LINES)
    await until(lambda: simulator.asked, "it hangs")
    begun = time.monotonic()
    await made.close(0.3)
    assert time.monotonic() - begun < 2
    release.set()


async def test_the_loop_goes_on_meanwhile(simulator: CollectorSimulator, spool: Spool, collector: Collector) -> None:
    large = [json.dumps({"n": number, "x": "x" * 200_000}).encode() for number in range(4)]
    longest, stop = 0.0, False

    async def _beat() -> None:
        nonlocal longest
        while not stop:
            begun = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - begun)

    beating = asyncio.create_task(_beat())
    spool.write(large)
    await until(lambda: collector.delivered == 4, "all are delivered")
    stop = True
    await beating
    assert simulator.taken == large
    # Two cores, shared with the simulator's thread.
    assert longest < 0.5
