"""Redirects: to storage they work, and nothing goes with them that would tell who we are."""

import pytest

from tests.simulators.access import Access
from tests.simulators.api_server import status
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_faults import moved
from tests.stores.registry.simulated import ACCOUNT, NOBODY, PATH, Authority, Client, Keys, at, plain, secure
from webhook.limits import LIMITS
from webhook.stores.registry.client.client import RegistryError
from webhook.stores.registry.descriptor import parse_descriptor


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_blob_is_read_from_where_it_lies(code: int) -> None:
    async with RegistrySimulator() as registry, RegistrySimulator() as storage:
        hosts = {registry.host: plain(), storage.host: plain()}
        async with Client(hosts) as asker:
            descriptor = parse_descriptor(storage.add_blob(PATH, b"an envelope"))
            registry.faults["blob"].append(moved(f"{storage.url}{{}}", code))
            assert await asker.client.blob(at(registry), descriptor, NOBODY) == b"an envelope"
            assert [call.host for call in asker.calls] == [registry.host] * 2


async def test_bad_request_elsewhere_is_not_taken_for_a_registry_that_wants_https() -> None:
    # Storage answers so to a link that is broken; the registry itself has spoken plain http.
    async with (
        RegistrySimulator() as registry,
        RegistrySimulator() as storage,
        Client({registry.host: plain(), storage.host: plain()}) as asker,
    ):
        descriptor = parse_descriptor(storage.add_blob(PATH, b"an envelope"))
        registry.faults["blob"].append(moved(f"{storage.url}{{}}"))
        storage.faults["blob"].append(status(400))
        with pytest.raises(RegistryError, match=r"gave an answer that no registry gives \(400\)$"):
            await asker.client.blob(at(registry), descriptor, NOBODY)


async def test_relative_redirect_is_followed() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        descriptor = parse_descriptor(registry.add_blob("elsewhere", b"an envelope"))
        registry.faults["blob"].append(moved(f"/v2/elsewhere/blobs/{descriptor.digest}"))
        assert await asker.client.blob(at(registry), descriptor, NOBODY) == b"an envelope"


@pytest.mark.parametrize("access", [Access({"ann": "s3cret"}), Access({"ann": "s3cret"}, bearer=False)])
async def test_no_credential_goes_across_a_redirect(access: Access, authority: Authority) -> None:
    async with (
        RegistrySimulator(authority.server(), access) as registry,
        RegistrySimulator(authority.server()) as storage,
    ):
        hosts = {registry.host: secure(authority), storage.host: secure(authority)}
        async with Client(hosts) as asker:
            descriptor = parse_descriptor(storage.add_blob(PATH, b"an envelope"))
            registry.faults["blob"] += [
                status(401, {"WWW-Authenticate": access.asks(PATH)}),
                moved(f"{storage.url}{{}}"),
            ]
            assert await asker.client.blob(at(registry), descriptor, Keys(ACCOUNT)) == b"an envelope"
            assert registry.seen[-1].authorization is not None
            assert [seen.authorization for seen in storage.seen] == [None]


async def test_no_credential_goes_across_a_redirect_to_the_same_host(authority: Authority) -> None:
    access = Access({"ann": "s3cret"}, bearer=False)
    async with (
        RegistrySimulator(authority.server(), access) as registry,
        Client({registry.host: secure(authority)}) as asker,
    ):
        descriptor = parse_descriptor(registry.add_blob("elsewhere", b"an envelope"))
        registry.faults["blob"] += [
            status(401, {"WWW-Authenticate": access.asks(PATH)}),
            moved(f"/v2/elsewhere/blobs/{descriptor.digest}"),
        ]
        with pytest.raises(RegistryError, match="does not accept who asks"):
            await asker.client.blob(at(registry), descriptor, Keys(ACCOUNT))
        assert [seen.authorization is None for seen in registry.seen] == [True, False, True]


