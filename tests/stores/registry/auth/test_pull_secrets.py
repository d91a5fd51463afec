import asyncio
import base64
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.api_objects import ApiObjectsSimulator
from tests.stores.registry.docker import auth, config
from webhook.errors import ConfigurationError, UnavailableError
from webhook.kube.client import KubeClient
from webhook.kube.opening import open_client
from webhook.model.evidence import PullIdentity
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.auth.credentials import Credential, Keyring
from webhook.stores.registry.auth.docker_config import DockerConfig
from webhook.stores.registry.auth.keyring import ConfiguredKeyring
from webhook.stores.registry.auth.pull_secrets import (
    ABSENT_SECONDS,
    ERROR_SECONDS,
    FOUND_SECONDS,
    PodKeyrings,
    open_keyrings,
)
from webhook.stores.registry.reference import Repository

CART = Repository("registry.example.com", "shop/cart")
SECRETS = "/api/v1/namespaces/shop/secrets"
ACCOUNTS = "/api/v1/namespaces/shop/serviceaccounts"
CONFIGURED = ConfiguredKeyring(DockerConfig(((CART.host, Credential("configured", "p")),)))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiObjectsSimulator]:
    async with ApiObjectsSimulator(tmp_path) as running:
        yield running


@pytest.fixture
async def client(api: ApiObjectsSimulator) -> AsyncIterator[KubeClient]:
    async with open_client(api.kubeconfig) as opened:
        yield opened


class World:
    """Keyrings on a clock that stands still."""

    def __init__(self, client: KubeClient) -> None:
        self.now = 0.0
        self.keyrings = PodKeyrings(client, CONFIGURED, lambda: self.now)

    async def keyring(self, *secrets: str, account: str = "default", namespace: str = "shop") -> Keyring:
        return await self.keyrings.keyring(PullIdentity(namespace, account, secrets))

    async def users(self, *secrets: str, account: str = "default", namespace: str = "shop") -> list[str]:
        keyring = await self.keyring(*secrets, account=account, namespace=namespace)
        return [credential.username for credential in await keyring.credentials(CART)]


@pytest.fixture
def world(client: KubeClient) -> World:
    return World(client)


def login(username: str, host: str = CART.host) -> dict[str, Any]:
    return {host: {"auth": auth(username, "p")}}


async def test_a_pods_pull_secret_is_used_before_what_is_configured(api: ApiObjectsSimulator, world: World) -> None:
    api.secret("pull", login("pod"))
    assert await world.users("pull") == ["pod", "configured"]


async def test_the_older_form_of_a_pull_secret_is_used(api: ApiObjectsSimulator, world: World) -> None:
    api.secret("pull", login("pod"), key="dockercfg")
    assert await world.users("pull") == ["pod", "configured"]


async def test_the_service_accounts_pull_secrets_are_used_after_the_pods(
    api: ApiObjectsSimulator, world: World
) -> None:
    api.account("builder", "theirs")
    api.secret("theirs", login("account"))
    api.secret("pull", login("pod"))
    assert await world.users("pull", account="builder") == ["pod", "account", "configured"]
    assert await world.users(account="builder") == ["account", "configured"]


async def test_the_secrets_of_a_pod_are_one_keyring(api: ApiObjectsSimulator, world: World) -> None:
    api.secret("first", login("host"))
    api.secret("second", login("path", f"{CART.host}/shop"))
    assert await world.users("first", "second") == ["path", "host", "configured"]


async def test_secrets_of_another_namespace_are_not_used(api: ApiObjectsSimulator, world: World) -> None:
    api.secret("pull", login("other"), namespace="bank")
    api.account("default", "pull", namespace="bank")
    assert await world.users("pull") == ["configured"]
    assert await world.users("pull", namespace="bank") == ["other", "configured"]


async def test_without_an_identity_what_is_configured_is_used(api: ApiObjectsSimulator, world: World) -> None:
    assert await world.keyrings.keyring(None) is CONFIGURED
    assert api.paths == []


async def test_a_secret_that_does_not_exist_is_passed_over(api: ApiObjectsSimulator, world: World) -> None:
    api.secret("pull", login("pod"))
    assert await world.users("absent", "pull") == ["pod", "configured"]


LOGIN = base64.b64encode(config(auths=login("pod"))).decode()
PASSED_OVER: dict[str, dict[str, Any]] = {
    "another type": {"type": "Opaque", "data": {".dockerconfigjson": LOGIN}},
    "the other form's member": {"type": "kubernetes.io/dockercfg", "data": {".dockerconfigjson": LOGIN}},
    "no data": {"type": "kubernetes.io/dockerconfigjson"},
    "empty data": {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": ""}},
    "no type": {"data": {".dockerconfigjson": LOGIN}},
    "no entries": {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}},
}


