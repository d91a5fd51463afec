"""Logging in where it fails: the next credential, and what is said when there is none."""

from collections.abc import Sequence

import pytest

from tests.simulators.access import Access, Issued
from tests.simulators.api_server import status
from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.simulated import (
    ACCOUNT,
    BOTH,
    IDENTITY,
    NOBODY,
    PATH,
    READY,
    USERS,
    WRONG,
    Authority,
    Client,
    Keys,
    at,
    guarded,
    plain,
)
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.stores.registry.auth.credentials import Credential
from webhook.stores.registry.client.client import RegistryError
from webhook.stores.registry.reference import Repository
from webhook.stores.registry.transport.failure import Outcome


@pytest.mark.parametrize("bearer", [True, False])
async def test_next_credential_is_tried_when_one_is_refused(bearer: bool, authority: Authority) -> None:  # noqa: FBT001 - a table's column
    async with guarded(authority, Access(USERS, bearer=bearer)) as (registry, asker):
        keys = Keys(WRONG, Credential("bob", "unknown"), ACCOUNT)
        await asker.client.manifest(at(registry), "1.0", keys)
        registry.seen.clear()
        await asker.client.manifest(at(registry), "1.0", keys)
        assert len(registry.seen) == 1


@pytest.mark.parametrize("bearer", [True, False])
async def test_next_credential_is_tried_when_one_may_not_read(bearer: bool, authority: Authority) -> None:  # noqa: FBT001 - a table's column
    access = Access(USERS | {"bob": "b"}, bearer=bearer, denied={"bob"})
    async with guarded(authority, access) as (registry, asker):
        await asker.client.manifest(at(registry), "1.0", Keys(Credential("bob", "b"), ACCOUNT))
        assert registry.requests["manifest"] == 3


async def test_credential_that_loses_its_right_makes_way_for_the_next(authority: Authority) -> None:
    access = Access(USERS | {"bob": "b"})
    async with guarded(authority, access) as (registry, asker):
        keys = Keys(Credential("bob", "b"), ACCOUNT)
        await asker.client.manifest(at(registry), "1.0", keys)
        access.denied.add("bob")
        await asker.client.manifest(at(registry), "1.0", keys)
        assert access.issued[-1].user == "ann"


async def test_credentials_that_are_tried_are_bounded(authority: Authority) -> None:
    async with guarded(authority, Access(USERS, bearer=False)) as (registry, asker):
        with pytest.raises(RegistryError, match=r"does not accept who asks \(401\)"):
            await asker.client.manifest(at(registry), "1.0", Keys(*[WRONG] * LIMITS.registry_credentials, ACCOUNT))
        assert len(registry.seen) == 1 + LIMITS.registry_credentials


async def test_right_to_read_that_is_missing_is_said(authority: Authority) -> None:
    async with guarded(authority, Access(USERS, denied={"ann"})) as (registry, asker):
        with pytest.raises(RegistryError, match=r"denies access to the repository \(403\)"):
            await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))


@pytest.mark.parametrize("bearer", [True, False])
async def test_no_credential_goes_over_plain_http(bearer: bool) -> None:  # noqa: FBT001 - a table's column
    access = Access(USERS, bearer=bearer)
    async with RegistrySimulator(access=access) as registry, Client({registry.host: plain()}) as asker:
        keys = Keys(ACCOUNT, READY)
        with pytest.raises(RegistryError):
            await asker.client.manifest(at(registry), "1.0", keys)
        assert not keys.asked
        assert {seen.authorization for seen in registry.seen} == {None}


async def test_insecure_registry_that_wants_a_password_is_said() -> None:
    access = Access(USERS, bearer=False)
    async with RegistrySimulator(access=access) as registry, Client({registry.host: plain()}) as asker:
        with pytest.raises(RegistryError) as caught:
            await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        clause = "asks for credentials (401), which are never sent over plain http"
        step = "check `insecure` in stores.registry.hosts"
        assert caught.value.detail == f"registry {registry.host} {clause}: {step}"


async def test_insecure_registry_gives_tokens_to_nobody_in_particular() -> None:
    access = Access(USERS, anonymous=True)
    async with RegistrySimulator(access=access) as registry, Client({registry.host: plain()}) as asker:
        registry.add_manifest(PATH, {}, "1.0")
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert access.issued == [Issued("", "simulator", (f"repository:{PATH}:pull",))]


