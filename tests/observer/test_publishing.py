"""Evidence goes where the gate looks, with the observer's own logins, and each digest of it to its own place."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.observer.watching import GATE, configured
from tests.publish.making import PATH, evidence, image
from tests.simulators.access import Access
from tests.simulators.registry import MANIFEST
from tests.simulators.registry_writes import RegistryWithWriters
from tests.stores.registry.simulated import USERS, Authority, secure
from webhook.kube.client import KubeClient
from webhook.observer.publishing import ClusterDestination, RegistryDestination, open_publishers
from webhook.observer.settings import load_observer_settings

CLIENT = KubeClient(None)
"""Nobody asks it here."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def registry(authority: Authority) -> AsyncIterator[RegistryWithWriters]:
    async with RegistryWithWriters(authority.server(), Access(USERS), referrers=True) as running:
        yield running


def settings(folder: Path, registry: RegistryWithWriters, authority: Authority, **section: Any) -> Path:
    """The gate has no login; the observer's own file has one."""
    auth = base64.b64encode(b"ann:s3cret").decode()
    (folder / "pusher.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
    store = {"allow": [f"{registry.host}/{PATH}"], "hosts": {registry.host: secure(authority)}}
    gate = GATE | {"stores": {"cluster": {}, "registry": store | section}}
    publish = {"registry": {"dockerConfig": "pusher.json"}}
    return configured(folder, gate, publish=publish)


def manifest(registry: RegistryWithWriters, note: str = "") -> str:
    content = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "annotations": {"note": note}}
    return registry.add_manifest(PATH, content)


async def test_each_digest_gets_it_by_a_login_that_is_not_the_gate_s(
    tmp_path: Path, registry: RegistryWithWriters, authority: Authority
) -> None:
    digests = sorted([manifest(registry, "a"), manifest(registry, "b")])
    # Also where the webhook uses the pull secrets of pods, which nobody may read here.
    loaded = load_observer_settings(settings(tmp_path, registry, authority, pullSecrets=True))
    async with open_publishers(loaded, CLIENT) as publishers:
        first, second = publishers
        assert isinstance(first, RegistryDestination)
        assert isinstance(second, ClusterDestination)
        where = await first.publish(evidence(*digests), image(registry.host, digests[0]), digests)
    assert where.failures == ()
    pushed = [place.rpartition("@")[2] for place in where.places]
    contents = [json.loads(registry.manifests[PATH, digest][1]) for digest in pushed]
    assert [content["subject"]["digest"] for content in contents] == digests


async def test_without_that_login_it_is_unavailable(
    tmp_path: Path, registry: RegistryWithWriters, authority: Authority
) -> None:
    path = settings(tmp_path, registry, authority)
    (tmp_path / "pusher.json").write_text("{}")
    async with open_publishers(load_observer_settings(path), CLIENT) as (publisher, _):
        digest = manifest(registry)
        where = await publisher.publish(evidence(digest), image(registry.host, digest), [digest])
    [failure] = where.failures
    assert where.places == ()
    assert failure.startswith(f"{digest} got no evidence in its registry: ")
    assert "(401)" in failure


async def test_a_repository_in_which_the_gate_does_not_look_gets_nothing(
    tmp_path: Path, registry: RegistryWithWriters, authority: Authority
) -> None:
    loaded = load_observer_settings(settings(tmp_path, registry, authority))
    async with open_publishers(loaded, CLIENT) as (publisher, _):
        digest = manifest(registry)
        where = await publisher.publish(evidence(digest), image(registry.host, digest, "other/cart"), [digest])
    [failure] = where.failures
    assert failure.startswith(f"{digest} got no evidence in its registry: ")
    assert registry.seen == []


async def test_a_digest_that_fails_keeps_no_other_from_getting_it_and_who_has_it_gets_no_more(
    tmp_path: Path, registry: RegistryWithWriters, authority: Authority
) -> None:
    there = sorted([manifest(registry, "a"), manifest(registry, "b")])
    missing = manifest(registry, "not in the evidence")
    loaded = load_observer_settings(settings(tmp_path, registry, authority))
    async with open_publishers(loaded, CLIENT) as (publisher, _):
        subject = image(registry.host, there[0])
        where = await publisher.publish(evidence(*there), subject, [missing, there[1]])
    [failure] = where.failures
    assert failure.startswith(f"{missing} got no evidence in its registry: ")
    [place] = where.places
    content = json.loads(registry.manifests[PATH, place.rpartition("@")[2]][1])
    assert content["subject"]["digest"] == there[1]


async def test_a_cluster_that_fails_is_told(tmp_path: Path) -> None:
    nobody = KubeClient(None)
    async with open_publishers(load_observer_settings(configured(tmp_path)), nobody) as (publisher,):
        where = await publisher.publish(
            evidence("sha256:" + "a" * 64), image("example.com", "sha256:" + "a" * 64), []
        )
    assert (where.places, len(where.failures)) == ((), 1)


@pytest.mark.parametrize(
    ("publish", "kinds"),
    [
        ({}, [ClusterDestination]),
        ({"registry": {}}, [RegistryDestination, ClusterDestination]),
        ({"cluster": False, "registry": {}}, [RegistryDestination]),
    ],
)
async def test_the_registry_comes_before_the_cluster(
    tmp_path: Path, publish: dict[str, Any], kinds: list[type]
) -> None:
    gate = GATE | {"stores": {"cluster": {}, "registry": {"allow": ["ghcr.io/*"]}}}
    loaded = load_observer_settings(configured(tmp_path, gate, publish=publish))
    async with open_publishers(loaded, CLIENT) as publishers:
        assert [type(publisher) for publisher in publishers] == kinds
