import asyncio
import http.client
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.control_plane import ControlPlane
from tests.harness.polling import poll, poll_async
from tests.kube.objects import bundle, digest, envelope, resource
from tests.kube.waiting import until
from tests.stores.looking import candidates, gap
from webhook.kube.api_errors import ApiStatusError
from webhook.kube.client import KubeClient
from webhook.kube.opening import open_client
from webhook.kube.reflector import Reflector, ReflectorPace
from webhook.stores import cluster
from webhook.stores.cluster import COLLECTION, ClusterStore, EvidenceIndex

CRD = Path(__file__).parents[2] / "manifests" / "crds" / "executionevidences.yaml"
# An API server that is told to stop waits for watches of custom resources, so these are short.
PACE = ReflectorPace(pause_seconds=0.1, pause_cap_seconds=0.5, watch_seconds=4)


@pytest.fixture(autouse=True)
def _crd(control_plane: ControlPlane) -> Iterator[None]:
    def served() -> bool:
        # An API server that has just started is ready before it knows its custom resources.
        applied = control_plane.kubectl("apply", "-f", str(CRD), check=False)
        return applied.returncode == 0 and control_plane.kubectl("get", "exev", check=False).returncode == 0

    poll(served, 30, "ExecutionEvidence is served")
    yield
    control_plane.kubectl("delete", f"--raw={COLLECTION}")  # One request for all of them.