@pytest.mark.parametrize("secret", PASSED_OVER.values(), ids=PASSED_OVER)
async def test_a_secret_that_is_no_pull_secret_is_passed_over(
    secret: dict[str, Any], api: ApiObjectsSimulator, world: World
) -> None:
    api.objects[f"{SECRETS}/pull"] = secret
    assert await world.keyring("pull") is CONFIGURED


@pytest.mark.parametrize("content", [b"secret-42", b"[]", config(auths={CART.host: {"auth": "secret-42"}})])
async def test_a_pull_secret_that_cannot_be_read_is_named_without_its_content(
    content: bytes, api: ApiObjectsSimulator, world: World
) -> None:
    api.secret("broken", content)
    with pytest.raises(UnavailableError) as caught:
        await world.keyring("broken")
    assert caught.value.detail.startswith("the pull secret shop/broken cannot be read: ")
    assert "secret-42" not in caught.value.detail


async def test_a_pull_secret_whose_data_is_no_base64_is_named(api: ApiObjectsSimulator, world: World) -> None:
    secret = {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "not base64"}}
    api.objects[f"{SECRETS}/pull"] = secret
    with pytest.raises(UnavailableError, match="shop/pull cannot be read: its data is not Base64"):
        await world.keyring("pull")


FAILURES: dict[str, tuple[int | bytes, str]] = {
    "forbidden": (403, "the API server answered 403"),
    "overloaded": (429, "the API server answered 429"),
    "broken": (500, "the API server answered 500"),
    "garbage": (b"<html>", "the API server sent something that is not JSON"),
    "endless": (b" " * (512 * 1024 + 1), "the API server's answer exceeds 524288 bytes"),
}


@pytest.mark.parametrize(("answer", "problem"), FAILURES.values(), ids=FAILURES)
async def test_a_secret_that_the_api_server_does_not_give_is_unavailable(
    answer: int | bytes, problem: str, api: ApiObjectsSimulator, world: World
) -> None:
    api.objects[f"{SECRETS}/pull"] = answer
    with pytest.raises(UnavailableError) as caught:
        await world.keyring("pull")
    assert caught.value.detail == f"the pull secret shop/pull cannot be read: {problem}"


@pytest.mark.parametrize(("answer", "problem"), FAILURES.values(), ids=FAILURES)
async def test_a_service_account_that_the_api_server_does_not_give_is_unavailable(
    answer: int | bytes, problem: str, api: ApiObjectsSimulator, world: World
) -> None:
    api.objects[f"{ACCOUNTS}/default"] = answer
    with pytest.raises(UnavailableError) as caught:
        await world.keyring()
    assert caught.value.detail == f"the ServiceAccount shop/default cannot be read: {problem}"


async def test_a_failure_that_is_remembered_collects_no_traces(api: ApiObjectsSimulator, world: World) -> None:
    api.objects[f"{SECRETS}/pull"] = 500
    depths = []
    for _ in range(3):
        with pytest.raises(UnavailableError) as caught:
            await world.keyring("pull")
        depths.append(len(list(traceback.walk_tb(caught.value.__traceback__))))
    # The first one may pass through the fetch; what follows must not grow.
    assert depths[1] == depths[2]


