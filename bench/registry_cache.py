"""What a webhook holds after very many images: its memory, and what they cost a warm review."""

import time
from contextlib import ExitStack
from typing import Any

from bench.evidence import image_digests
from bench.ledger import Ledger
from bench.load_generator import Target
from bench.machine import resident_mib
from bench.pairs import Contender, medians, take_turns, throughput_ratios
from bench.process_start import serving
from bench.registry_site import PATH, Reviewer
from bench.registry_synthetic import REPOSITORY, SyntheticRegistry
from bench.report import Figure, Title
from bench.stage import Stage, say
from tests.harness.evidence import REPOSITORY as IMAGES
from tests.harness.gate import Gate

_FEW = 100
_IMAGES_A_REVIEW = 100
_MEMORY_MIB = 150.0


def measure(stage: Stage) -> list[Figure]:
    """Lets one webhook look up few images and another very many, and loads both in turns.

    Args:
        stage: The shared parts.

    Returns:
        Memory after the many, and throughput as a ratio to that after the few.
    """
    load, count = stage.load, stage.effort.verdicts
    with ExitStack() as stack:
        gates = [_gate(stage, stack, name) for name in ("many-verdicts", "few-verdicts")]
        for gate in gates:
            stack.enter_context(serving(gate))
        ledgers = [Ledger(gate) for gate in gates]
        began = resident_mib(gates[0].program.pid)
        say(f"registry: one webhook looks {count:,} images up, another {_FEW}")
        reviews = [_look_up(gate, images) for gate, images in zip(gates, (count, _FEW), strict=True)]
        filled = resident_mib(gates[0].program.pid)
        rounds = take_turns(load, stage.effort, *(_contender(gate) for gate in gates))
        for index, ledger in enumerate(ledgers):
            ledger.expect_passes(reviews[index] + sum(turns[index].sample.requests for turns in rounds))
        used = max(filled, resident_mib(gates[0].program.pid))
    say(f"  memory: {began:.1f} MiB at first, {used:.1f} MiB in the end")
    memory = f"VmRSS after look-ups or load, whichever is more; {began:.0f} MiB at first; 2.6 KB of evidence each"
    how = f"the warm review, evidence in a registry; median of and spread over {len(rounds)} pairs of turns"
    after = f"after {count:,} images"
    return [
        Figure.of(Title(f"Registry store: memory {after}", "MiB", _MEMORY_MIB, memory), [used]),
        Figure.of(
            Title(f"Registry store: warm throughput {after} over that after {_FEW}", "", 0.95, how, at_least=True),
            throughput_ratios(rounds),
            medians(rounds, ("many", "few")),
        ),
    ]


def _gate(stage: Stage, stack: ExitStack, name: str) -> Gate:
    gate = Gate(stage.new_folder(name), {})
    host = stack.enter_context(SyntheticRegistry(gate.signer)).host
    section: dict[str, Any] = {
        "allow": [f"{IMAGES.partition('/')[0]}/*"],
        "hosts": {host: {"insecure": True, "addresses": ["127.0.0.0/8"]}},
        "evidenceRepository": f"{host}/{REPOSITORY}",
    }
    gate.configure(gate.configuration | {"stores": {"registry": section}})
    return gate


def _look_up(gate: Gate, count: int) -> int:
    """Asks about each image once; gives the number of reviews."""
    digests, reviewer = image_digests(count), Reviewer(gate)
    began, reviews = time.monotonic(), 0
    for first in range(0, count, _IMAGES_A_REVIEW):
        reviewer.milliseconds([f"{IMAGES}@{digest}" for digest in digests[first : first + _IMAGES_A_REVIEW]])
        reviews += 1
    reviewer.close()
    say(f"  {count:,} images in {time.monotonic() - began:.1f} s")
    return reviews


def _contender(gate: Gate) -> Contender:
    authority = gate.folder / "authority.pem"
    authority.write_bytes(gate.ca_pem)
    return Contender(gate.folder.name, Target(f"{gate.url}{PATH}", authority), gate.program.pid)
