"""Token services: which may be asked, which get a credential, and how they fail."""

import pytest

from tests.harness.polling import poll_async
from tests.simulators.access import Access
from tests.simulators.api_server import Fault, status
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_faults import answers, drips, floods, hangs, moved
from tests.stores.registry.simulated import (
    ACCOUNT,
    NOBODY,
    PATH,
    PATIENCE,
    Authority,
    Client,
    Keys,
    at,
    guarded,
    plain,
    secure,
)
from webhook.stores.registry.auth.tokens import _read_token
from webhook.stores.registry.client.client import RegistryError


async def _with_realm(authority: Authority, realm: str, keys: Keys) -> tuple[RegistryError, RegistrySimulator]:
    """Asks a registry at 127.0.0.1 whose token service is `realm`; `{port}` there is that of another simulator."""
    async with (
        RegistrySimulator(authority.server(), Access({"ann": "s3cret"}, anonymous=True)) as other,
        RegistrySimulator(authority.server(), Access(realm=realm.format(port=other.port))) as registry,
        Client(
            {
                registry.host: secure(authority),
                other.host: secure(authority),
                f"localhost:{other.port}": secure(authority),
            }
        ) as asker,
    ):
        with pytest.raises(RegistryError) as caught:
            await asker.client.manifest(at(registry), "1.0", keys)
        return caught.value, other


async def test_credential_does_not_go_to_a_token_service_on_another_host(authority: Authority) -> None:
    error, other = await _with_realm(authority, "https://localhost:{port}/token", Keys(ACCOUNT))
    assert error.detail.endswith("names a token service at localhost, which may not get its credential")
    assert not other.seen


async def test_credential_does_not_go_to_a_name_that_is_no_idna(authority: Authority) -> None:
    error, _ = await _with_realm(authority, "https://xn--a/token", Keys(ACCOUNT))
    assert error.detail.endswith("names a token service at xn--a, which may not get its credential")


async def test_nobody_in_particular_may_ask_a_token_service_on_another_host(authority: Authority) -> None:
    error, other = await _with_realm(authority, "https://localhost:{port}/token", NOBODY)
    assert [seen.authorization for seen in other.seen] == [None]
    assert "does not accept who asks" in error.detail


async def test_credential_goes_to_another_port_of_the_same_host(authority: Authority) -> None:
    _, other = await _with_realm(authority, "https://127.0.0.1:{port}/token", Keys(ACCOUNT))
    assert [seen.authorization is None for seen in other.seen] == [False]


