"""`python -m bench.steps`: what each step of a warm review takes by itself, without TLS, HTTP and the loop.

The objects are the webhook's own, in the order of `webhook/server/admission.py`; the review is that of `warm`.
"""

import asyncio
import gc
import itertools
import json
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from bench import review
from bench.bare_server import answer_strictly
from bench.evidence import predicate
from bench.machine import SERVER_CORE, on_core
from bench.report import markdown
from tests.harness.gate import Gate
from webhook.admission.answer import build_response
from webhook.admission.decide import Question
from webhook.admission.images import new_images
from webhook.admission.pods import PodSource
from webhook.admission.record import record_decision
from webhook.admission.review import decode_review
from webhook.model.evidence import TriggerTime
from webhook.model.gate import Verdict
from webhook.model.timestamp import unix_millis
from webhook.records.opening import open_records
from webhook.server.logs import LineWriter
from webhook.server.metrics import Metrics
from webhook.server.ruleset import Ruleset, RulesetHolder
from webhook.server.traces import Traces
from webhook.settings.loading import load_settings
from webhook.settings.records import RecordSettings

_WARM_UP = 500
_REVIEWS = 5000
_STEPS = ("decode", "find images", "decide", "record", "answer", "traces", "bare")


def measure() -> dict[str, float]:
    """Takes the steps of many reviews, one review after another, on the server's core.

    Returns:
        Median microseconds: of each step (`decide` without `find images`), and of the whole strict handler (`bare`).
    """
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("wb") as nowhere, on_core(SERVER_CORE):
        gate = Gate(Path(folder), {})
        for digest in review.IMAGES:
            gate.publish(digest, **predicate())
        writer = LineWriter(nowhere.fileno())
        medians = asyncio.run(_measure(gate.folder / "config.yaml", writer))
        writer.close()
    return medians


def table(medians: Mapping[str, float], whole: Mapping[str, float]) -> str:
    """Writes the steps as a Markdown table.

    Args:
        medians: What `measure` gave.
        whole: Processor time of whole requests to running servers, microseconds, by server; may be empty.

    Returns:
        Lines, each with its end.
    """
    steps = {name: value for name, value in medians.items() if name != "bare"}
    steps["**all of these steps**"] = sum(steps.values())
    steps["decode and answer of the strict bare handler"] = medians["bare"]
    steps |= {f"whole request, running: {name}": value for name, value in whole.items()}
    return markdown(("Step", "µs"), [(name, f"{value:.1f}") for name, value in steps.items()])


async def _measure(config: Path, writer: LineWriter) -> dict[str, float]:
    rules = RulesetHolder(load_settings(config), None, Metrics())
    await rules.start()
    body = review.creation_review()
    records = open_records(RecordSettings(), config.parent, writer)
    traces = Traces(Metrics(), records, None)
    gc.collect()
    gc.freeze()
    taken = [await _review(body, rules.current, traces) for _ in range(_WARM_UP + _REVIEWS)]
    await rules.stop()
    await records.close(5.0)
    columns = zip(*taken[_WARM_UP:], strict=True)
    return {name: statistics.median(column) for name, column in zip(_STEPS, columns, strict=True)}


async def _review(body: bytes, rules: Ruleset, traces: Traces) -> tuple[float, ...]:
    """Gives one review's microseconds, in the order of `_STEPS`."""
    body = body.replace(review.UID.encode(), str(uuid.uuid4()).encode(), 1)
    settings, deadline = rules.settings, time.monotonic() + 10.0
    now = TriggerTime("unix_millis", unix_millis(datetime.now(UTC)))
    clock = [time.perf_counter_ns()]
    asked = decode_review(body)
    clock.append(time.perf_counter_ns())
    images = new_images(asked, body, PodSource(asked.kind.kind, asked.object))
    clock.append(time.perf_counter_ns())
    decision = await rules.decider.decide(Question(asked, body, "production", now, deadline))
    clock.append(time.perf_counter_ns())
    record = record_decision(decision, asked, settings, now)
    clock.append(time.perf_counter_ns())
    answer = build_response(asked.uid, decision, record.digest, settings)
    web.Response(body=json.dumps(answer).encode("ascii"), headers={"Content-Type": "application/json"})
    clock.append(time.perf_counter_ns())
    traces.leave(decision, asked, record, settings, 0.001)
    clock.append(time.perf_counter_ns())
    answer_strictly(body)
    clock.append(time.perf_counter_ns())
    assert decision.verdict is Verdict.PASS, decision
    assert len(images) == len(decision.images) == len(review.IMAGES), images
    decode, find, decide, *others = [(after - before) / 1000 for before, after in itertools.pairwise(clock)]
    return decode, find, decide - find, *others


if __name__ == "__main__":
    print(table(measure(), {}))
