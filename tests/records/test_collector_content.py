"""Entries with which a collector finds fault, and answers that hold what nobody wants."""

from pathlib import Path
from typing import Any

import pytest

from tests.records.collecting import LINES, until
from tests.simulators.collector import CollectorSimulator, answers, refuses_what_holds
from webhook.records import collector as module
from webhook.records.collector import Collector
from webhook.records.destination import Destination
from webhook.records.spool import Spool


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_an_entry_that_is_never_taken_is_set_aside_and_stops_no_other(
    simulator: CollectorSimulator, spool: Spool, collector: Collector, status: int, tmp_path: Path
) -> None:
    simulator.fault = refuses_what_holds(b'"n": 7}', status)
    spool.write(LINES)
    await until(lambda: collector.delivered == 19, "all others are delivered")
    assert simulator.taken == LINES[:7] + LINES[8:]
    assert collector.refused == 1
    assert (tmp_path / "spool" / "refused.jsonl").read_bytes() == LINES[7] + b"\n"


async def test_large_entries_in_a_row_make_no_other_wait(
    simulator: CollectorSimulator, spool: Spool, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Anybody who can create a Deployment can make a large record; with a pause after each, 100 of them are an hour.
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 60.0)
    monkeypatch.setattr(module, "_PAUSE_CAP_SECONDS", 60.0)
    simulator.fault = refuses_what_holds(b"large", 413)
    spool.write([b'{"large": %d}' % number for number in range(30)] + LINES)
    await until(lambda: collector.delivered == 20, "all others are delivered")
    assert (simulator.taken, collector.refused) == (LINES, 30)


async def test_a_collector_that_finds_fault_with_everything_is_not_given_everything_at_once(
    simulator: CollectorSimulator, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 60.0)
    monkeypatch.setattr(module, "_PAUSE_CAP_SECONDS", 60.0)
    simulator.fault = answers(400)
    made = Collector(spool, Destination(simulator.url, simulator.ca_file, None, 5.0))
    await made.start()
    spool.write(LINES)
    await until(lambda: made.refused == 1, "one entry is set aside")
    # The end cuts the pause short, and tries once more.
    await made.close(10)
    assert made.refused == 2


async def test_what_an_answer_holds_is_not_unpacked(
    simulator: CollectorSimulator, spool: Spool, collector: Collector
) -> None:
    # Neither a bomb nor rubbish: only the status matters.
    def _takes(handler: Any, lines: list[bytes]) -> None:
        handler.collector.taken += lines
        handler.answer(200, {"Content-Encoding": "gzip"}, b"no gzip at all")

    simulator.fault = _takes
    spool.write(LINES)
    await until(lambda: collector.delivered == 20, "all are delivered")
    assert (simulator.taken, collector.failures) == (LINES, 0)
