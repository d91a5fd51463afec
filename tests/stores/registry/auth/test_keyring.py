import asyncio
import time
import traceback
from pathlib import Path

import pytest

from tests.stores.registry.docker import config, helper
from webhook.errors import UnavailableError
from webhook.stores.registry.auth.credentials import Credential
from webhook.stores.registry.auth.docker_config import DockerConfig, Entry, parse_config, place_of
from webhook.stores.registry.auth.keyring import (
    HELPER_SECONDS,
    ConfiguredKeyring,
    PodKeyring,
    Ring,
    find,
    place_matches,
)
from webhook.stores.registry.reference import Repository

# Key, repository, whether the kubelet logs in. The rules are those of BasicDockerKeyring and URLsMatch in
# kubernetes 1.37, pkg/credentialprovider/keyring.go.
MATCHES = [
    ("registry.example.com", "registry.example.com/shop/cart", True),
    ("https://registry.example.com", "registry.example.com/shop/cart", True),
    ("http://registry.example.com/v2/", "registry.example.com/shop/cart", True),
    ("registry.example.com", "other.example.com/shop/cart", False),
    ("registry.example.com", "registry.example.org/shop/cart", False),
    ("example.com", "registry.example.com/shop/cart", False),
    ("registry.example", "registry.example.com/shop/cart", False),
    ("registry.example.com.evil", "registry.example.com/shop/cart", False),
    ("registry.example.com", "evil.com/registry.example.com/cart", False),
    ("Registry.example.com", "registry.example.com/shop/cart", False),
    # A star is within one label, wherever it stands in it.
    ("*.example.com", "registry.example.com/shop", True),
    ("*.example.com", "a.b.example.com/shop", False),
    ("*.example.com", "example.com/shop", False),
    ("*.*.example.com", "a.b.example.com/shop", True),
    ("*.*.example.com", "b.example.com/shop", False),
    ("registry.*.com", "registry.example.com/shop", True),
    ("registry.example.*", "registry.example.com/shop", True),
    ("registry.example.c*", "registry.example.com/shop", True),
    ("*-eu.example.com", "registry-eu.example.com/shop", True),
    ("*-eu.example.com", "registry-us.example.com/shop", False),
    ("r*y.example.com", "registry.example.com/shop", True),
    ("*example.com", "example.com/shop", True),
    ("*example.com", "registry.example.com/shop", False),
    ("*.*", "docker.io/library/redis", True),
    ("*", "localhost/shop", True),
    ("r[a-z]gistry.example.com", "registry.example.com/shop", False),
    # The port is the same, or there is none on either side.
    ("registry.example.com:5000", "registry.example.com:5000/shop", True),
    ("*.example.com:5000", "registry.example.com:5000/shop", True),
    ("registry.example.com", "registry.example.com:5000/shop", False),
    ("registry.example.com:5000", "registry.example.com/shop", False),
    ("registry.example.com:443", "registry.example.com/shop", False),
    ("registry.example.com:*", "registry.example.com:5000/shop", False),
    ("[::1]:5000", "[::1]:5000/shop", True),
    ("[::1]:5000", "[::1]:5001/shop", False),
    ("[::2]:5000", "[::1]:5000/shop", False),
    # The path is the beginning of a text.
    ("registry.example.com/shop", "registry.example.com/shop/cart", True),
    ("registry.example.com/shop", "registry.example.com/shop", True),
    ("registry.example.com/shop", "registry.example.com/shopping/cart", True),
    ("registry.example.com/shop/", "registry.example.com/shopping/cart", False),
    ("registry.example.com/shop/cart", "registry.example.com/shop", False),
    ("registry.example.com/cart", "registry.example.com/shop/cart", False),
    ("registry.example.com/*", "registry.example.com/shop", False),
    ("*.example.com:5000/shop", "registry.example.com:5000/shop/cart", True),
    # Docker Hub.
    ("https://index.docker.io/v1/", "docker.io/library/redis", True),
    ("index.docker.io", "docker.io/grafana/loki", True),
    ("docker.io", "docker.io/library/redis", True),
    ("docker.io/library", "docker.io/library/redis", True),
    ("https://index.docker.io/v1", "docker.io/library/redis", False),
    ("https://registry-1.docker.io/v2/", "docker.io/library/redis", False),
    ("https://index.docker.io/v1/", "quay.io/library/redis", False),
    # The kubelet says True: to it this is an image of Docker Hub.
    ("https://index.docker.io/v1/", "localhost/library/redis", False),
]


