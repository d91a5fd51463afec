"""Warm reviews against two bare handlers: throughput and 99th percentile."""

from bench import review
from bench.evidence import predicate
from bench.ledger import Ledger
from bench.load_generator import CLIENTS, Target
from bench.pairs import Contender, Round, medians, tail_ratios, take_turns, throughput_ratios
from bench.process_start import serving
from bench.report import Figure, Title
from bench.stage import Stage, say
from bench.yardstick import bare_handlers
from tests.harness.gate import Gate

_PATH = "/admit/production?timeout=10s"
_NAMES = ("gate", "strict", "ordinary")
_YARDSTICKS = {
    "strict": "an aiohttp handler that decodes with a pydantic model of just the uid",
    "ordinary": 'an aiohttp handler as most people write it, `(await request.json())["request"]["uid"]`',
}


def measure(stage: Stage) -> list[Figure]:
    """Lets the webhook and the bare handlers answer the same 36 KB review in turns.

    Args:
        stage: The shared parts.

    Returns:
        Throughput as a ratio to that of either bare handler, and the 99th percentile as one to the strict handler's.
    """
    load = stage.load
    say("warm: the webhook and bare handlers on one core take turns, the clients are on the other")
    gate = Gate(stage.new_folder("warm"), {})
    for digest in review.IMAGES:
        gate.publish(digest, **predicate())
    authority = gate.folder / "authority.pem"
    authority.write_bytes(gate.ca_pem)
    with serving(gate), bare_handlers(gate.folder) as bare:
        ledger = Ledger(gate)
        urls = (gate.url, bare.strict_url, bare.ordinary_url)
        pids = (gate.program.pid, bare.pid, bare.pid)
        contenders = [
            Contender(name, Target(f"{url}{_PATH}", authority), pid)
            for name, url, pid in zip(_NAMES, urls, pids, strict=True)
        ]
        rounds = take_turns(load, stage.effort, *contenders)
        ledger.expect_passes(sum(turns[0].sample.requests for turns in rounds))
    return _figures(rounds)


def _figures(rounds: list[Round]) -> list[Figure]:
    details = medians(rounds, _NAMES)
    each = ", ".join(f"{name} {details[f'{name}_processor_us']:.0f} µs" for name in _NAMES)
    say(f"warm: processor time a review: {each}")
    hows = {name: f"yardstick: {what}" for name, what in _YARDSTICKS.items()}
    hows["strict"] += (
        f"; 36 KB Deployment, 2 images, evidence in a directory store, TLS, {CLIENTS} kept connections; "
        f"median of and spread over {len(rounds)} rounds of turns"
    )
    hows["ordinary"] += "; the same turns"
    throughputs = [
        Figure.of(_throughput(name, how), throughput_ratios(rounds, _NAMES.index(name)), details)
        for name, how in hows.items()
    ]
    tail = Title("Warm review: p99 over the strict bare handler's", "", 3.0, "the same turns")
    return [*throughputs, Figure.of(tail, tail_ratios(rounds))]


def _throughput(yardstick: str, how: str) -> Title:
    return Title(f"Warm review: throughput over the {yardstick} bare handler's", "", 0.8, how, at_least=True)
