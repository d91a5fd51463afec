from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kube.objects import digest, envelope
from tests.kube.waiting import until
from tests.simulators.api_server import ApiServerSimulator, status
from tests.stores.looking import candidates, gap
from webhook.kube.opening import open_client
from webhook.kube.reflector import ReflectorPace
from webhook.stores import cluster
from webhook.stores.cluster import ClusterStore, EvidenceIndex
from webhook.stores.protocol import EvidenceStore

CART, SHOP = digest("cart"), digest("shop")


PACE = ReflectorPace(pause_seconds=0.02, pause_cap_seconds=0.1)


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[ApiServerSimulator]:
    async with ApiServerSimulator(tmp_path) as running:
        yield running


@pytest.fixture
async def store(simulator: ApiServerSimulator) -> AsyncIterator[ClusterStore]:
    async with open_client(simulator.kubeconfig) as client:
        made = ClusterStore(client, PACE)
        yield made
        await made.stop()


def test_it_is_an_evidence_store(store: EvidenceStore) -> None:
    assert store.name == "cluster"


async def test_before_the_first_list_absence_is_unknown(store: ClusterStore) -> None:
    assert await candidates(store, CART) == []
    assert "cannot be read" in await gap(store, CART)


async def test_after_the_first_list_absence_is_known(simulator: ApiServerSimulator, store: ClusterStore) -> None:
    await simulator.put("e", {"envelope": envelope(CART)})
    await store.start()
    assert [candidate.uri for candidate in await candidates(store, CART)] == ["cluster:executionevidences/e"]
    assert (await candidates(store, SHOP), await gap(store, SHOP)) == ([], "")


async def test_a_start_that_fails_is_no_error_and_mends_itself(
    simulator: ApiServerSimulator, store: ClusterStore
) -> None:
    simulator.faults["list"].append(status(403))
    await store.start()
    assert await candidates(store, CART) == []
    assert "the API server answered 403" in await gap(store, CART)
    await until(lambda: store.gap() is None, 5, "the second list")
    assert (await candidates(store, CART), await gap(store, CART)) == ([], "")


async def test_when_the_server_is_away_the_known_stays_and_absence_becomes_unknown(
    simulator: ApiServerSimulator, store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "STALE_SECONDS", 0.3)
    await simulator.put("e", {"envelope": envelope(CART)})
    await store.start()
    await simulator.go_away()
    await until(lambda: store.unheard_seconds > 0.3, 5, "the silence is too long")
    assert await candidates(store, SHOP) == []
    assert "has not heard" in await gap(store, SHOP)
    assert len(await candidates(store, CART)) == 1
    await simulator.put("new", {"envelope": envelope(SHOP)})
    await simulator.delete("e")
    await simulator.listen()
    await until(lambda: store.objects == 1 and store.unheard_seconds < 0.3, 5, "the store is in step again")
    assert (len(await candidates(store, SHOP)), len(await candidates(store, CART))) == (1, 0)


async def test_the_limit_on_silence_is_longer_than_a_quiet_watch() -> None:
    pace = ReflectorPace()
    assert pace.watch_seconds + pace.watch_grace_seconds < cluster.STALE_SECONDS


async def test_what_did_not_fit_is_unknown(
    simulator: ApiServerSimulator, store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EvidenceIndex.__init__, "__defaults__", (None, 3000))
    for name, image in (("a", CART), ("b", SHOP)):
        await simulator.put(name, {"envelope": envelope(image)})
    await store.start()
    assert len(await candidates(store, CART)) == 1
    assert await candidates(store, SHOP) == []
    assert "full" in await gap(store, SHOP)


async def test_stop_frees_the_index(simulator: ApiServerSimulator, store: ClusterStore) -> None:
    await simulator.put("e", {"envelope": envelope(CART)})
    await store.start()
    await store.stop()
    assert store.objects == 0
    assert await candidates(store, CART) == []
    assert "cannot be read" in await gap(store, CART)