def repository(name: str) -> Repository:
    return Repository(*name.split("/", 1))


def ring(*keys: str) -> Ring:
    return Ring([(place_of(key), Credential(key, "p")) for key in keys])


def users(found: list[Credential]) -> list[str]:
    return [credential.username for credential in found]


@pytest.mark.parametrize(("key", "name", "expected"), MATCHES)
def test_a_credential_is_for_what_the_kubelet_takes_it_for(key: str, name: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert users(find([ring(key)], repository(name))) == [key] * expected


@pytest.mark.parametrize(
    ("keys", "name", "expected"),
    [
        (
            ["ghcr.io", "ghcr.io/team/app", "ghcr.io/team"],
            "ghcr.io/team/app",
            ["ghcr.io/team/app", "ghcr.io/team", "ghcr.io"],
        ),
        (["*.io", "ghcr.io"], "ghcr.io/team", ["ghcr.io", "*.io"]),
        (["https://ghcr.io", "ghcr.io"], "ghcr.io/team", ["https://ghcr.io", "ghcr.io"]),
        (["ghcr.io", "https://ghcr.io"], "ghcr.io/team", ["ghcr.io", "https://ghcr.io"]),
        (["https://index.docker.io/v1/", "docker.io"], "docker.io/library/redis", ["docker.io"]),
        (["quay.io", "gcr.io"], "ghcr.io/team", []),
    ],
)
def test_all_that_match_are_tried_the_most_specific_first(keys: list[str], name: str, expected: list[str]) -> None:
    assert users(find([ring(*keys)], repository(name))) == expected
    # Each in a Secret of its own: they are one keyring.
    assert users(find(map(ring, keys), repository(name))) == expected


def test_a_credential_that_stands_twice_is_tried_once() -> None:
    same = Credential("u", "p")
    twice = Ring([("ghcr.io", same), ("ghcr.io/team", same)])
    assert find([twice], repository("ghcr.io/team/app")) == [same]


def test_stars_cost_no_more_than_their_number() -> None:
    hostile = ("*a" * 31 + "*b") + ".example.com"
    begun = time.perf_counter()
    for _ in range(1000):
        assert not place_matches(hostile, f"{'a' * 63}.example.com/shop")
    assert time.perf_counter() - begun < 1.0


ONE: list[Entry] = [("ghcr.io", Credential("u", "p"))]
OTHERS: list[list[Entry]] = [
    [],
    [("ghcr.io/team", Credential("u", "p"))],
    [("ghcr.io", Credential("u", "q"))],
    [("ghcr.io", Credential("up", ""))],
    [("ghcr.io", Credential("u", "p", "i"))],
    [("ghcr.io", Credential("u", "p", "", "i"))],
    [*ONE, ("quay.io", Credential("u", "p"))],
    [*ONE, ("ghcr.io", Credential("v", "p"))],
    [("ghcr.io", Credential("v", "p")), *ONE],
]


def test_the_fingerprint_tells_contents_apart() -> None:
    fingerprints = [Ring(entries).fingerprint for entries in [ONE, *OTHERS]]
    assert len(set(fingerprints)) == len(fingerprints)
    assert Ring(list(ONE)).fingerprint == fingerprints[0]


def test_the_fingerprint_covers_what_is_configured_and_what_the_pod_brings() -> None:
    plain, other = ConfiguredKeyring(DockerConfig()), ConfiguredKeyring(DockerConfig(tuple(ONE)))
    helped = ConfiguredKeyring(DockerConfig(helpers={"ghcr.io": "a"}))
    stored = ConfiguredKeyring(DockerConfig(store="a"))
    fingerprints = [keyring.fingerprint for keyring in (plain, other, helped, stored)]
    fingerprints += [PodKeyring([Ring(ONE)], keyring).fingerprint for keyring in (plain, other)]
    assert len(set(fingerprints)) == len(fingerprints)
    assert ConfiguredKeyring(DockerConfig()).fingerprint == plain.fingerprint


class Helpers:
    """A keyring whose helpers write down what they are asked."""

    def __init__(self, folder: Path, content: bytes) -> None:
        self.now = 0.0
        self.asked = folder / "asked"
        self.asked.touch()
        for name in ("one", "two"):
            answer = f'{{"Username": "{name}", "Secret": "p"}}'
            helper(folder, name, f"(cat; echo \" {name}\") >>'{self.asked}'; echo '{answer}'")
        helper(folder, "none", f"echo none >>'{self.asked}'; echo credentials not found in native keychain; exit 1")
        helper(folder, "broken", f"echo broken >>'{self.asked}'; exit 1")
        self.keyring = ConfiguredKeyring(parse_config(content), lambda: self.now)

    async def users(self, name: str) -> list[str]:
        return users(list(await self.keyring.credentials(repository(name))))

    @property
    def questions(self) -> list[str]:
        return self.asked.read_text().splitlines()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


async def test_a_hosts_own_helper_replaces_the_one_for_all_hosts(folder: Path) -> None:
    helpers = Helpers(folder, config(credHelpers={"ghcr.io": "one"}, credsStore="two"))
    assert await helpers.users("ghcr.io/team/app") == ["one"]
    assert await helpers.users("quay.io:5000/team/app") == ["two"]
    assert helpers.questions == ["ghcr.io one", "quay.io:5000 two"]


async def test_without_a_helper_for_the_host_none_is_asked(folder: Path) -> None:
    helpers = Helpers(folder, config(credHelpers={"ghcr.io": "one"}))
    assert await helpers.users("quay.io/team/app") == []
    assert helpers.questions == []


@pytest.mark.parametrize("spelling", ["https://index.docker.io/v1/", "index.docker.io", "docker.io"])
async def test_docker_hub_is_asked_for_by_the_name_that_docker_uses(spelling: str, folder: Path) -> None:
    helpers = Helpers(folder, config(credHelpers={spelling: "one"}))
    assert await helpers.users("docker.io/library/redis") == ["one"]
    assert helpers.questions == ["https://index.docker.io/v1/ one"]


async def test_the_file_speaks_after_the_helper(folder: Path) -> None:
    content = config(auths={"ghcr.io": {"username": "file", "password": "p"}}, credHelpers={"ghcr.io": "one"})
    assert await Helpers(folder, content).users("ghcr.io/team") == ["one", "file"]


async def test_a_helper_that_has_none_leaves_the_file(folder: Path) -> None:
    content = config(auths={"ghcr.io": {"username": "file", "password": "p"}}, credsStore="none")
    assert await Helpers(folder, content).users("ghcr.io/team") == ["file"]


async def test_a_pods_secrets_speak_before_what_is_configured(folder: Path) -> None:
    helpers = Helpers(folder, config(auths={"ghcr.io": {"username": "file", "password": "p"}}, credsStore="one"))
    pod = PodKeyring([ring("ghcr.io")], helpers.keyring)
    assert users(list(await pod.credentials(repository("ghcr.io/team")))) == ["ghcr.io", "one", "file"]


async def test_a_helper_is_asked_once_a_minute(folder: Path) -> None:
    helpers = Helpers(folder, config(credsStore="one"))
    await asyncio.gather(*(helpers.users("ghcr.io/team") for _ in range(10)))
    helpers.now = HELPER_SECONDS - 0.1
    await helpers.users("ghcr.io/other")
    assert helpers.questions == ["ghcr.io one"]
    helpers.now = HELPER_SECONDS
    await helpers.users("ghcr.io/team")
    assert helpers.questions == ["ghcr.io one"] * 2


async def test_a_failure_that_is_remembered_collects_no_traces(folder: Path) -> None:
    helpers = Helpers(folder, config(credsStore="broken"))
    depths = []
    for _ in range(3):
        with pytest.raises(UnavailableError) as caught:
            await helpers.users("ghcr.io/team")
        depths.append(len(list(traceback.walk_tb(caught.value.__traceback__))))
    assert depths[1] == depths[2]


async def test_a_helper_that_fails_is_no_helper_that_has_none(folder: Path) -> None:
    helpers = Helpers(folder, config(auths={"ghcr.io": {"auth": "dTpw"}}, credsStore="broken"))
    for _ in range(3):
        with pytest.raises(UnavailableError, match="the credential helper docker-credential-broken failed"):
            await helpers.users("ghcr.io/team")
    assert helpers.questions == ["broken"]
    helpers.now = 5.0
    with pytest.raises(UnavailableError):
        await helpers.users("ghcr.io/team")
    assert helpers.questions == ["broken"] * 2
