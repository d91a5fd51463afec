"""A real process and its sinks: what a kill, a stop and a collector that is away leave behind."""

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.admission.requests import SEEN, UNSEEN, deployment, review
from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.records.test_verify import verified
from tests.simulators.collector import CollectorSimulator, answers, hangs

SECONDS = 15


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[CollectorSimulator]:
    with CollectorSimulator(tmp_path) as made:
        yield made


@pytest.fixture
def gate(tmp_path: Path, simulator: CollectorSimulator) -> Iterator[Gate]:
    folder = tmp_path / "gate"
    folder.mkdir()
    collector = {"url": simulator.url, "caFile": str(simulator.ca_file), "spool": {"path": "spool"}}
    records = {"file": {"path": "records.jsonl"}, "collector": collector}
    made = Gate(folder, {}, events={"enabled": False}, records=records)
    made.publish(digest_of("seen"))
    made.start()
    yield made
    made.program.kill()


def ask(gate: Gate, body: bytes) -> str:
    """Has a review answered; gives the record's digest."""
    address = urlsplit(gate.url)
    context = ssl.create_default_context(cadata=gate.ca_pem.decode())
    connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=10, context=context)
    try:
        connection.request("POST", "/admit/production?timeout=10s", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    digest: str = answer["response"]["auditAnnotations"]["decision"]
    return digest


def asked(gate: Gate, count: int) -> list[str]:
    return [ask(gate, review(deployment(SEEN if n % 2 else UNSEEN), uid=f"u-{n}")) for n in range(count)]


def decisions(lines: list[bytes]) -> list[str]:
    documents: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [document["decision"] for document in documents if document["message"] == "decision"]


def file_lines(gate: Gate) -> list[bytes]:
    return (gate.folder / "records.jsonl").read_bytes().splitlines()


def log_lines(gate: Gate) -> list[bytes]:
    return gate.program.log.read_bytes().splitlines()


def test_a_clean_stop_leaves_every_sink_whole(gate: Gate, simulator: CollectorSimulator) -> None:
    digests = asked(gate, 10)
    gate.program.terminate()
    assert gate.program.wait(SECONDS) == 0
    for lines in (file_lines(gate), simulator.taken, log_lines(gate)):
        verifier = verified(lines)
        assert verifier.whole(partial=False)
        assert decisions([line for line in lines if b'"chain"' in line]) == digests


def test_what_was_spooled_before_a_kill_is_delivered_after_the_restart(
    gate: Gate, simulator: CollectorSimulator
) -> None:
    simulator.fault = answers(503)
    digests = asked(gate, 10)
    poll(lambda: gate.metric("execution_evidence_gate_records_written_total") == 30, SECONDS, "all are spooled")
    assert gate.metric("execution_evidence_gate_records_waiting_bytes") > 0
    gate.program.kill()
    assert simulator.taken == []
    simulator.fault = None
    gate.start()
    poll(lambda: len(simulator.taken) == 10, SECONDS, "all are delivered")
    assert decisions(simulator.taken) == digests
    more = asked(gate, 3)
    gate.program.terminate()
    assert gate.program.wait(SECONDS) == 0
    assert decisions(simulator.taken) == digests + more
    verifier = verified(simulator.taken)
    # The chain of the killed process has no end; the other one is whole.
    assert verifier.whole(partial=True)
    assert [chain.closed for chain in verifier.chains.values()] == [False, True]


def test_a_kill_between_delivery_and_its_answer_delivers_twice_and_loses_nothing(
    gate: Gate, simulator: CollectorSimulator
) -> None:
    release = threading.Event()

    def _take_and_hang(_: object, lines: list[bytes]) -> None:
        simulator.taken += lines
        release.wait(30)

    simulator.fault = _take_and_hang
    digests = asked(gate, 5)
    poll(lambda: simulator.taken, SECONDS, "the collector has some")
    poll(lambda: gate.metric("execution_evidence_gate_records_written_total") == 15, SECONDS, "all are spooled")
    gate.program.kill()
    simulator.fault = None
    release.set()
    gate.start()
    gate.program.terminate()
    assert gate.program.wait(SECONDS) == 0
    verifier = verified(simulator.taken)
    assert verifier.whole(partial=True)
    assert next(iter(verifier.chains.values())).repeated > 0
    assert list(dict.fromkeys(decisions(simulator.taken))) == digests


def test_a_collector_that_hangs_delays_no_answer_and_no_stop(gate: Gate, simulator: CollectorSimulator) -> None:
    release = threading.Event()
    simulator.fault = hangs(release)
    digests = asked(gate, 20)
    gate.program.terminate()
    assert gate.program.wait(SECONDS) == 0
    release.set()
    assert decisions(file_lines(gate)) == digests


def test_a_changed_section_waits_for_the_next_start_and_says_so(gate: Gate) -> None:
    records = {**gate.configuration["records"], "stdout": False}
    gate.configure({**gate.configuration, "records": records})
    message = "the section records has changed, which takes effect at the next start"
    poll(lambda: gate.log(message), SECONDS, "it is said")
    asked(gate, 1)
    poll(lambda: gate.log("decision"), SECONDS, "the decision is still logged")


def test_a_second_process_on_the_same_files_does_not_start(gate: Gate) -> None:
    first = gate.program
    gate._listen = {"listen": "127.0.0.1:0", "ops-listen": "127.0.0.1:0"}
    with pytest.raises(AssertionError, match="another process writes there"):
        gate.start()
    first.kill()
