"""Answers of real servers, as they came over the wire."""

from collections import Counter

import pytest

from tests.observer.sources.asking import KINDS, ask, refused
from tests.observer.sources.recording import RECORDED
from tests.simulators.profile_server import ProfileServerSimulator
from tests.simulators.profile_server_faults import plays
from webhook.attest.counted import count_execution
from webhook.attest.counting import distinct_paths, leaf_share
from webhook.attest.profile import Profile, Stack
from webhook.attest.reading import read_profile

PERIOD_NANOSECONDS = 10_000_000


def play(server: ProfileServerSimulator, kind: str, name: str) -> None:
    server.fault = plays((RECORDED / f"{kind}-{name}.http").read_bytes())


def stacks(profile: Profile) -> Counter[Stack]:
    """Without the parameters of Go's generic functions, which Pyroscope shortens."""
    found: Counter[Stack] = Counter()
    for stack, count in profile.stacks():
        found[tuple(symbol.partition("[")[0] for symbol in stack)] += count
    return found


@KINDS
async def test_the_profile_that_was_pushed_is_read(server: ProfileServerSimulator, kind: str) -> None:
    play(server, kind, "found")
    with (RECORDED / "pushed.pb.gz").open("rb") as stream:
        pushed = read_profile(stream)
    answer = await ask(server, kind)
    assert answer is not None
    assert answer.measure == "cpu/nanoseconds"
    assert stacks(answer) == {stack: count * PERIOD_NANOSECONDS for stack, count in stacks(pushed).items()}
    (source,) = answer.sources
    assert source.media_type == "application/vnd.google.protobuf+pprof"
    there, here = count_execution(answer), count_execution(pushed)
    assert distinct_paths(there) == distinct_paths(here)
    assert leaf_share(there).keys() == leaf_share(here).keys()


@KINDS
async def test_of_a_pod_that_nobody_profiled_there_is_none(server: ProfileServerSimulator, kind: str) -> None:
    play(server, kind, "nothing")
    assert await ask(server, kind) is None


async def test_pyroscope_refuses_a_window_of_more_than_a_day(server: ProfileServerSimulator) -> None:
    play(server, "pyroscope", "days")
    said = await refused(server, "pyroscope")
    assert said == "refuses the question (400): it may allow no such window or profile type"


async def test_parca_does_not(server: ProfileServerSimulator) -> None:
    play(server, "parca", "days")
    assert await ask(server, "parca") is not None


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("pyroscope", "has no such API there (404): is `url` right?"),
        ("parca", "has no such API there (gRPC status 12): is `url` right?"),
    ],
)
async def test_another_path_is_told(server: ProfileServerSimulator, kind: str, said: str) -> None:
    play(server, kind, "elsewhere")
    assert await refused(server, kind) == said
