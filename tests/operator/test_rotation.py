from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from webhook.operator.certificates import KeyPair, Lifetimes, issue_authority, issue_leaf
from webhook.operator.rotation import State, Step, carry_out, plan, retained

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
LIVES = Lifetimes()
NAMES = ("gate.stella.svc", "gate.stella.svc.cluster.local")
CA_DUE = timedelta(days=365) * 2 / 3
LEAF_DUE = 20 * DAY

CA, PRUNE, SPREAD, LEAF = Step.ISSUE_AUTHORITY, Step.PRUNE_BUNDLE, Step.SPREAD_BUNDLE, Step.ISSUE_LEAF

AUTHORITY = issue_authority(START, LIVES)
STRANGER = issue_authority(START, LIVES)


def leaf_at(now: datetime, authority: KeyPair = AUTHORITY, names: tuple[str, ...] = NAMES) -> KeyPair:
    return issue_leaf(authority, names, now, LIVES)


HEALTHY = State(
    AUTHORITY, (AUTHORITY.certificate,), leaf_at(START), frozenset(NAMES), spread=True, settled=True, lifetimes=LIVES
)
LATER = issue_authority(START + CA_DUE, LIVES)
"""The second authority, of the moment at which the first is due."""
OVERLAP = State(
    LATER,
    (LATER.certificate, AUTHORITY.certificate),
    leaf_at(START + CA_DUE - DAY),
    frozenset(NAMES),
    spread=True,
    settled=True,
    lifetimes=LIVES,
)
"""Two authorities, and a leaf of the old one that is a day old when the new one is made."""


@pytest.mark.parametrize(
    ("state", "age", "steps"),
    [
        pytest.param(HEALTHY, timedelta(), (), id="fresh"),
        pytest.param(HEALTHY, LEAF_DUE - SECOND, (), id="just before two thirds of the leaf"),
        pytest.param(HEALTHY, LEAF_DUE, (LEAF,), id="at two thirds of the leaf"),
        pytest.param(HEALTHY, LEAF_DUE + SECOND, (LEAF,), id="after two thirds of the leaf"),
        pytest.param(HEALTHY, LEAF_DUE + 7 * DAY, (LEAF,), id="a week away, the leaf still alive"),
        pytest.param(HEALTHY, LEAF_DUE + 11 * DAY, (LEAF,), id="longer away, the leaf expired"),
        pytest.param(HEALTHY, 366 * DAY, (CA, SPREAD, LEAF), id="a year away, all expired"),
        pytest.param(replace(HEALTHY, leaf=None), timedelta(), (LEAF,), id="no leaf"),
        pytest.param(replace(HEALTHY, spread=False), timedelta(), (SPREAD,), id="bundle changed by hand"),
        pytest.param(
            replace(HEALTHY, spread=False), LEAF_DUE, (SPREAD,), id="a leaf that works waits until the bundle is out"
        ),
        pytest.param(
            replace(HEALTHY, spread=False, leaf=None), DAY, (SPREAD, LEAF), id="a leaf that is missing does not wait"
        ),
        pytest.param(
            State(None, (), None, frozenset(NAMES), spread=False, settled=True, lifetimes=LIVES),
            timedelta(),
            (CA, SPREAD, LEAF),
            id="first start",
        ),
        pytest.param(
            replace(HEALTHY, authority=None), timedelta(), (CA, SPREAD), id="authority lost, its leaf works on"
        ),
        pytest.param(
            replace(HEALTHY, leaf=leaf_at(START, STRANGER)), timedelta(), (LEAF,), id="leaf by an unknown authority"
        ),
        pytest.param(
            replace(HEALTHY, leaf=leaf_at(START, names=("old.stella.svc",))), timedelta(), (LEAF,), id="other names"
        ),
        pytest.param(
            replace(HEALTHY, leaf=leaf_at(START, names=NAMES[:1])), timedelta(), (LEAF,), id="a name is missing"
        ),
        pytest.param(
            replace(HEALTHY, leaf=leaf_at(START, names=(*NAMES, "x.svc"))), timedelta(), (LEAF,), id="a name too many"
        ),
        pytest.param(replace(HEALTHY, leaf=leaf_at(START + DAY)), timedelta(), (LEAF,), id="the clock was set back"),
        pytest.param(
            replace(HEALTHY, leaf=leaf_at(START + CA_DUE - DAY)),
            CA_DUE - SECOND,
            (),
            id="just before two thirds of the authority",
        ),
        pytest.param(
            replace(HEALTHY, leaf=leaf_at(START + CA_DUE - DAY)),
            CA_DUE,
            (CA, SPREAD),
            id="at two thirds of the authority: first the bundle",
        ),
        pytest.param(OVERLAP, CA_DUE + SECOND, (LEAF,), id="the bundle is out: then the leaf"),
        pytest.param(
            replace(OVERLAP, settled=False), CA_DUE + SECOND, (), id="the bundle went out a moment ago: wait"
        ),
        pytest.param(replace(HEALTHY, settled=False, leaf=None), DAY, (LEAF,), id="no leaf: waiting helps nobody"),
        pytest.param(
            replace(OVERLAP, spread=False), CA_DUE + SECOND, (SPREAD,), id="the bundle is not out: no leaf yet"
        ),
        pytest.param(
            replace(OVERLAP, leaf=leaf_at(START + CA_DUE + 15 * DAY, LATER)),
            CA_DUE + 30 * DAY + timedelta(minutes=5) - SECOND,
            (),
            id="a leaf of the old authority may be alive",
        ),
        pytest.param(
            replace(OVERLAP, leaf=leaf_at(START + CA_DUE + 15 * DAY, LATER)),
            CA_DUE + 30 * DAY + timedelta(minutes=5),
            (PRUNE, SPREAD),
            id="no leaf of the old authority can be alive",
        ),
        pytest.param(
            replace(HEALTHY, bundle=()), timedelta(), (PRUNE, SPREAD, LEAF), id="bundle lost beside its authority"
        ),
    ],
)
def test_state_and_time_decide(state: State, age: timedelta, steps: tuple[Step, ...]) -> None:
    assert plan(state, START + age) == steps


