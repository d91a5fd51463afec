"""What stands between the gate and a real registry: addresses, certificates, logins, names."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import oras
from tests.harness.attaching import Publisher
from tests.harness.registry import Registry
from tests.stores.registry.real import asking, judge, reason

pytestmark = pytest.mark.integration

Section = dict[str, Any]


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("publisher"))


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Https, Basic authentication."""
    with Registry(tmp_path_factory.mktemp("private"), referrers=True, private=True) as running:
        yield running


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Plain HTTP, everybody."""
    with Registry(tmp_path_factory.mktemp("open"), referrers=True) as running:
        yield running


def attested(registry: Registry, publisher: Publisher, name: str = "cart") -> str:
    pusher = registry.repository(f"shop/{name}")
    image = f"{pusher.repository}@{pusher.image(name)}"
    oras.attach(image, publisher.envelope(image), reached=registry.oras_flags())
    return image


def with_login(registry: Registry, folder: Path, **login: str) -> Section:
    config = folder / "config.json"
    config.write_text(json.dumps({"auths": {registry.host: login}}) if login else registry.docker_config())
    return registry.settings(dockerConfig=str(config))


async def test_with_its_authority_and_a_login_a_private_registry_is_read(
    private: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    image = attested(private, publisher)
    async with asking(tmp_path, with_login(private, tmp_path), publisher.trust()) as provider:
        assert reason(await judge(provider, image)) == "EvidenceSufficient"


def unknown_authority(registry: Registry, folder: Path) -> Section:
    section = with_login(registry, folder)
    return section | {"hosts": {registry.host: {"addresses": ["127.0.0.0/8"]}}}


def plain_http(registry: Registry, folder: Path) -> Section:
    section = with_login(registry, folder)
    return section | {"hosts": {registry.host: {"addresses": ["127.0.0.0/8"], "insecure": True}}}


def loopback_not_allowed(registry: Registry, folder: Path) -> Section:
    section = with_login(registry, folder)
    return section | {"hosts": {registry.host: {"caFile": str(registry.ca_file)}}}


def wrong_password(registry: Registry, folder: Path) -> Section:
    return with_login(registry, folder, username="robot", password="guessed")  # noqa: S106 - of a test's registry


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (unknown_authority, "certificate"),
        (plain_http, "400"),
        (loopback_not_allowed, "address"),
        (wrong_password, "401"),
    ],
)
async def test_what_keeps_the_gate_out_is_told_and_is_not_called_missing(
    private: Registry,
    publisher: Publisher,
    tmp_path: Path,
    spoil: Callable[[Registry, Path], Section],
    told: str,
) -> None:
    image = attested(private, publisher)
    async with asking(tmp_path, spoil(private, tmp_path), publisher.trust()) as provider:
        result = await judge(provider, image)
    assert result.error is not None
    assert result.error.code == "evidence_unavailable"
    assert told in result.error.message


async def test_plain_http_is_not_spoken_unless_configured(
    open_registry: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    image = attested(open_registry, publisher)
    before = open_registry.requests()
    section = open_registry.settings()
    section["hosts"][open_registry.host]["insecure"] = False
    async with asking(tmp_path, section, publisher.trust()) as provider:
        result = await judge(provider, image)
    assert result.error is not None
    assert result.error.code == "evidence_unavailable"
    assert open_registry.requests() == before


async def test_another_name_of_an_allowed_registry_is_not_allowed(
    open_registry: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    image = attested(open_registry, publisher).replace("127.0.0.1", "localhost")
    before = open_registry.requests()
    async with asking(tmp_path, open_registry.settings(), publisher.trust()) as provider:
        assert reason(await judge(provider, image)) == "EvidenceMissing"
    assert open_registry.requests() == before


async def test_a_registry_called_localhost_is_read_where_it_is_allowed(
    open_registry: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    image = attested(open_registry, publisher).replace("127.0.0.1", "localhost")
    section = json.loads(json.dumps(open_registry.settings()).replace("127.0.0.1:", "localhost:"))
    async with asking(tmp_path, section, publisher.trust()) as provider:
        assert reason(await judge(provider, image)) == "EvidenceSufficient"


async def test_a_hundred_equal_questions_at_once_are_one_fetch_and_later_ones_are_none(
    open_registry: Registry, publisher: Publisher, tmp_path: Path
) -> None:
    images = [attested(open_registry, publisher, name) for name in ("first", "one", "hundred")]
    counts = []
    async with asking(tmp_path, open_registry.settings(), publisher.trust()) as provider:
        # The first look-up finds out whether the registry has the referrers API.
        for image, times in zip(images, (1, 1, 100), strict=True):
            before = len(open_registry.requests())
            results = await asyncio.gather(*(judge(provider, image) for _ in range(times)))
            assert {reason(result) for result in results} == {"EvidenceSufficient"}
            counts.append(len(open_registry.requests()) - before)
        assert counts[1] == counts[2] > 0
        before = len(open_registry.requests())
        await judge(provider, images[2])
        assert len(open_registry.requests()) == before
