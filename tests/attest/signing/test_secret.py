"""Keys in Secrets, where the API server is at fault; tests/integration/test_key_in_a_secret.py asks a real one."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.attest.keys import private_pem, public_pem
from tests.simulators.api_objects import ApiObjectsSimulator
from webhook.attest.signing.key import SigningKey
from webhook.attest.signing.references import KeyAccess, KeyReferenceError, load_key
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.trust.keys import PublicKey

PATH = "/api/v1/namespaces/staging/secrets/observer.key"
REFERENCE = "k8s://staging/observer.key"
PUBLIC = PublicKey.from_pem(public_pem("P-256"))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiObjectsSimulator]:
    async with ApiObjectsSimulator(tmp_path) as simulator:
        yield simulator


def serve(api: ApiObjectsSimulator, **members: bytes) -> None:
    """Serves the Secret; `_` in a member's name stands for a dot."""
    data = {name.replace("_", "."): base64.b64encode(content).decode() for name, content in members.items()}
    api.objects[PATH] = {"kind": "Secret", "data": data}


async def load(api: ApiObjectsSimulator, passphrase: bytes | None = None, **environment: str) -> SigningKey:
    # In a thread, as it blocks.
    access = KeyAccess(passphrase, kubeconfig=api.kubeconfig, environment=environment)
    return await asyncio.to_thread(load_key, REFERENCE, access)


async def test_one_request_gets_the_key(api: ApiObjectsSimulator) -> None:
    serve(api, cosign_key=private_pem("P-256"))
    assert (await load(api)).public == PUBLIC
    assert api.paths == [PATH]


async def test_the_passphrase_lies_beside_the_key(api: ApiObjectsSimulator) -> None:
    serve(api, cosign_key=private_pem("P-256", b"right"), cosign_password=b"right")
    assert (await load(api, COSIGN_PASSWORD="of another key")).public == PUBLIC  # noqa: S106 - that of the test


async def test_a_passphrase_that_is_named_comes_before_it(api: ApiObjectsSimulator) -> None:
    serve(api, cosign_key=private_pem("P-256", b"right"), cosign_password=b"old")
    assert (await load(api, b"right")).public == PUBLIC


async def test_a_passphrase_need_not_lie_beside_the_key(api: ApiObjectsSimulator) -> None:
    serve(api, cosign_key=private_pem("P-256", b"right"))
    assert (await load(api, COSIGN_PASSWORD="right")).public == PUBLIC  # noqa: S106 - that of the test


async def test_a_key_that_is_not_encrypted_may_have_a_passphrase_beside_it(api: ApiObjectsSimulator) -> None:
    serve(api, cosign_key=private_pem("P-256"), cosign_password=b"")
    assert (await load(api)).public == PUBLIC


UNUSABLE: dict[str, tuple[Any, str]] = {
    "absent": (404, "there is no such Secret; `cosign generate-key-pair k8s://NAMESPACE/NAME` makes one"),
    "forbidden": (403, "this account may not read it; it needs the verb `get` on this Secret"),
    "unauthorized": (401, "the API server does not know this account"),
    "without data": ({"kind": "Secret"}, "the Secret has no member cosign.key"),
    "data no object": ({"kind": "Secret", "data": []}, "the Secret has no member cosign.key"),
    "without the member": ({"data": {"tls.key": "AAAA"}}, "the Secret has no member cosign.key"),
    "member empty": ({"data": {"cosign.key": ""}}, "the Secret has no member cosign.key"),
    "member a number": ({"data": {"cosign.key": 7}}, "the Secret has no member cosign.key"),
    "member no Base64": ({"data": {"cosign.key": "c2VjcmV0%%"}}, "the Secret's member cosign.key is not Base64"),
    "member no ASCII": ({"data": {"cosign.key": "é"}}, "the Secret's member cosign.key is not Base64"),
    "password no Base64": (
        {"data": {"cosign.key": "AAAA", "cosign.password": "c2VjcmV0%%"}},
        "the Secret's member cosign.password is not Base64",
    ),
    "member too large": (
        {"data": {"cosign.key": base64.b64encode(b"x" * (LIMITS.key_bytes + 1)).decode()}},
        f"the Secret's member cosign.key is larger than {LIMITS.key_bytes} bytes",
    ),
    "member no key": ({"data": {"cosign.key": base64.b64encode(b"secret").decode()}}, "it holds no PEM private key"),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_a_secret_that_cannot_be_used_is_refused(name: str, api: ApiObjectsSimulator) -> None:
    api.objects[PATH], message = UNUSABLE[name]
    with pytest.raises(KeyReferenceError) as caught:
        await load(api)
    assert str(caught.value) == f"{REFERENCE}: {message}"


UNKNOWN: dict[str, tuple[Any, str]] = {
    "failing": (500, "the API server answered 500"),
    "busy": (429, "the API server answered 429"),
    "no JSON": (b"<html>", "the API server sent something that is not JSON"),
    "no object": (b"[]", "the API server sent something that is no object"),
    "endless": (b" " * (LIMITS.pull_secret_bytes + 1), "the API server's answer exceeds"),
}


@pytest.mark.parametrize("name", UNKNOWN)
async def test_an_api_server_that_gives_no_answer_is_no_mistake_of_the_user(
    name: str, api: ApiObjectsSimulator
) -> None:
    api.objects[PATH], message = UNKNOWN[name]
    with pytest.raises(UnavailableError) as caught:
        await load(api)
    assert caught.value.detail.startswith(f"{REFERENCE}: the Secret cannot be read: {message}")


async def test_an_api_server_that_is_away_is_none_either(api: ApiObjectsSimulator) -> None:
    await api.go_away()
    with pytest.raises(UnavailableError, match="the connection to the API server failed"):
        await load(api)


async def test_without_a_way_to_an_api_server_the_kubeconfig_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(
        KeyReferenceError, match=r"service account does not lead .*; name the cluster by --kubeconfig$"
    ):
        await asyncio.to_thread(load_key, REFERENCE, KeyAccess(environment={}))


async def test_a_kubeconfig_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("{}")
    access = KeyAccess(kubeconfig=tmp_path / "kubeconfig", environment={})
    with pytest.raises(KeyReferenceError, match="/kubeconfig does not lead to an API server; check that the file is"):
        await asyncio.to_thread(load_key, REFERENCE, access)