@pytest.mark.parametrize(
    "realm",
    [
        "",
        "/token",
        "token",
        "http://127.0.0.1:{port}/token",
        "ftp://127.0.0.1/token",
        "https:///token",
        "https://ann:s3cret@127.0.0.1:{port}/token",
        "https://[::1/token",
        "https://127.0.0.1:99999/token",
    ],
)
async def test_realm_that_cannot_be_asked_is_said(realm: str, authority: Authority) -> None:
    async with RegistrySimulator(authority.server()) as registry, Client({registry.host: secure(authority)}) as asker:
        challenge = f'Bearer realm="{realm.format(port=registry.port)}"'
        registry.faults["manifest"].append(status(401, {"WWW-Authenticate": challenge}))
        with pytest.raises(RegistryError, match="names a token service that cannot be asked"):
            await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert len(registry.seen) == 1


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "169.254.169.254", "[::ffff:127.0.0.1]:{port}", "0.0.0.0:{port}"]
)
async def test_realm_at_an_address_that_is_not_allowed_is_not_asked(host: str) -> None:
    async with (
        RegistrySimulator() as inside,
        RegistrySimulator(access=Access(realm=f"http://{host.format(port=inside.port)}/token")) as registry,
        Client({registry.host: plain()}) as asker,
    ):
        with pytest.raises(RegistryError, match="does not allow"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert not inside.seen


async def test_realm_keeps_its_own_query(authority: Authority) -> None:
    access = Access({"ann": "s3cret"})
    async with (
        RegistrySimulator(authority.server(), access) as registry,
        Client({registry.host: secure(authority)}) as asker,
    ):
        registry.add_manifest(PATH, {}, "1.0")
        access.realm += "?account=a%26b"
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert registry.seen[1].path == f"/token?account=a%26b&service=simulator&scope=repository:{PATH}:pull"


async def test_parameters_of_a_challenge_stay_parameters(authority: Authority) -> None:
    access = Access({"ann": "s3cret"})
    async with (
        RegistrySimulator(authority.server(), access) as registry,
        Client({registry.host: secure(authority)}) as asker,
    ):
        registry.add_manifest(PATH, {}, "1.0")
        access.challenge = f'Bearer realm="{access.realm}",service="a&scope=b#c",scope="aws x:y:pull"'
        await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert (access.issued[0].service, access.issued[0].scopes) == ("a&scope=b#c", ("aws", "x:y:pull"))


CASES: list[tuple[str, list[Fault], str, int]] = [
    ("401", [status(401)], r"the token service of registry .* does not accept who asks \(401\)", 1),
    ("403", [status(403)], r"the token service of registry .* does not accept who asks \(403\)", 1),
    ("400", [status(400)], r"the token service of registry .* does not accept who asks \(400\)", 1),
    ("404", [status(404)], r"the token service of registry .* gave an answer that no registry gives \(404\)", 1),
    ("429", [status(429, {"Retry-After": "7"})], r"the token service of registry .* limits the rate", 1),
    (
        "500 twice",
        [status(500), status(500)],
        r"the token service of registry .* has a failure of its own \(500\)",
        2,
    ),
    ("redirect", [moved("https://127.0.0.1/")], r"the token service of .* that no registry gives \(307\)", 1),
    ("flood", [floods(1024 * 1024, {})], "sends more than the 65536 bytes", 1),
    ("compressed", [answers(b"x", {"Content-Encoding": "gzip"})], "compressed answer", 1),
    ("no JSON", [answers(b"<html>", {})], "gave no usable token", 1),
    ("no object", [answers(b"[]", {})], "gave no usable token", 1),
    ("no token", [answers(b"{}", {})], "gave no usable token", 1),
    ("empty token", [answers(b'{"token":""}', {})], "gave no usable token", 1),
    ("number", [answers(b'{"token":1}', {})], "gave no usable token", 1),
    ("header injection", [answers(b'{"token":"a\\r\\nX: y"}', {})], "gave no usable token", 1),
]


@pytest.mark.parametrize(
    ("faults", "text", "requests"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
async def test_token_service_that_fails_is_said(
    faults: list[Fault], text: str, requests: int, authority: Authority
) -> None:
    async with (
        RegistrySimulator(authority.server(), Access({"ann": "s3cret"})) as registry,
        Client({registry.host: secure(authority)}) as asker,
    ):
        registry.faults["token"] += faults
        with pytest.raises(RegistryError, match=text) as caught:
            await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert registry.requests["token"] == requests
        assert caught.value.retry_after == (7 if "rate" in text else None)
        assert not caught.value.content


async def test_token_service_that_fails_once_is_not_noticed(authority: Authority) -> None:
    async with (
        RegistrySimulator(authority.server(), Access({"ann": "s3cret"})) as registry,
        Client({registry.host: secure(authority)}) as asker,
    ):
        digest = registry.add_manifest(PATH, {}, "1.0")
        registry.faults["token"].append(status(503))
        assert await asker.client.resolve(at(registry), "1.0", Keys(ACCOUNT)) == digest


@pytest.mark.parametrize(
    ("fault", "outcome", "text"),
    [
        (hangs(), "timeout", "hangs: nothing has come for too long"),
        (drips(60_000), "abandoned", r"took more than 0\.5 s"),
    ],
    ids=["hang", "drip"],
)
async def test_token_service_that_is_slow_is_cut(fault: Fault, outcome: str, text: str, authority: Authority) -> None:
    async with (
        RegistrySimulator(authority.server(), Access({"ann": "s3cret"})) as registry,
        Client({registry.host: secure(authority)}, PATIENCE[outcome]) as asker,
    ):
        registry.faults["token"].append(fault)
        with pytest.raises(RegistryError, match=text):
            await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        await poll_async(registry.is_idle, 10, "the end of the connection")


async def test_token_is_for_the_registry_alone_that_it_was_asked_for(authority: Authority) -> None:
    access = Access({"ann": "s3cret"})
    async with (
        guarded(authority, access) as (first, _),
        RegistrySimulator(authority.server(), access) as second,
        Client({first.host: secure(authority), second.host: secure(authority)}) as asker,
    ):
        second.add_manifest(PATH, {}, "1.0")
        for registry in (first, second):
            await asker.client.manifest(at(registry), "1.0", Keys(ACCOUNT))
        assert [issued.scopes for issued in access.issued] == [(f"repository:{PATH}:pull",)] * 2


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [("", 50.0), (',"expires_in":300', 290.0), (',"expires_in":60.5', 50.5), (',"expires_in":1e9', 3590.0)],
)
def test_token_is_kept_for_its_lifetime_less_ten_seconds_and_for_an_hour_at_most(
    lifetime: str, seconds: float
) -> None:
    # 60 s without a lifetime are the specification's.
    assert _read_token(f'{{"token":"a"{lifetime}}}'.encode()) == ("a", seconds)
