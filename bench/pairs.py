"""Servers under load in turns, so that whatever else the machine does meets all of them alike."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load_generator import LoadGenerator, Sample, Target
from bench.machine import processor_seconds
from bench.stage import Effort, say


@dataclass(frozen=True)
class Contender:
    """One of the servers.

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


Round = tuple[Turn, ...]
"""One turn a server, in the order in which they were given."""


def take_turns(load: LoadGenerator, effort: Effort, *contenders: Contender) -> list[Round]:
    """Loads servers in turns.

    Args:
        load: The generator.
        effort: How many rounds and how long a turn.
        contenders: The servers, in the order of their turns.

    Returns:
        The rounds.
    """
    rounds = []
    for number in range(1, effort.pairs + 1):
        turns = tuple(_turn(load, effort, contender) for contender in contenders)
        said = ", ".join(
            f"{contender.name} {turn.sample.per_second:.0f}/s p99 {turn.sample.p99_ms:.2f} ms"
            for contender, turn in zip(contenders, turns, strict=True)
        )
        say(f"  round {number} of {effort.pairs}: {said}")
        rounds.append(turns)
    return rounds


def throughput_ratios(rounds: Sequence[Round], yardstick: int = 1) -> list[float]:
    """Divides the first server's throughput by another's, round by round.

    Args:
        rounds: The rounds.
        yardstick: Which server is the other one; the first is 0.

    Returns:
        One ratio a round.
    """
    return [turns[0].sample.per_second / turns[yardstick].sample.per_second for turns in rounds]


def tail_ratios(rounds: Sequence[Round]) -> list[float]:
    """Divides the first server's 99th percentile by the second's, round by round.

    Args:
        rounds: The rounds.

    Returns:
        One ratio a round.
    """
    return [turns[0].sample.p99_ms / turns[1].sample.p99_ms for turns in rounds]


def medians(rounds: Sequence[Round], names: Sequence[str]) -> dict[str, float]:
    """Gives the absolute numbers behind the ratios.

    Args:
        rounds: The rounds.
        names: The servers' names, in the order of their turns.

    Returns:
        Medians over the rounds; the names carry the unit.
    """
    return {
        f"{name}_{what}": round(statistics.median(values), 2)
        for name, turns in zip(names, zip(*rounds, strict=True), strict=True)
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