async def test_an_api_server_that_hangs_is_given_up(
    api: ApiObjectsSimulator, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.stores.registry.auth.pull_secrets._ANSWER_SECONDS", 0.2)
    api.objects[f"{SECRETS}/pull"] = None
    with pytest.raises(UnavailableError, match="the API server did not answer in time"):
        await world.keyring("pull")


# No object can have such a name, and some lead to other paths of the API.
NAMES = [
    "",
    ".",
    "..",
    "../bank",
    "../../bank/secrets/pull",
    "a/b",
    "a b",
    "Pull",
    "pull\n",
    "-a",
    "%2e%2e",
    "x" * 254,
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_that_no_object_can_have_is_never_asked_for(
    name: str, api: ApiObjectsSimulator, world: World
) -> None:
    api.secret("pull", login("bank"), namespace="bank")
    api.account("default", name)
    assert await world.users(name) == ["configured"]
    assert await world.users(account=name) == ["configured"]
    assert await world.users("pull", namespace=name) == ["configured"]
    assert api.paths == [f"{ACCOUNTS}/default"]


async def test_more_pull_secrets_than_a_pod_can_need_are_not_read(api: ApiObjectsSimulator, world: World) -> None:
    api.account("default", *(f"account-{n}" for n in range(16)))
    await world.keyring(*(f"pod-{n}" for n in range(16)))
    api.paths.clear()
    with pytest.raises(UnavailableError, match="more than 32 pull secrets"):
        await world.keyring(*(f"pod-{n}" for n in range(17)))
    assert api.paths == []


@pytest.mark.parametrize("entries", [1024, 1025])
async def test_the_entries_of_all_secrets_of_a_pod_are_bounded(
    entries: int, api: ApiObjectsSimulator, world: World
) -> None:
    for name, numbers in (("first", range(1000)), ("second", range(1000, entries))):
        api.secret(name, {f"r{number}.example.com": {"auth": "dTpw"} for number in numbers})
    if entries == 1024:
        assert await world.users("first", "second") == ["configured"]
    else:
        with pytest.raises(UnavailableError, match="the pod's pull secrets have more than 1024 entries"):
            await world.keyring("first", "second")


async def test_a_secret_is_read_once_for_all_who_ask_at_the_same_time(api: ApiObjectsSimulator, world: World) -> None:
    api.account("default", "pull")
    api.secret("pull", login("pod"))
    await asyncio.gather(*(world.keyring("pull") for _ in range(100)))
    assert sorted(api.paths) == [f"{SECRETS}/pull", f"{ACCOUNTS}/default"]


async def test_who_goes_away_takes_nothing_from_the_others(api: ApiObjectsSimulator, world: World) -> None:
    api.secret("pull", login("pod"))
    first, second = (asyncio.create_task(world.users("pull")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ["pod", "configured"]


@pytest.mark.parametrize(
    ("answer", "seconds"), [("found", FOUND_SECONDS), (404, ABSENT_SECONDS), (500, ERROR_SECONDS)]
)
async def test_an_answer_is_remembered_for_its_time(
    answer: str | int, seconds: float, api: ApiObjectsSimulator, world: World
) -> None:
    api.objects[f"{ACCOUNTS}/default"] = {"kind": "ServiceAccount"}
    api.secret("pull", login("before"))
    if isinstance(answer, int):
        api.objects[f"{SECRETS}/pull"] = answer

    async def outcome() -> list[str] | str:
        try:
            return await world.users("pull")
        except UnavailableError as error:
            return error.detail

    before = await outcome()
    api.secret("pull", login("after"))
    world.now = seconds - 0.1
    assert await outcome() == before
    world.now = seconds
    assert await outcome() == ["after", "configured"]


async def test_pods_with_the_same_secrets_may_share_what_was_fetched(api: ApiObjectsSimulator, world: World) -> None:
    api.secret("pull", login("same"))
    api.secret("pull", login("same"), namespace="bank")
    api.secret("other", login("other"))
    prints = [
        (await world.keyring("pull")).fingerprint,
        (await world.keyring("pull", namespace="bank")).fingerprint,
        (await world.keyring("other")).fingerprint,
        (await world.keyring()).fingerprint,
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3
    assert prints[3] == CONFIGURED.fingerprint


def section(**options: Any) -> RegistryStoreSettings:
    return RegistryStoreSettings.model_validate({"allow": ["ghcr.io/*"], **options})


async def test_without_credentials_everybody_is_anonymous(tmp_path: Path) -> None:
    keyring = await open_keyrings(section(), tmp_path, None).keyring(PullIdentity("shop", "default", ("pull",)))
    assert await keyring.credentials(CART) == []


async def test_the_docker_configuration_lies_beside_the_gates(
    tmp_path: Path, api: ApiObjectsSimulator, client: KubeClient
) -> None:
    (tmp_path / "docker.json").write_bytes(config(auths=login("configured")))
    api.secret("pull", login("pod"))
    identity = PullIdentity("shop", "default", ("pull",))
    for pull_secrets, expected in ((False, ["configured"]), (True, ["pod", "configured"])):
        options = section(dockerConfig="docker.json", pullSecrets=pull_secrets)
        keyring = await open_keyrings(options, tmp_path, client).keyring(identity)
        assert [credential.username for credential in await keyring.credentials(CART)] == expected


def test_pull_secrets_need_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pullSecrets needs a cluster: run in a pod, or give --kubeconfig"):
        open_keyrings(section(pullSecrets=True), tmp_path, None)


def test_a_docker_configuration_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "docker.json").write_bytes(b"[]")
    with pytest.raises(ConfigurationError) as caught:
        open_keyrings(section(dockerConfig="docker.json"), tmp_path, None)
    assert str(caught.value) == f"stores.registry.dockerConfig {str(tmp_path / 'docker.json')!r}: it is no mapping"


@pytest.mark.parametrize(
    "more",
    [
        {"allow": [f"{CART.host}/*", "ghcr.io/*"]},
        {"allow": ["*.example.com/*"]},
        {"evidenceRepository": "ghcr.io/shop/evidence"},
        {"mirrors": {CART.host: ["ghcr.io"]}},
    ],
    ids=["another host", "any host", "evidence elsewhere", "a mirror"],
)
def test_a_missing_helper_matters_where_its_host_may_be_asked(more: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"credHelpers": {"ghcr.io": "absent"}}')
    section = {"allow": [f"{CART.host}/*"], "dockerConfig": "config.json"}
    open_keyrings(RegistryStoreSettings.model_validate(section), tmp_path, None)
    with pytest.raises(ConfigurationError, match="absent is not on PATH"):
        open_keyrings(RegistryStoreSettings.model_validate(section | more), tmp_path, None)
