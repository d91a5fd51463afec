"""Logging in to push: tokens for pulling and pushing one repository, and nobody else is told anything."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.publish.making import PATH, PATIENCE, QUICK, evidence, image
from tests.simulators.access import Access
from tests.simulators.registry import MANIFEST, RegistrySimulator
from tests.simulators.registry_writes import RegistryWithWriters, answers_status
from tests.stores.registry.simulated import USERS, Authority, secure
from webhook.attest.signing.signed import SignedEvidence
from webhook.publish.registry import RegistryPublisher
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.transport.failure import RegistryError

SECRET = "s3cret"  # noqa: S105 - a simulator's
OURS = f"repository:{PATH}:pull,push"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def guarded(
    authority: Authority, access: Access, folder: Path, *, secret: str = SECRET
) -> AsyncIterator[tuple[RegistryWithWriters, RegistryPublisher]]:
    """A registry that lets in who has a credential, and a publisher who has one in a Docker configuration."""
    async with RegistryWithWriters(authority.server(), access, referrers=True) as registry:
        auth = base64.b64encode(f"ann:{secret}".encode()).decode()
        file = folder / "config.json"
        file.write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
        section = RegistryStoreSettings.model_validate(
            {
                "allow": [f"{registry.host}/*"],
                "hosts": {registry.host: secure(authority)},
                "dockerConfig": str(file),
            }
        )
        somebody = RegistryPublisher(section, folder, QUICK, PATIENCE)
        try:
            yield registry, somebody
        finally:
            await somebody.close()


async def push(registry: RegistryWithWriters, somebody: RegistryPublisher, path: str = PATH) -> SignedEvidence:
    digest = registry.add_manifest(path, {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []})
    signed = evidence(digest)
    await somebody.push(image(registry.host, digest, path), signed)
    return signed


async def test_a_token_to_pull_and_push_is_asked_for_from_the_start(authority: Authority, tmp_path: Path) -> None:
    # The registry's first challenge is about reading; it names `pull` alone.
    access = Access(USERS)
    async with guarded(authority, access, tmp_path) as (registry, somebody):
        await push(registry, somebody)
    assert [issued.scopes for issued in access.issued] == [(OURS,)]
    assert {seen.authorization for seen in registry.seen if seen.method == "PUT"} == {"Bearer token-1"}


async def test_another_repository_takes_one_token_more_and_no_refusal(authority: Authority, tmp_path: Path) -> None:
    access = Access(USERS)
    async with guarded(authority, access, tmp_path) as (registry, somebody):
        await push(registry, somebody)
        before = len(registry.seen)
        await push(registry, somebody, "shop/other")
        assert all(seen.authorization for seen in registry.seen[before:])
    assert [issued.scopes for issued in access.issued] == [(OURS,), ("repository:shop/other:pull,push",)]


async def test_a_challenge_about_others_gets_nothing_but_reading(authority: Authority, tmp_path: Path) -> None:
    access = Access(USERS)
    async with guarded(authority, access, tmp_path) as (registry, somebody):
        scope = f"repository:{PATH}:pull repository:other/base:pull,push repository:{PATH}:delete"
        access.challenge = f'Bearer realm="{access.realm}",service="s",scope="{scope}"'
        await push(registry, somebody)
    assert [issued.scopes for issued in access.issued] == [(OURS, "repository:other/base:pull")]


async def test_basic_is_enough(authority: Authority, tmp_path: Path) -> None:
    async with guarded(authority, Access(USERS, bearer=False), tmp_path) as (registry, somebody):
        await push(registry, somebody)


async def test_a_wrong_password_is_said_to_be_no_way_in_and_shown_nowhere(
    authority: Authority, tmp_path: Path
) -> None:
    async with guarded(authority, Access(USERS), tmp_path, secret="wr0ng-one") as (registry, somebody):  # noqa: S106 - a simulator's
        with pytest.raises(RegistryError, match=r"\(401\)") as caught:
            await push(registry, somebody)
    assert "wr0ng-one" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


async def test_who_may_only_pull_is_told_so(authority: Authority, tmp_path: Path) -> None:
    access = Access(USERS)
    async with guarded(authority, access, tmp_path) as (registry, somebody):
        # Token services give a token with less than was asked for; the registry then asks again.
        asks = {"WWW-Authenticate": f'Bearer realm="{access.realm}",service="s",scope="{OURS}"'}
        registry.uploads.extend([answers_status(401, asks)] * 4)
        with pytest.raises(RegistryError, match=rf"\(401\); log in with an account that may push to {PATH}"):
            await push(registry, somebody)


async def test_credentials_go_to_no_place_that_an_upload_or_a_redirect_names(
    authority: Authority, tmp_path: Path
) -> None:
    async with (
        RegistrySimulator(authority.server()) as other,
        guarded(authority, Access(USERS, bearer=False), tmp_path) as (registry, somebody),
    ):
        there = other.host.replace("127.0.0.1", "localhost")
        registry.location = f"https://{there}{{}}"
        with pytest.raises(RegistryError, match="sends the upload to another host"):
            await push(registry, somebody)
        registry.location = None
        registry.uploads.append(answers_status(307, {"Location": f"https://{there}/v2/"}))
        with pytest.raises(RegistryError, match=r"sends what is pushed to another place \(307\)"):
            await push(registry, somebody)
        assert not other.seen
