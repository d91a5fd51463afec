"""TLS: each registry's own authority, and what is said when it does not fit."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
import trustme

from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.simulated import LOOPBACK, NOBODY, PATH, Authority, Client, at, plain, secure
from webhook.errors import ConfigurationError
from webhook.stores.registry.client.client import RegistryError


async def test_registry_with_its_own_authority_is_read(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with RegistrySimulator(authority.server()) as registry, Client({registry.host: secure(authority)}) as asker:
        digest = registry.add_manifest(PATH, {}, "1.0")
        assert await asker.client.resolve(at(registry), "1.0", NOBODY) == digest


async def test_name_is_what_the_certificate_must_have(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with RegistrySimulator(authority.server("localhost")) as registry:
        hosts = {f"localhost:{registry.port}": secure(authority), registry.host: secure(authority)}
        async with Client(hosts) as asker:
            digest = registry.add_manifest(PATH, {}, "1.0")
            assert await asker.client.resolve(at(registry, "localhost"), "1.0", NOBODY) == digest
            with pytest.raises(
                RegistryError, match=f"the certificate of registry {registry.host} is for another address"
            ):
                await asker.client.manifest(at(registry), "1.0", NOBODY)


async def test_certificate_for_another_name_is_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        RegistrySimulator(authority.server("other.example.com")) as registry,
        Client({f"localhost:{registry.port}": secure(authority)}) as asker,
    ):
        with pytest.raises(RegistryError, match="is for another name"):
            await asker.client.manifest(at(registry, "localhost"), "1.0", NOBODY)
        assert [call.outcome for call in asker.calls] == ["tls"]
        assert not registry.seen


async def test_unknown_authority_is_said(tmp_path: Path) -> None:
    async with (
        RegistrySimulator(Authority(tmp_path).server()) as registry,
        Client({registry.host: secure(None)}) as asker,
    ):
        with pytest.raises(RegistryError, match="is signed by an authority that is not trusted"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert [call.outcome for call in asker.calls] == ["tls"]


async def test_authority_counts_for_its_own_registry_alone(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    one, two = Authority(tmp_path / "one"), Authority(tmp_path)
    async with (
        RegistrySimulator(one.server()) as first,
        RegistrySimulator(two.server()) as second,
        Client({first.host: secure(one), second.host: secure(one)}) as asker,
    ):
        digest = first.add_manifest(PATH, {}, "1.0")
        assert await asker.client.resolve(at(first), "1.0", NOBODY) == digest
        with pytest.raises(RegistryError, match="not trusted"):
            await asker.client.manifest(at(second), "1.0", NOBODY)


async def test_expired_certificate_is_said(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_before=past - dt.timedelta(days=1), not_after=past).configure_cert(context)
    host = {"caFile": str(tmp_path / "ca.pem"), "addresses": list(LOOPBACK)}
    async with RegistrySimulator(context) as registry, Client({registry.host: host}) as asker:
        with pytest.raises(RegistryError, match="has expired"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)


async def test_https_to_a_plain_port_is_said(tmp_path: Path) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: secure(Authority(tmp_path))}) as asker:
        with pytest.raises(RegistryError, match="does not speak TLS as it should"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert not registry.seen


async def test_plain_http_to_a_tls_port_is_an_error(tmp_path: Path) -> None:
    async with RegistrySimulator(Authority(tmp_path).server()) as registry, Client({registry.host: plain()}) as asker:
        with pytest.raises(RegistryError, match="broke the connection off"):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert not registry.seen


@pytest.mark.parametrize("content", [None, "", "no certificate", "é"])
def test_authority_that_cannot_be_used_is_a_mistake_in_the_configuration(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(
        ConfigurationError, match=r"stores\.registry\.hosts\.registry\.example\.com\.caFile .*ca\.pem"
    ):
        Client({"registry.example.com": {"caFile": str(file)}})


async def test_comments_in_a_bundle_do_no_harm(tmp_path: Path, authority: Authority) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes("# Autorité\n".encode() + authority.ca_file.read_bytes() + b"\xff\n")
    host = {"caFile": str(file), "addresses": list(LOOPBACK)}
    async with RegistrySimulator(authority.server()) as registry, Client({registry.host: host}) as asker:
        digest = registry.add_manifest(PATH, {}, "1.0")
        assert await asker.client.resolve(at(registry), "1.0", NOBODY) == digest


async def test_intermediate_authority_is_enough(tmp_path: Path) -> None:
    intermediate = trustme.CA().create_child_ca()
    intermediate.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    intermediate.issue_cert("127.0.0.1").configure_cert(context)
    host = {"caFile": str(tmp_path / "ca.pem"), "addresses": list(LOOPBACK)}
    async with RegistrySimulator(context) as registry, Client({registry.host: host}) as asker:
        digest = registry.add_manifest(PATH, {}, "1.0")
        assert await asker.client.resolve(at(registry), "1.0", NOBODY) == digest
