"""What only real servers show: that they add profiles up, and that Python's stacks survive them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.command import run
from tests.harness.profile_servers import ProfileServer, RealParca, RealPyroscope
from tests.observer.sources.asking import LABELS, ask
from tests.tools.build import program
from webhook.attest.counted import count_execution
from webhook.attest.counting import distinct_paths, leaf_share
from webhook.attest.profile import Stack
from webhook.attest.reading import read_profile
from webhook.errors import UnavailableError

pytestmark = pytest.mark.integration

PERIOD_NANOSECONDS = 10_000_000
PYTHON = Path(__file__).parents[3] / "manifests" / "examples" / "profiles" / "cart.folded"


@pytest.fixture(params=[RealPyroscope, RealParca], ids=lambda kind: str(kind.kind))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ProfileServer]:
    with request.param(tmp_path) as running:
        yield running


async def test_several_profiles_of_a_container_are_added_up(server: ProfileServer, tmp_path: Path) -> None:
    expected: Counter[Stack] = Counter()
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        run([program("profiles"), "-out", str(folder), "-length", "1s"], folder)
        server.push((folder / "cpu.pb.gz").read_bytes(), LABELS)
        with (folder / "cpu.pb.gz").open("rb") as stream:
            for stack, count in read_profile(stream).stacks():
                expected[tuple(symbol.partition("[")[0] for symbol in stack)] += count * PERIOD_NANOSECONDS
    answer = await ask(server, server.kind)
    assert answer is not None
    found: Counter[Stack] = Counter()
    for stack, count in answer.stacks():
        found[tuple(symbol.partition("[")[0] for symbol in stack)] += count
    assert found == expected


async def test_of_several_clusters_one_is_asked_for(server: ProfileServer, tmp_path: Path) -> None:
    run([program("profiles"), "-out", str(tmp_path), "-length", "1s"], tmp_path)
    server.push((tmp_path / "cpu.pb.gz").read_bytes(), LABELS | {"cluster": "production"})
    assert await ask(server, server.kind, matchers={"cluster": "staging"}) is None
    assert await ask(server, server.kind, matchers={"cluster": "production"}) is not None
    assert await ask(server, server.kind) is not None


async def test_pythons_stacks_count_as_if_they_had_been_read_at_once(tmp_path: Path) -> None:
    with PYTHON.open("rb") as stream:
        here = count_execution(read_profile(stream))
    with RealPyroscope(tmp_path) as server:
        server.push_folded(PYTHON.read_bytes(), LABELS)
        answer = await ask(server, server.kind)
    assert answer is not None
    there = count_execution(answer)
    assert distinct_paths(there) == distinct_paths(here) > 50
    assert leaf_share(there) == {symbol: count * PERIOD_NANOSECONDS for symbol, count in leaf_share(here).items()}


async def test_pyroscopes_tenants_are_told_apart_by_their_header(tmp_path: Path) -> None:
    with RealPyroscope(tmp_path, tenants=True) as server:
        with pytest.raises(UnavailableError, match=r"does not accept the credentials \(401\)$"):
            await ask(server, server.kind)
        assert await ask(server, server.kind, tenant="staging") is None
