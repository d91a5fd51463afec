"""What the client reads from a registry that answers as it should."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from tests.simulators.registry import INDEX, MANIFEST, RegistrySimulator, digest_of
from tests.simulators.registry_faults import answers
from tests.stores.registry.simulated import NOBODY, PATH, Client, at, plain
from webhook.limits import LIMITS
from webhook.stores.registry.client.client import NotThereError, RegistryError
from webhook.stores.registry.descriptor import Descriptor, parse_descriptor

SUBJECT = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def _blob(content: bytes) -> Descriptor:
    return Descriptor("application/octet-stream", digest_of(content), len(content), None, {}, None, None)


async def test_manifest_is_read_by_tag_and_by_digest() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        digest = registry.add_manifest(PATH, {"schemaVersion": 2, "mediaType": INDEX}, "1.0")
        for reference in ("1.0", digest):
            manifest = await asker.client.manifest(at(registry), reference, NOBODY)
            assert (manifest.digest, manifest.media_type) == (digest, INDEX)
            assert digest_of(manifest.raw) == digest


async def test_manifests_of_both_families_are_accepted() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.add_manifest(PATH, {}, "1.0")
        await asker.client.manifest(at(registry), "1.0", NOBODY)
        accepted = registry.seen[0].headers["accept"].split(", ")
        assert set(accepted) == {
            MANIFEST,
            INDEX,
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
        }


async def test_media_type_comes_without_its_parameters() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"].append(answers(b"{}", {"Content-Type": f"{INDEX}; charset=utf-8"}))
        assert (await asker.client.manifest(at(registry), "1.0", NOBODY)).media_type == INDEX


async def test_tag_is_resolved_by_its_bytes_and_not_by_the_registrys_word() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"].append(answers(b"{}", {"Docker-Content-Digest": SUBJECT}))
        assert await asker.client.resolve(at(registry), "1.0", NOBODY) == digest_of(b"{}")


async def test_blob_is_read() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        descriptor = parse_descriptor(registry.add_blob(PATH, b"an envelope"))
        assert await asker.client.blob(at(registry), descriptor, NOBODY) == b"an envelope"


async def test_empty_blob_is_read() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        descriptor = parse_descriptor(registry.add_blob(PATH, b""))
        assert await asker.client.blob(at(registry), descriptor, NOBODY) == b""


async def test_embedded_blob_takes_no_request() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        entry = {"data": base64.b64encode(b"inside").decode()}
        descriptor = parse_descriptor(registry.add_blob(PATH, b"inside") | entry)
        assert await asker.client.blob(at(registry), descriptor, NOBODY) == b"inside"
        assert not registry.seen


async def test_embedded_blob_of_another_digest_is_not_believed() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        entry = {"data": base64.b64encode(b"forged").decode()}
        descriptor = parse_descriptor(registry.add_blob(PATH, b"inside") | entry)
        assert await asker.client.blob(at(registry), descriptor, NOBODY) == b"inside"


async def test_what_is_not_there_is_said_so() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        with pytest.raises(NotThereError):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        with pytest.raises(NotThereError):
            await asker.client.resolve(at(registry), "1.0", NOBODY)
        with pytest.raises(NotThereError):
            await asker.client.blob(at(registry), _blob(b"x"), NOBODY)


async def test_blob_larger_than_an_envelope_is_refused_without_a_request() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        descriptor = replace(_blob(b"x"), size=LIMITS.envelope_bytes + 1)
        with pytest.raises(RegistryError, match="is larger than 4194304 bytes") as caught:
            await asker.client.blob(at(registry), descriptor, NOBODY)
        assert caught.value.content
        assert not registry.seen


async def test_each_exchange_is_told() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.add_manifest(PATH, {}, "1.0")
        raw = (await asker.client.manifest(at(registry), "1.0", NOBODY)).raw
        with pytest.raises(NotThereError):
            await asker.client.blob(at(registry), _blob(b"x"), NOBODY)
        told = [(call.host, call.operation, call.outcome) for call in asker.calls]
        assert told == [(registry.host, "manifest", "ok"), (registry.host, "blob", "not_found")]
        assert asker.calls[0].received == len(raw)
        assert 0 < asker.calls[0].seconds < 5


async def test_connection_is_used_again() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.add_manifest(PATH, {}, "1.0")
        for _ in range(3):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
            with pytest.raises(NotThereError):
                await asker.client.manifest(at(registry), "2.0", NOBODY)
        assert registry.connections == 1


async def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        digest = registry.add_manifest(PATH, {}, "1.0")
        assert await asker.client.resolve(at(registry), "1.0", NOBODY) == digest


async def test_password_of_a_netrc_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.add_manifest(PATH, {}, "1.0")
        await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert registry.seen[0].authorization is None


async def test_cookies_are_not_kept() -> None:
    async with RegistrySimulator() as registry, Client({f"localhost:{registry.port}": plain()}) as asker:
        registry.faults["manifest"].append(answers(b"{}", {"Set-Cookie": "a=b; Path=/"}))
        registry.add_manifest(PATH, {}, "1.0")
        for _ in range(2):
            await asker.client.manifest(at(registry, "localhost"), "1.0", NOBODY)
        assert "cookie" not in registry.seen[1].headers


async def test_client_opens_again_after_it_was_closed() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        digest = registry.add_manifest(PATH, {}, "1.0")
        for _ in range(2):
            assert await asker.client.resolve(at(registry), "1.0", NOBODY) == digest
            await asker.client.close()


async def test_connection_is_used_again_after_a_refusal_in_chunks() -> None:
    async def missing(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404)
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"{}")
        return response

    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"] += [missing] * 3
        for _ in range(3):
            with pytest.raises(NotThereError):
                await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert registry.connections == 1


async def test_long_refusal_is_not_read_to_its_end() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404)
        await response.prepare(request)
        while True:
            await response.write(bytes(65536))

    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"].append(endless)
        with pytest.raises(NotThereError):
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        assert asker.calls[0].received < 1024 * 1024