async def test_place_that_asks_for_credentials_gets_none(authority: Authority) -> None:
    access = Access({"ann": "s3cret"}, bearer=False)
    async with (
        RegistrySimulator(authority.server()) as registry,
        RegistrySimulator(authority.server(), access) as storage,
    ):
        hosts = {registry.host: secure(authority), storage.host: secure(authority)}
        async with Client(hosts) as asker:
            descriptor = parse_descriptor(storage.add_blob(PATH, b"an envelope"))
            registry.faults["blob"].append(moved(f"{storage.url}{{}}"))
            keys = Keys(ACCOUNT)
            with pytest.raises(
                RegistryError, match=r"where registry .* leads, asks for credentials \(401\), and gets none"
            ):
                await asker.client.blob(at(registry), descriptor, keys)
            assert not keys.asked
            assert [seen.authorization for seen in storage.seen] == [None]


async def test_https_is_not_given_up(authority: Authority) -> None:
    async with (
        RegistrySimulator(authority.server()) as registry,
        RegistrySimulator() as storage,
        Client({registry.host: secure(authority), storage.host: plain()}) as asker,
    ):
        registry.faults["manifest"].append(moved(f"{storage.url}{{}}"))
        with pytest.raises(RegistryError, match="redirects from https to plain http"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert not storage.seen


async def test_redirects_end() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"] += [moved("{}") for _ in range(10)]
        with pytest.raises(RegistryError, match="redirects more than 5 times"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert len(registry.seen) == LIMITS.registry_redirects + 1


async def test_as_many_redirects_as_are_allowed_are_followed() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        digest = registry.add_manifest(PATH, {}, "1.0")
        registry.faults["manifest"] += [moved("{}") for _ in range(LIMITS.registry_redirects)]
        assert await asker.client.resolve(at(registry), "1.0", NOBODY) == digest


@pytest.mark.parametrize(
    "target",
    [
        "",
        "ftp://storage.example.com/",
        "file:///etc/passwd",
        "http://ann:s3cret@127.0.0.1/",
        "http://[::1",
    ],
)
async def test_place_that_cannot_be_asked_is_said(target: str) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"].append(moved(target))
        with pytest.raises(RegistryError, match="redirects to a place that cannot be asked"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1:{port}", "a loopback"),
        ("localhost:{port}", "a loopback"),
        ("0.0.0.0:{port}", "an unspecified"),
        ("[::1]:{port}", "a loopback"),
        ("[::ffff:127.0.0.1]:{port}", "a loopback"),
        ("[64:ff9b::7f00:1]:{port}", "a loopback"),
        ("[2002:7f00:1::]:{port}", "a loopback"),
        ("①②⑦.0.0.1:{port}", "a loopback"),
        ("169.254.169.254", "a link-local"),
        ("[fe80::1]", "a link-local"),
        ("[fd00:ec2::254]", "a metadata service's"),
        ("224.0.0.1", "a multicast or broadcast"),
    ],
)
async def test_redirect_to_an_address_that_is_not_allowed_is_not_followed(host: str, kind: str) -> None:
    async with (
        RegistrySimulator() as registry,
        RegistrySimulator() as inside,
        Client({registry.host: plain()}) as asker,
    ):
        registry.faults["manifest"].append(moved(f"http://{host.format(port=inside.port)}/v2/"))
        with pytest.raises(RegistryError, match=f"has {kind} address"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert not inside.seen


@pytest.mark.parametrize(
    "host", ["2130706433", "127.1", "0177.0.0.1", "127.0.0.1.", "[fe80::1%25eth0]", "[::1%25lo]"]
)
async def test_redirect_to_a_disguised_address_is_not_followed(host: str) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"].append(moved(f"http://{host}/v2/"))
        with pytest.raises(RegistryError, match="no valid address"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)


async def test_redirect_to_a_name_that_is_no_idna_is_a_failure_like_others() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"].append(moved("http://xn--a/x"))
        with pytest.raises(RegistryError, match=r"^the name of xn--a, where registry .* leads, cannot be resolved$"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)


async def test_failure_elsewhere_names_the_place() -> None:
    async with (
        RegistrySimulator() as registry,
        RegistrySimulator() as storage,
        Client({registry.host: plain(), storage.host: plain()}) as asker,
    ):
        registry.faults["manifest"].append(moved(f"{storage.url}{{}}"))
        storage.faults["manifest"].append(status(418))
        with pytest.raises(RegistryError, match=f"^127.0.0.1, where registry {registry.host} leads, gave an answer"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
