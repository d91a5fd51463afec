"""No text that the gate makes of a credential holds it: no representation, no log line, no error."""

import gc
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.api_objects import ApiObjectsSimulator
from tests.stores.registry.docker import auth, config, helper
from webhook.errors import ConfigurationError, UnavailableError
from webhook.kube.client import KubeClient
from webhook.kube.opening import open_client
from webhook.model.evidence import PullIdentity
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.auth.credentials import Credential, Keyring, KeyringSource
from webhook.stores.registry.auth.docker_config import load_docker_config
from webhook.stores.registry.auth.pull_secrets import open_keyrings
from webhook.stores.registry.reference import Repository

MARK = "mark3d"
SHOP = Repository("registry.example.com", "shop/cart")
EVERY_FORM: dict[str, Any] = {
    "a.example.com": {"auth": auth(f"user-{MARK}", f"password-{MARK}")},
    "b.example.com": {"username": MARK, "password": MARK},
    "c.example.com": {"identitytoken": MARK},
    SHOP.host: {"registrytoken": MARK, "auth": auth(MARK, MARK)},
}
MARKS = [MARK, auth(MARK, MARK), auth(f"user-{MARK}", f"password-{MARK}")]


def assert_silent(text: str) -> None:
    assert not [mark for mark in MARKS if mark in text]


def reachable(root: object) -> Iterator[object]:
    """Walks through what our own objects hold."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen[id(found)] = found
        if type(found).__module__.startswith(("webhook.", "builtins")) and not isinstance(found, type):
            yield found
            waiting += gc.get_referents(found)


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    for record in caplog.records:
        assert_silent(record.getMessage() + repr(vars(record)))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiObjectsSimulator]:
    async with ApiObjectsSimulator(tmp_path) as running:
        yield running


@pytest.fixture
async def client(api: ApiObjectsSimulator) -> AsyncIterator[KubeClient]:
    async with open_client(api.kubeconfig) as opened:
        yield opened


@pytest.fixture
def source(tmp_path: Path, client: KubeClient, monkeypatch: pytest.MonkeyPatch) -> KeyringSource:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    answer = f'{{"Username": "{MARK}", "Secret": "{MARK}"}}'
    helper(tmp_path, "good", f"echo {MARK} >&2; echo '{answer}'")
    helper(tmp_path, "bad", f"echo {MARK} >&2; echo '{answer}'; exit 1")
    helpers = {SHOP.host: "good", "bad.example.com": "bad"}
    (tmp_path / "docker.json").write_bytes(config(auths=EVERY_FORM, credHelpers=helpers))
    options = {"allow": ["*.example.com/*"], "dockerConfig": "docker.json", "pullSecrets": True}
    return open_keyrings(RegistryStoreSettings.model_validate(options), tmp_path, client)


async def pods(source: KeyringSource, *secrets: str) -> Keyring:
    return await source.keyring(PullIdentity("shop", "default", secrets))


async def test_no_representation_shows_a_credential(api: ApiObjectsSimulator, source: KeyringSource) -> None:
    api.secret("pull", {SHOP.host: {"auth": auth(MARK, f"pod-{MARK}")}})
    keyring = await pods(source, "pull")
    found = await keyring.credentials(SHOP)
    # The Secret's, the helper's, the file's.
    assert found == [
        Credential(MARK, f"pod-{MARK}"),
        Credential(MARK, MARK),
        Credential(MARK, MARK, "", MARK),
    ]
    walked = [thing for thing in reachable([source, keyring, found]) if not isinstance(thing, str)]
    assert any(isinstance(thing, Credential) for thing in walked)
    for thing in walked:
        if type(thing).__module__.startswith("webhook."):
            assert_silent(f"{thing!r} {thing}")
    assert_silent(f"{found} {keyring.fingerprint}")


@pytest.mark.parametrize(
    "content",
    [
        MARK.encode(),
        config(auths={MARK: {"auth": MARK}}),
        config(auths={SHOP.host: MARK}),
        config(auths={SHOP.host: {"username": MARK, "password": [MARK]}}),
        config(auths=MARK),
    ],
)
async def test_no_error_shows_what_a_broken_secret_holds(
    content: bytes, api: ApiObjectsSimulator, source: KeyringSource, tmp_path: Path
) -> None:
    api.secret("pull", content)
    with pytest.raises(UnavailableError) as unavailable:
        await pods(source, "pull")
    (tmp_path / "broken.json").write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        load_docker_config(tmp_path / "broken.json", "stores.registry.dockerConfig")
    for error in (unavailable.value, refused.value):
        assert_silent("".join(traceback.format_exception(error)))
        assert_silent(f"{error!r} {error} {error.args}")


async def test_no_error_shows_what_a_failing_helper_said(source: KeyringSource) -> None:
    keyring = await source.keyring(None)
    with pytest.raises(UnavailableError) as caught:
        await keyring.credentials(Repository("bad.example.com", "shop/cart"))
    assert_silent("".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_no_error_shows_what_the_api_server_said(
    status: int, api: ApiObjectsSimulator, source: KeyringSource
) -> None:
    api.objects["/api/v1/namespaces/shop/secrets/pull"] = status
    with pytest.raises(UnavailableError) as caught:
        await pods(source, "pull")
    assert "a-token" not in "".join(traceback.format_exception(caught.value))