@pytest.fixture
async def client(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    async with open_client(control_plane.kubeconfig) as opened:
        yield opened


@pytest.fixture
async def store(client: KubeClient) -> AsyncIterator[ClusterStore]:
    made = ClusterStore(client, PACE)
    yield made
    await made.stop()


def image() -> str:
    return digest(str(uuid.uuid4()))


async def kubectl(control_plane: ControlPlane, *args: str, manifest: Any = None) -> str:
    """Runs kubectl beside the loop, in which the store follows what it does."""
    stdin = None if manifest is None else json.dumps(manifest)
    return (await asyncio.to_thread(control_plane.kubectl, *args, stdin=stdin)).stdout


async def names(store: ClusterStore, wanted: str) -> list[str]:
    return [candidate.uri.rpartition("/")[2] for candidate in await candidates(store, wanted)]


async def found_within(store: ClusterStore, wanted: str, expected: list[str], seconds: float) -> None:
    async def look() -> bool:
        return await names(store, wanted) == expected

    await poll_async(look, seconds, f"{expected} are found")


async def test_what_kubectl_applies_changes_and_deletes_is_seen_within_two_seconds(
    control_plane: ControlPlane, store: ClusterStore
) -> None:
    await store.start()
    cart, shop = image(), image()
    assert await names(store, cart) == []
    await kubectl(control_plane, "apply", "-f", "-", manifest=resource("e", {"envelope": envelope(cart)}))
    await found_within(store, cart, ["e"], 2)
    patch = json.dumps({"spec": {"envelope": envelope(shop)}})
    await kubectl(control_plane, "patch", "exev", "e", "--type=merge", "-p", patch)
    await found_within(store, shop, ["e"], 2)
    assert await names(store, cart) == []
    await kubectl(control_plane, "delete", "exev", "e")
    await found_within(store, shop, [], 2)


async def test_the_bytes_are_those_of_the_manifest(control_plane: ControlPlane, store: ClusterStore) -> None:
    cart, shop = image(), image()
    await kubectl(control_plane, "create", "-f", "-", manifest=resource("e", {"envelope": envelope(cart)}))
    await kubectl(control_plane, "create", "-f", "-", manifest=resource("b", {"bundle": bundle(shop)}))
    await store.start()
    [as_envelope], [as_bundle] = await candidates(store, cart), await candidates(store, shop)
    assert as_envelope.raw == json.dumps(envelope(cart), sort_keys=True, separators=(",", ":")).encode()
    assert as_bundle.raw == bundle(shop).encode()


async def test_a_manifest_of_a_person_in_yaml_is_taken(control_plane: ControlPlane, store: ClusterStore) -> None:
    cart = image()
    signed = envelope(cart)
    manifest = f"""
apiVersion: stella.ops/v1alpha1
kind: ExecutionEvidence
metadata:
  name: cart-staging
spec:
  envelope:
    payloadType: application/vnd.in-toto+json
    payload: {signed["payload"]}
    signatures:
      - sig: {signed["signatures"][0]["sig"]}
"""
    await asyncio.to_thread(control_plane.kubectl, "apply", "-f", "-", stdin=manifest)
    await store.start()
    assert await names(store, cart) == ["cart-staging"]


async def test_while_the_api_server_is_away_the_known_stays_and_absence_is_unknown(
    control_plane: ControlPlane, store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "STALE_SECONDS", 1.0)
    cart, late = image(), image()
    await kubectl(control_plane, "create", "-f", "-", manifest=resource("e", {"envelope": envelope(cart)}))
    await store.start()
    await asyncio.to_thread(control_plane.stop_api_server)
    await until(lambda: store.unheard_seconds > 1.0, 20, "the silence is too long")
    assert await names(store, cart) == ["e"]
    assert "has not heard from the API server" in await gap(store, late)
    control_plane.start_api_server()  # On the main thread: the server dies with the thread that started it.
    await kubectl(control_plane, "create", "-f", "-", manifest=resource("late", {"envelope": envelope(late)}))
    await until(lambda: store.objects == 2, 10, "the store is in step again")
    assert (await names(store, cart), await names(store, late)) == (["e"], ["late"])


async def test_without_rights_absence_is_unknown(control_plane: ControlPlane) -> None:
    async with open_client(control_plane.kubeconfig_for("nobody")) as client:
        store = ClusterStore(client, PACE)
        await store.start()
        assert "the API server answered 403" in await gap(store, image())
        await store.stop()


async def test_a_version_that_is_too_old_is_gone_as_in_the_simulator(client: KubeClient) -> None:
    reflector = Reflector(client, COLLECTION, EvidenceIndex, PACE)
    reflector.state = EvidenceIndex()
    with pytest.raises(ApiStatusError) as caught:
        await reflector._watch("1")
    assert caught.value.status == 410


async def test_a_list_whose_rest_was_compacted_begins_anew(control_plane: ControlPlane, client: KubeClient) -> None:
    images = [image() for _ in range(4)]
    for number, one in enumerate(images):
        await client.send("POST", COLLECTION, resource(f"e{number}", {"envelope": envelope(one)}))
    first = await client.get(COLLECTION, [("limit", "2")], 1 << 20)
    token = first["metadata"]["continue"]
    await client.send("POST", COLLECTION, resource("e4", {"envelope": envelope(image())}))
    await asyncio.to_thread(control_plane.stop_api_server)
    compact(control_plane)
    control_plane.start_api_server()  # On the main thread: the server dies with the thread that started it.
    with pytest.raises(ApiStatusError) as caught:
        await client.get(COLLECTION, [("limit", "2"), ("continue", token)], 1 << 20)
    assert caught.value.status == 410
    reflector = Reflector(client, COLLECTION, EvidenceIndex, ReflectorPace(page_objects=2))
    await reflector.start()
    assert reflector.state
    assert reflector.state.objects == 5
    await reflector.stop()


def compact(control_plane: ControlPlane) -> None:
    """Makes etcd forget its history, through its JSON gateway."""
    connection = http.client.HTTPConnection("127.0.0.1", control_plane._etcd_port, timeout=5)
    connection.request("POST", "/v3/kv/range", json.dumps({"key": "AA=="}))
    revision = json.loads(connection.getresponse().read())["header"]["revision"]
    connection.request("POST", "/v3/kv/compaction", json.dumps({"revision": revision, "physical": True}))
    assert connection.getresponse().status == http.client.OK
    connection.close()


async def test_a_change_of_the_status_keeps_the_evidence_and_fills_the_columns(
    control_plane: ControlPlane, store: ClusterStore
) -> None:
    cart = image()
    await kubectl(control_plane, "create", "-f", "-", manifest=resource("e", {"envelope": envelope(cart)}))
    await store.start()
    [before] = await candidates(store, cart)
    condition = {
        "type": "Verified",
        "status": "True",
        "reason": "EvidenceSufficient",
        "message": "",
        "lastTransitionTime": "2026-11-24T06:36:35Z",
    }
    status = {
        "conditions": [condition],
        "signer": "staging",
        "environment": "staging",
        "hotSymbolCount": 42,
        "uniqueCallPaths": 17,
        "observedAt": "2026-11-24T06:36:35Z",
        "subjects": [cart],
    }
    patch = json.dumps({"status": status})
    await kubectl(control_plane, "patch", "exev", "e", "--subresource=status", "--type=merge", "-p", patch)
    [after] = await candidates(store, cart)
    assert after is before
    heading, row = (await kubectl(control_plane, "get", "exev", "e")).splitlines()
    wanted = ["NAME", "VERIFIED", "ENVIRONMENT", "HOT", "SYMBOLS", "CALL", "PATHS", "SIGNER", "AGE"]
    assert heading.split() == wanted
    assert row.split()[:-1] == ["e", "True", "staging", "42", "17", "staging"]


GOOD = envelope(digest("cart"))
REFUSED = [
    ({}, "exactly one of envelope and bundle must be set"),
    ({"envelope": GOOD, "bundle": bundle(digest("cart"))}, "exactly one of envelope and bundle must be set"),
    ({"envelope": GOOD | {"payload": "A" * (1024 * 1024 + 4)}}, "may not be more than 1048576 bytes"),
    ({"bundle": " " * (1024 * 1024 + 1)}, "may not be more than 1048576 bytes"),
    ({"envelope": GOOD | {"signatures": GOOD["signatures"] * 33}}, "must have at most 32 items"),
    ({"envelope": GOOD | {"signatures": []}}, "should have at least 1 items"),
    ({"envelope": GOOD | {"signatures": [{"keyid": "k"}]}}, "Required value"),
    ({"envelope": GOOD | {"signatures": [{"sig": "A" * 4097}]}}, "may not be more than 4096 bytes"),
    ({"envelope": GOOD | {"payloadType": "text/plain"}}, 'supported values: "application/vnd.in-toto+json"'),
    ({"envelope": {"payloadType": GOOD["payloadType"], "payload": GOOD["payload"]}}, "Required value"),
    ({"envelope": "text"}, "must be of type object"),
    ({"bundle": {"mediaType": "x"}}, 'unknown field "spec.bundle.mediaType"'),
    ({"bundle": 1}, "must be of type string"),
    ({"envelope": GOOD | {"payloadtype": "x"}}, 'unknown field "spec.envelope.payloadtype"'),
]


@pytest.mark.parametrize(("spec", "message"), REFUSED, ids=range(len(REFUSED)))
def test_the_api_server_refuses_what_is_no_evidence(
    control_plane: ControlPlane, spec: dict[str, Any], message: str
) -> None:
    result = control_plane.kubectl(
        "create",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
        stdin=json.dumps(resource("refused", spec)),
        check=False,
    )
    assert result.returncode == 1
    assert message in result.stderr


def test_the_api_server_refuses_an_object_without_a_spec(control_plane: ControlPlane) -> None:
    manifest = resource("refused", {})
    del manifest["spec"]
    result = control_plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest), check=False)
    assert "spec: Required value" in result.stderr


def test_the_largest_evidence_that_the_schema_takes_can_be_stored(control_plane: ControlPlane) -> None:
    signatures = [{"keyid": "k" * 1024, "sig": "A" * 4096}] * 32
    largest = GOOD | {"payload": "A" * 1024 * 1024, "signatures": signatures}
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(resource("largest", {"envelope": largest})))
    result = control_plane.kubectl("get", "exev", "largest", "-o", "name")
    assert result.stdout == "executionevidence.stella.ops/largest\n"


async def test_two_thousand_objects_are_listed_in_time(client: KubeClient, store: ClusterStore) -> None:
    places = asyncio.Semaphore(16)

    async def create(number: int) -> None:
        async with places:
            spec = {"envelope": envelope(digest(str(number)))}
            await client.send("POST", COLLECTION, resource(f"bulk-{number}", spec))

    await asyncio.gather(*(create(number) for number in range(2000)))
    began = time.perf_counter()
    await store.start()
    took = time.perf_counter() - began
    print(f"2,000 objects listed and indexed in {took:.2f} s")  # noqa: T201 - a figure to look at with -s
    assert store.objects == 2000
    assert await names(store, digest("1234")) == ["bulk-1234"]
    assert took < 2.0  # A fifth of what 10,000 may take.
