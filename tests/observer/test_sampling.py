import pytest

from tests.observer.making import run
from tests.observer.watching import BUSY, Answer, Profiles
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.observer.running import Run
from webhook.observer.sampling import Sampled, attributable, sample

DOWN = UnavailableError("it hangs")


def replicas(count: int) -> list[Run]:
    return [run(pod=f"cart-{number:03}") for number in range(count)]


def answers(runs: list[Run], *given: Answer) -> Profiles:
    return Profiles({(made.pod, made.container): answer for made, answer in zip(runs, given, strict=True)})


async def test_no_more_containers_are_asked_for_than_a_predicate_names() -> None:
    runs = replicas(LIMITS.profile_sources + 5)
    source = answers(runs, *[b"main;a 1\n"] * len(runs))
    sampled = await sample(source, runs)
    assert sampled.counted is not None
    assert sampled.counted.total == LIMITS.profile_sources
    assert {asked.pod for asked, _, _ in source.asked} == {made.pod for made in runs[: LIMITS.profile_sources]}


async def test_a_server_that_fails_at_once_is_not_asked_for_every_replica() -> None:
    runs = replicas(20)
    source = answers(runs, *[DOWN] * 20)
    with pytest.raises(UnavailableError, match="it hangs"):
        await sample(source, runs)
    assert len(source.asked) == 4


async def test_nothing_at_all_is_no_failure() -> None:
    runs = replicas(9)
    assert await sample(answers(runs, *[None] * 9), runs) == Sampled(None, (), None)


async def test_a_failure_after_nothing_is_unknown_and_not_nothing() -> None:
    runs = replicas(6)
    with pytest.raises(UnavailableError, match="it hangs"):
        await sample(answers(runs, *[None] * 4, DOWN, None), runs)


async def test_what_is_lost_is_told() -> None:
    runs = replicas(6)
    sampled = await sample(answers(runs, BUSY, None, DOWN, None, DOWN, BUSY), runs)
    assert [made.pod for made in sampled.runs] == ["cart-000", "cart-005"]
    assert sampled.trouble == "2 of 6 containers could not be asked for: it hangs"


def test_a_server_that_tells_containers_apart_answers_for_all() -> None:
    runs = [run(alone=False), run(pod="cart-1")]
    assert attributable(runs, tells_containers=True) == runs
    assert attributable(runs, tells_containers=False) == runs[1:]