REFUSED: dict[str, tuple[bool, Keys, str]] = {
    "no password": (
        False,
        NOBODY,
        "registry {} asks for credentials (401), and there is none that it would take",
    ),
    "a wrong password": (False, Keys(WRONG), "registry {} does not accept who asks (401)"),
    "no token": (True, NOBODY, "the token service of registry {} does not accept who asks (401)"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_settings_to_look_at_are_named_where_nobody_who_asks_is_known(case: str, authority: Authority) -> None:
    bearer, keys, clause = REFUSED[case]
    async with guarded(authority, Access(USERS, bearer=bearer)) as (registry, asker):
        with pytest.raises(RegistryError) as caught:
            await asker.client.manifest(at(registry), "1.0", keys)
        step = "check stores.registry.dockerConfig and pullSecrets"
        assert caught.value.detail == f"{clause.format(registry.host)}: {step}"
        assert caught.value.outcome is Outcome.UNAUTHORIZED


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Digest realm=x",
        "Negotiate",
        'Bearer realm="x',
        "Bearer realm=x realm=y",
        "\xff",
        'Bearer realm="a",realm="b"',
    ],
)
async def test_challenge_that_is_not_understood_is_said(challenge: str, authority: Authority) -> None:
    async with guarded(authority, Access(USERS)) as (registry, asker):
        registry.faults["manifest"].append(status(401, {"WWW-Authenticate": challenge}))
        keys = Keys(ACCOUNT)
        with pytest.raises(RegistryError, match="in a way that is not understood"):
            await asker.client.manifest(at(registry), "1.0", keys)
        assert {seen.authorization for seen in registry.seen} == {None}


async def test_credentials_that_cannot_be_read_are_no_refusal(authority: Authority) -> None:
    class Broken:
        fingerprint = "sha256:" + "0" * 64

        async def credentials(self, repository: Repository) -> Sequence[Credential]:
            raise UnavailableError(f"the secrets for {repository.name} cannot be read")

    async with guarded(authority, Access(USERS)) as (registry, asker):
        with pytest.raises(UnavailableError, match="the secrets for"):
            await asker.client.manifest(at(registry), "1.0", Broken())


@pytest.mark.parametrize("token", ["a b", "a\r\nX: y", "é", "\0"])
async def test_credential_that_no_header_can_hold_is_not_sent(token: str, authority: Authority) -> None:
    async with guarded(authority, Access(USERS)) as (registry, asker):
        with pytest.raises(RegistryError, match="there is none that it would take"):
            await asker.client.manifest(at(registry), "1.0", Keys(Credential("", "", registry_token=token)))
        assert len(registry.seen) == 1


async def test_password_of_any_letters_is_sent(authority: Authority) -> None:
    odd = "pä\r\nss: \0"
    async with guarded(authority, Access({"ann": odd}, bearer=False)) as (registry, asker):
        await asker.client.manifest(at(registry), "1.0", Keys(Credential("ann", odd)))


def test_credential_shows_nothing_of_itself() -> None:
    credential = Credential("ann", "s3cret", "identity", "registry")
    for text in (repr(credential), str(credential), f"{credential}"):
        assert not any(secret in text for secret in ("ann", "s3cret", "identity=", "registry="))


async def test_no_secret_stands_in_an_error(authority: Authority) -> None:
    async with guarded(authority, Access(USERS)) as (registry, asker):
        with pytest.raises(RegistryError) as caught:
            await asker.client.manifest(at(registry), "1.0", Keys(WRONG))
        assert "wr0ng" not in str(caught.value)


async def test_tokens_do_not_go_to_a_registry_that_wants_a_password(authority: Authority) -> None:
    async with guarded(authority, Access(USERS, bearer=False)) as (registry, asker):
        with pytest.raises(RegistryError, match="there is none that it would take"):
            await asker.client.manifest(at(registry), "1.0", Keys(IDENTITY, BOTH))
        assert len(registry.seen) == 1


async def test_token_service_that_is_ill_is_not_asked_with_each_credential(authority: Authority) -> None:
    async with guarded(authority, Access(USERS)) as (registry, asker):
        registry.faults["token"].append(status(429))
        with pytest.raises(RegistryError, match="limits the rate"):
            await asker.client.manifest(at(registry), "1.0", Keys(WRONG, ACCOUNT))
        assert registry.requests["token"] == 1
