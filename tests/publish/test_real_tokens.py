"""Pushing to a real registry that checks each token's scope: distribution, without the referrers API."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.publish.making import PATIENCE, QUICK, evidence, image
from tests.simulators.access import Access, Issued
from tests.stores.registry.simulated import PATH, USERS, secure
from tests.stores.registry.simulated import Authority as Roots
from tests.stores.registry.test_real_tokens import _real
from webhook.publish.registry import RegistryPublisher
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.reference import fallback_tag
from webhook.stores.registry.transport.failure import RegistryError

pytestmark = pytest.mark.integration

OURS = f"repository:{PATH}:pull,push"


def publisher(folder: Path, host: str, realm: str) -> RegistryPublisher:
    """Somebody with the login `ann`."""
    roots = Roots.__new__(Roots)
    roots.ca_file = folder / "ca.pem"
    file = folder / "config.json"
    file.write_text(json.dumps({"auths": {host: {"username": "ann", "password": USERS["ann"]}}}))
    hosts = {name: secure(roots) for name in (host, realm)}
    section = {"allow": [f"{host}/*"], "hosts": hosts, "dockerConfig": str(file)}
    return RegistryPublisher(RegistryStoreSettings.model_validate(section), folder, QUICK, PATIENCE)


def realm_of(access: Access) -> str:
    return access.realm.removeprefix("https://").partition("/")[0]


async def test_one_token_opens_everything_that_a_push_takes(tmp_path: Path) -> None:
    access = Access(USERS)
    async with _real(tmp_path, access) as (host, _, pusher):
        digest = pusher.image("cart")
        somebody = publisher(tmp_path, host, realm_of(access))
        pushed = await somebody.push(image(host, digest), evidence(digest))
        await somebody.close()
    assert pushed.tag == fallback_tag(digest)
    assert [issued.scopes for issued in access.issued] == [(OURS,)]


async def test_a_token_that_allows_less_is_told(tmp_path: Path) -> None:
    access = Access(USERS)
    async with _real(tmp_path, access) as (host, _, pusher):
        digest = pusher.image("cart")
        mint = access.mint
        assert mint is not None

        def grudging(issued: Issued) -> str:
            """As a token service that knows who may push."""
            return mint(replace(issued, scopes=(f"repository:{PATH}:pull",)))

        access.mint = grudging
        somebody = publisher(tmp_path, host, realm_of(access))
        with pytest.raises(RegistryError, match=rf"\(401\); log in with an account that may push to {PATH}"):
            await somebody.push(image(host, digest), evidence(digest))
        await somebody.close()