def test_an_expired_authority_is_not_kept_in_the_bundle() -> None:
    short = issue_authority(START - 364 * DAY, LIVES)
    state = replace(HEALTHY, bundle=(AUTHORITY.certificate, short.certificate))
    assert retained(state, START) == (AUTHORITY.certificate, short.certificate)
    assert retained(state, START + DAY) == (AUTHORITY.certificate,)


def looked_after(state: State, now: datetime) -> State:
    return carry_out(state, plan(state, now), now)


@pytest.mark.parametrize("pause", [timedelta(hours=6), 7 * DAY], ids=["looked at often", "away for a week"])
def test_for_three_years_no_leaf_that_is_served_goes_untrusted(pause: timedelta) -> None:
    state = looked_after(State(None, (), None, frozenset(NAMES), spread=False, settled=True, lifetimes=LIVES), START)
    authorities = set()
    for number in range(1, 3 * 365 * DAY // pause):
        now = START + number * pause
        # What is served may be as old as the leaf before this look; it must be trusted after the look too.
        served = state.leaf
        state = looked_after(state, now)
        assert served is not None
        assert served.certificate.not_valid_after_utc > now
        assert _trusted(served, state)
        assert looked_after(state, now + SECOND).bundle[0] == state.bundle[0]
        authorities.add(state.bundle[0])
    assert len(authorities) >= 3 * 365 // (365 * 2 // 3 + 8)


def _trusted(leaf: KeyPair, state: State) -> bool:
    return any(leaf.certificate.issuer == authority.subject for authority in state.bundle)


@pytest.mark.parametrize("lose", [lambda s: replace(s, authority=None), lambda s: replace(s, leaf=None)])
def test_what_is_lost_is_made_again_and_then_there_is_nothing_to_do(lose: Callable[[State], State]) -> None:
    state = lose(HEALTHY)
    for second in range(3):
        state = looked_after(state, START + second * SECOND)
    assert plan(state, START + 4 * SECOND) == ()
