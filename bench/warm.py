"""Warm reviews against a bare handler: throughput and 99th percentile."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import review
from bench.evidence import predicate
from bench.ledger import Ledger
from bench.load_generator import CLIENTS, Target
from bench.machine import SERVER_CORE, on_core
from bench.pairs import Contender, medians, tail_ratios, take_turns, throughput_ratios
from bench.process_start import serving
from bench.report import Figure, Title
from bench.stage import Stage, say
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.process import Program

_BARE_SERVER = Path(__file__).resolve().with_name("bare_server.py")
_PATH = "/admit/production?timeout=10s"
_START_SECONDS = 10.0


def measure(stage: Stage) -> list[Figure]:
    """Lets the webhook and the bare handler answer the same 36 KB review in turns.

    Args:
        stage: The shared parts.

    Returns:
        Throughput and 99th percentile as ratios to the bare handler's.
    """
    load = stage.load
    say("warm: the webhook and a bare handler on one core take turns, the clients are on the other")
    gate = Gate(stage.new_folder("warm"), {})
    for digest in review.IMAGES:
        gate.publish(digest, **predicate())
    authority = gate.folder / "authority.pem"
    authority.write_bytes(gate.ca_pem)
    with serving(gate), _bare_server(gate.folder) as bare:
        ledger = Ledger(gate)
        one = Contender("gate", Target(f"{gate.url}{_PATH}", authority), gate.program.pid)
        port = bare.log.read_text().strip()
        other = Contender("bare", Target(f"https://127.0.0.1:{port}{_PATH}", authority), bare.pid)
        pairs = take_turns(load, stage.effort, one, other)
        ledger.expect_passes(sum(turn.sample.requests for turn, _ in pairs))
    details = medians(pairs, ("gate", "bare"))
    say(f"warm: {details['gate_processor_us']} µs of processor time a review, bare {details['bare_processor_us']} µs")
    how = (
        f"36 KB Deployment, 2 images, evidence in a directory store, TLS, {CLIENTS} kept connections; "
        f"median of and spread over {len(pairs)} pairs of turns"
    )
    throughput = Title("Warm review: throughput over a bare aiohttp handler's", "", 0.8, how, at_least=True)
    tail = Title("Warm review: p99 over the bare handler's", "", 3.0, "the same turns")
    return [Figure.of(throughput, throughput_ratios(pairs), details), Figure.of(tail, tail_ratios(pairs))]


@contextmanager
def _bare_server(folder: Path) -> Iterator[Program]:
    """Runs the bare handler with the webhook's own certificate; its log holds its port."""
    command: list[str | Path] = [sys.executable, _BARE_SERVER, folder / "tls.crt", folder / "tls.key"]
    with on_core(SERVER_CORE):
        program = Program(command, folder / "bare.log")

    def listens() -> bool:
        assert program.exit_code is None, program.tail()
        return program.log.read_text().endswith("\n")

    try:
        poll(listens, _START_SECONDS, "the bare handler listens")
        yield program
    finally:
        program.kill()
