"""Enough containers are asked for, no more than that, and none of them spoils what the others say."""

import asyncio
from collections.abc import Callable

import pytest

from tests.observer.making import run
from tests.observer.watching import BUSY, Answer, Profiles
from webhook.attest.profile import Profile
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.observer import sampling
from webhook.observer.running import Run
from webhook.observer.sampling import Sampled, sample
from webhook.observer.sources.protocol import ProfileUnusableError

DOWN = UnavailableError("it hangs")
RUBBISH = ProfileUnusableError("it is rubbish")
SECONDS = 30.0
MOST = LIMITS.profile_sources
NOTHING = Sampled(None, (), None, answered=True)


def replicas(count: int) -> list[Run]:
    return [run(pod=f"cart-{number:03}") for number in range(count)]


def _never(_hot_symbols: int, _call_paths: int) -> bool:
    return False


async def asked(
    *given: Answer, suffices: Callable[[int, int], bool] = _never, hangs_after: int | None = None
) -> tuple[Sampled, list[str]]:
    """Asks for replicas of which the server gives these answers, and tells whom it was asked for."""
    runs = replicas(len(given))
    answers = {(made.pod, made.container): answer for made, answer in zip(runs, given, strict=True)}
    source = Profiles(answers, hangs_after=len(runs) if hangs_after is None else hangs_after)
    until = asyncio.get_running_loop().time() + (SECONDS if hangs_after is None else 0.3)
    async with asyncio.timeout(SECONDS):
        sampled = await sample(source, runs, until, suffices)
    return sampled, [one.pod for one, _, _ in source.asked]


async def test_no_more_containers_are_added_up_than_a_predicate_names() -> None:
    sampled, pods = await asked(*[b"main;a 1\n"] * (MOST + 5))
    assert sampled.counted is not None
    assert sampled.counted.total == len(pods) == MOST
    assert sampled.trouble is None


async def test_who_has_no_profiles_takes_nobody_s_place() -> None:
    sampled, pods = await asked(*[None, b"main;a 1\n"] * MOST, None)
    assert (len(sampled.runs), len(pods)) == (MOST, 2 * MOST)


async def test_there_is_an_end_to_asking_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_QUESTIONS", 70)
    sampled, pods = await asked(*[None] * 100)
    assert len(pods) == 70
    # Not "there is nothing".
    assert sampled == Sampled(None, (), "only 70 of 100 containers were asked for", answered=True)
    sampled, _ = await asked(BUSY, *[None] * 99)
    assert sampled.trouble is None


async def test_a_server_that_fails_at_once_is_not_asked_for_every_replica() -> None:
    sampled, pods = await asked(*[DOWN] * 20)
    assert len(pods) == 4
    assert sampled.trouble == "4 of 20 containers could not be read: it hangs; only 4 of 20 containers were asked for"
    assert not sampled.answered


async def test_a_server_that_fails_later_is_not_asked_on_and_what_it_gave_stays() -> None:
    sampled, pods = await asked(*[BUSY] * 4, *[DOWN] * 20)
    assert (len(pods), len(sampled.runs)) == (8, 4)
    assert sampled.trouble == "4 of 24 containers could not be read: it hangs"
    assert sampled.answered


@pytest.mark.parametrize("first", [[None, DOWN, DOWN, DOWN], [RUBBISH, DOWN, DOWN, DOWN], [RUBBISH] * 4])
async def test_a_server_that_answers_about_anybody_is_asked_on(first: list[Answer]) -> None:
    sampled, pods = await asked(*first, None, BUSY)
    assert (len(pods), [made.pod for made in sampled.runs]) == (6, ["cart-005"])
    assert sampled.answered


async def test_nothing_at_all_is_no_failure() -> None:
    sampled, pods = await asked(*[None] * 9)
    assert (sampled, len(pods)) == (NOTHING, 9)


@pytest.mark.parametrize("fault", [DOWN, RUBBISH])
async def test_a_failure_beside_nothing_is_unknown_and_not_nothing(fault: UnavailableError) -> None:
    sampled, _ = await asked(*[None] * 4, fault, None)
    assert sampled == Sampled(None, (), f"1 of 6 containers could not be read: {fault.detail}", answered=True)


async def test_what_is_lost_is_told() -> None:
    sampled, _ = await asked(BUSY, None, DOWN, None, DOWN, BUSY)
    assert [made.pod for made in sampled.runs] == ["cart-000", "cart-005"]
    assert sampled.trouble == "2 of 6 containers could not be read: it hangs"


async def test_when_time_is_up_what_was_read_is_kept() -> None:
    sampled, pods = await asked(*[BUSY] * 20, hangs_after=6)
    assert (len(sampled.runs), len(pods)) == (6, 8)
    assert sampled.trouble == "the time for asking was up after 6 of 20 containers"
    assert sampled.answered


async def test_a_server_that_says_nothing_in_time_has_not_answered() -> None:
    sampled, _ = await asked(*[BUSY] * 20, hangs_after=0)
    assert sampled == Sampled(None, (), "the time for asking was up after 0 of 20 containers", answered=False)


async def test_a_profile_that_cannot_be_added_to_the_others_is_left_out_and_told() -> None:
    other = Profile.of({("main", "a"): 10**9}, measure="cpu/nanoseconds")
    sampled, pods = await asked(BUSY, other, BUSY, None, BUSY)
    assert (len(sampled.runs), len(pods)) == (3, 5)
    assert sampled.counted is not None
    assert sampled.counted.total == 600
    assert sampled.trouble == (
        "1 of 5 containers could not be read: the profiles cannot be added up: profiles of different measures cannot "
        "be added up: cpu/nanoseconds, samples/count"
    )


def at_least(hot_symbols: int) -> Callable[[int, int], bool]:
    return lambda hot, paths: hot >= hot_symbols and paths >= 1


async def test_asking_ends_when_what_was_read_is_enough() -> None:
    # Five symbols with a fifth each: of 64 replicas that are as busy, four have a sixteenth between them.
    sampled, pods = await asked(*[BUSY] * MOST, suffices=at_least(5))
    assert len(sampled.runs) == len(pods) == 4
    assert sampled.trouble is None


STEPS = 40
FLAT = b"".join(b"main;step%d 5\n" % number for number in range(STEPS))
"""Each has a fortieth: of 64 replicas, 26 have at least a hundredth of the whole between them."""


async def test_it_is_not_enough_while_the_others_could_make_it_too_little() -> None:
    sampled, pods = await asked(*[FLAT] * MOST, suffices=at_least(STEPS))
    assert len(sampled.runs) == len(pods) == 28
    sampled, pods = await asked(*[FLAT] * MOST, *[None] * 100, suffices=at_least(STEPS))
    assert len(pods) == 28
    # There are only four others.
    sampled, pods = await asked(*[FLAT] * 8, suffices=at_least(STEPS))
    assert len(pods) == 4


async def test_who_is_asked_first_does_not_decide() -> None:
    # The first four are another program than all others together, in which nothing is hot but one function.
    idle = b"main;loop 2000\n"
    rare = b"main;a 20\nmain;b 20\nmain;c 20\nmain;loop 1940\n"
    sampled, pods = await asked(*[rare] * 4, *[idle] * 60, suffices=at_least(4))
    assert len(pods) == MOST
    assert sampled.counted is not None
    assert sum(count * 100 >= sampled.counted.total for count in sampled.counted.leaves.values()) == 1
