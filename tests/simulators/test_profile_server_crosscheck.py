"""The simulator behaves as a real Pyroscope and a real Parca do: one list of assertions for all of them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.harness.command import run
from tests.harness.profile_servers import ProfileServer, RealParca, RealPyroscope
from tests.observer.sources.asking import CART, COUNTED, LABELS, ask, source
from tests.simulators.profile_server import ProfileServerSimulator
from tests.tools.build import program
from webhook.attest.profile import Profile, Stack
from webhook.attest.reading import read_profile
from webhook.errors import UnavailableError
from webhook.observer.sources.protocol import ContainerRun

pytestmark = pytest.mark.integration

PERIOD_NANOSECONDS = 10_000_000
"""Go looks a hundred times a second."""
SERVERS = [(place, kind) for place in ("real", "simulated") for kind in COUNTED]


class Served(NamedTuple):
    """A server that was given a profile, and how it is asked."""

    server: ProfileServer | ProfileServerSimulator
    kind: str


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CPU profile of a moment ago: Pyroscope takes no old ones."""
    folder = tmp_path_factory.mktemp("profile")
    run([program("profiles"), "-out", str(folder), "-length", "1s"], folder)
    return folder / "cpu.pb.gz"


@pytest.fixture(scope="module", params=SERVERS, ids="-".join)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pushed: Path
) -> Iterator[Served]:
    place, kind = request.param
    folder = tmp_path_factory.mktemp("server")
    server: AbstractContextManager[ProfileServer | ProfileServerSimulator]
    if place == "simulated":
        server = ProfileServerSimulator(folder, tls=False)
    else:
        server = {"pyroscope": RealPyroscope, "parca": RealParca}[kind](folder)
    with server as running:
        running.push(pushed.read_bytes(), LABELS)
        yield Served(running, kind)


def stacks(profile: Profile) -> Counter[Stack]:
    """Without the parameters of Go's generic functions, which Pyroscope shortens."""
    found: Counter[Stack] = Counter()
    for stack, count in profile.stacks():
        found[tuple(symbol.partition("[")[0] for symbol in stack)] += count
    return found


async def test_what_was_pushed_comes_back_as_time(served: Served, pushed: Path) -> None:
    with pushed.open("rb") as stream:
        counts = stacks(read_profile(stream))
    answer = await ask(*served)
    assert answer is not None
    assert answer.measure == "cpu/nanoseconds"
    assert stacks(answer) == {stack: count * PERIOD_NANOSECONDS for stack, count in counts.items()}
    assert answer.total > 0


@pytest.mark.parametrize(
    "other",
    [
        ContainerRun("shop", "cart-0", "sidecar"),
        ContainerRun("shop", "cart-1", "cart"),
        ContainerRun("pay", "cart-0", "cart"),
        # Names are compared, not matched as expressions.
        ContainerRun("shop", "cart.0", "cart"),
        ContainerRun("shop", "cart", "cart"),
    ],
    ids=str,
)
async def test_a_container_that_was_not_profiled_has_none(served: Served, other: ContainerRun) -> None:
    assert await ask(*served, other) is None


async def test_without_a_label_for_containers_the_whole_pod_answers(served: Served) -> None:
    other = ContainerRun("shop", "cart-0", "sidecar")
    answer = await ask(*served, other, labels={"container": None})
    assert answer is not None


async def test_a_label_that_no_series_has_matches_nothing(served: Served) -> None:
    assert await ask(*served, labels={"pod": "pod_name"}) is None


async def test_a_type_that_was_not_pushed_has_none(served: Served) -> None:
    counted = COUNTED[served.kind].replace("cpu:nanoseconds", "wall:nanoseconds")
    assert await ask(*served, profileType=counted) is None


async def test_a_window_is_about_when_a_profile_began(served: Served) -> None:
    now = datetime.now(UTC)
    asked = source(*served)
    assert await asked.profile(CART, now - timedelta(hours=2), now - timedelta(hours=1)) is None
    assert await asked.profile(CART, now + timedelta(minutes=1), now + timedelta(minutes=2)) is None


async def test_pyroscope_answers_at_one_path_and_parca_below_any(served: Served) -> None:
    question = ask(*served, url=f"{served.server.url}/elsewhere/x")
    if served.kind == "pyroscope":
        with pytest.raises(UnavailableError, match=r"has no such API there \(404\): is `url` right\?$"):
            await question
    else:
        assert await question is not None


async def test_pyroscope_refuses_more_than_a_day(served: Served) -> None:
    now = datetime.now(UTC)
    question = source(*served).profile(CART, now - timedelta(hours=25), now)
    if served.kind == "pyroscope":
        with pytest.raises(UnavailableError, match=r"refuses the question \(400\): it may allow no such window"):
            await question
    else:
        assert await question is not None
