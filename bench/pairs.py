"""Two servers under load in turns, so that whatever else the machine does meets both alike."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load_generator import LoadGenerator, Sample, Target
from bench.machine import processor_seconds
from bench.stage import Effort, say


@dataclass(frozen=True)
class Contender:
    """One of the two.

    Attributes:
        name: For the progress lines and the details.
        target: Where it listens.
        pid: Its process.
    """

    name: str
    target: Target
    pid: int


@dataclass(frozen=True)
class Turn:
    """One server's turn in one round.

    Attributes:
        sample: What the clients saw.
        processor_us: Processor time that the server used for a request, microseconds. Other programs on the machine
            change it little.
    """

    sample: Sample
    processor_us: float


Pair = tuple[Turn, Turn]


def take_turns(load: LoadGenerator, effort: Effort, one: Contender, other: Contender) -> list[Pair]:
    """Loads two servers in turns.

    Args:
        load: The generator.
        effort: How many rounds and how long a turn.
        one: Goes first.
        other: Goes second.

    Returns:
        One pair a round.
    """
    pairs = []
    for number in range(1, effort.pairs + 1):
        pair = _turn(load, effort, one), _turn(load, effort, other)
        said = ", ".join(
            f"{contender.name} {turn.sample.per_second:.0f}/s p99 {turn.sample.p99_ms:.2f} ms"
            for contender, turn in zip((one, other), pair, strict=True)
        )
        say(f"  round {number} of {effort.pairs}: {said}")
        pairs.append(pair)
    return pairs


def throughput_ratios(pairs: Sequence[Pair]) -> list[float]:
    """Divides the first server's throughput by the second's, pair by pair.

    Args:
        pairs: The rounds.

    Returns:
        One ratio a round.
    """
    return [one.sample.per_second / other.sample.per_second for one, other in pairs]


def tail_ratios(pairs: Sequence[Pair]) -> list[float]:
    """Divides the first server's 99th percentile by the second's, pair by pair.

    Args:
        pairs: The rounds.

    Returns:
        One ratio a round.
    """
    return [one.sample.p99_ms / other.sample.p99_ms for one, other in pairs]


def medians(pairs: Sequence[Pair], names: tuple[str, str]) -> dict[str, float]:
    """Gives the absolute numbers behind the ratios.

    Args:
        pairs: The rounds.
        names: The two servers' names.

    Returns:
        Medians over the rounds; the names carry the unit.
    """
    return {
        f"{name}_{what}": round(statistics.median(values), 2)
        for name, turns in zip(names, zip(*pairs, strict=True), strict=True)
        for what, values in {
            "per_second": [turn.sample.per_second for turn in turns],
            "p50_ms": [turn.sample.p50_ms for turn in turns],
            "p99_ms": [turn.sample.p99_ms for turn in turns],
            "processor_us": [turn.processor_us for turn in turns],
            "generator_busy": [turn.sample.busy for turn in turns],
        }.items()
    }


def _turn(load: LoadGenerator, effort: Effort, contender: Contender) -> Turn:
    before = processor_seconds(contender.pid)
    sample = load.run(contender.target, effort.seconds)
    return Turn(sample, (processor_seconds(contender.pid) - before) / sample.requests * 1e6)
