"""Each failure has a text of its own, and none of them is taken for absence."""

import asyncio
import gzip
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.harness.polling import poll_async
from tests.simulators.api_server import Fault, cuts, sends, status
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_faults import answers, drips, floods, hangs
from tests.stores.registry.simulated import NOBODY, PATH, PATIENCE, Authority, Client, at, plain, secure
from webhook.limits import LIMITS
from webhook.stores.registry.client.client import Patience, RegistryError
from webhook.stores.registry.descriptor import parse_descriptor
from webhook.stores.registry.reference import Repository
from webhook.stores.registry.transport.failure import Outcome

FIFTY = 50 * 1024 * 1024
BOMB = gzip.compress(bytes(10 * 1024 * 1024))


async def _fails(*faults: Fault, outcome: str = "") -> tuple[RegistryError, RegistrySimulator, Client]:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}, PATIENCE.get(outcome)) as asker:
        registry.faults["manifest"] += faults
        with pytest.raises(RegistryError) as caught:
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        return caught.value, registry, asker


CASES: list[tuple[str, list[Fault], str, str, int]] = [
    (
        "401 without a challenge",
        [status(401)],
        r"asks for credentials \(401\) in a way that is not",
        "unauthorized",
        1,
    ),
    ("403", [status(403)], r"denies access to the repository \(403\)", "forbidden", 1),
    ("429", [status(429)], r"limits the rate of requests \(429\)$", "rate_limited", 1),
    ("429 later", [status(429, {"Retry-After": "7"})], r"\(429\) and asks to wait for 7 s$", "rate_limited", 1),
    ("500 twice", [status(500), status(500)], r"has a failure of its own \(500\)", "server_error", 2),
    ("502 then 503", [status(502), status(503)], r"has a failure of its own \(503\)", "server_error", 2),
    ("503 later", [status(503, {"Retry-After": "9"})], r"has a failure of its own \(503\)", "server_error", 1),
    ("501", [status(501)], r"has a failure of its own \(501\)", "server_error", 1),
    ("418", [status(418)], r"an answer that no registry gives \(418\)", "invalid", 1),
    ("204", [status(204)], r"an answer that no registry gives \(204\)", "ok", 1),
    ("304", [status(304)], r"an answer that no registry gives \(304\)", "ok", 1),
    ("hang", [hangs()], "hangs: nothing has come for too long", "timeout", 1),
    ("hang after the headers", [sends(b"{", hang=True)], "hangs: nothing has come for too long", "timeout", 1),
    ("drip", [drips(1000)], r"took more than 0\.5 s", "abandoned", 1),
    ("cut twice", [cuts(b"{"), cuts(b"{")], "broke the connection off", "connection", 2),
    ("50 MB, said", [answers(bytes(FIFTY), {})], "sends more than the 4194304 bytes", "invalid", 1),
    ("50 MB, said and not sent", [drips(FIFTY)], "sends more than the 4194304 bytes", "invalid", 1),
    ("50 MB, unsaid", [floods(FIFTY, {})], "sends more than the 4194304 bytes", "invalid", 1),
    ("endless header", [answers(b"{}", {"X": "x" * 9000})], "sends something that is no HTTP", "invalid", 1),
    ("gzip bomb", [answers(BOMB, {"Content-Encoding": "gzip"})], "compressed answer", "invalid", 1),
]


@pytest.mark.parametrize(
    ("faults", "text", "outcome", "requests"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
async def test_failure_says_what_it_was(faults: list[Fault], text: str, outcome: str, requests: int) -> None:
    error, registry, asker = await _fails(*faults, outcome=outcome)
    assert re.search(text, error.detail)
    assert error.detail.startswith(f"registry {registry.host} ")
    assert asker.calls[-1].outcome == outcome
    assert error.content is ("sends more" in text)
    assert registry.requests["manifest"] == requests


@pytest.mark.parametrize("tls", [True, False])
async def test_bad_request_over_plain_http_may_mean_that_https_is_wanted(*, tls: bool, authority: Authority) -> None:
    # What Go's and nginx's servers say to whoever speaks plain http to their TLS.
    server, settings = (authority.server(), secure(authority)) if tls else (None, plain())
    async with RegistrySimulator(server) as registry, Client({registry.host: settings}) as asker:
        registry.faults["manifest"].append(status(400))
        with pytest.raises(RegistryError) as caught:
            await asker.client.manifest(at(registry), "1.0", NOBODY)
        said = f"registry {registry.host} gave an answer that no registry gives (400)"
        step = ", asked over plain http: check `insecure` in stores.registry.hosts"
        assert caught.value.detail == said + ("" if tls else step)
        assert caught.value.outcome is Outcome.INVALID


@pytest.mark.parametrize("fault", [status(500), status(502), status(503), status(504), cuts(b"{")])
async def test_failure_that_passes_is_not_noticed(fault: Fault) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        digest = registry.add_manifest(PATH, {}, "1.0")
        registry.faults["manifest"].append(fault)
        assert await asker.client.resolve(at(registry), "1.0", NOBODY) == digest


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("301", LIMITS.registry_retry_after),
        ("9" * 5000, LIMITS.registry_retry_after),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (",", None),
        ("Fri, 32 Jan 2021 00:00:00 GMT", None),
        ("Fri, 01 Jan 2021 00:00:00 GMT", 0.0),
        ("Fri, 01 Jan 9999 00:00:00 GMT", LIMITS.registry_retry_after),
    ],
)
async def test_wish_to_wait_is_kept_and_capped(header: str, seconds: float | None) -> None:
    error, _, _ = await _fails(status(429, {"Retry-After": header}))
    assert error.retry_after == seconds


async def test_wish_to_wait_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    error, _, _ = await _fails(status(429, {"Retry-After": later}))
    assert error.retry_after is not None
    assert 50 < error.retry_after <= 60


async def test_other_bytes_than_those_of_the_digest_are_refused() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        digest = registry.add_manifest(PATH, {"schemaVersion": 2})
        descriptor = parse_descriptor(registry.add_blob(PATH, b"good"))
        forged = answers(b"evil", {"Docker-Content-Digest": digest})
        registry.faults["manifest"].append(forged)
        registry.faults["blob"].append(forged)
        with pytest.raises(RegistryError, match="other bytes than those of the digest"):
            await asker.client.manifest(at(registry), digest, NOBODY)
        with pytest.raises(RegistryError, match="other bytes than those of the digest"):
            await asker.client.blob(at(registry), descriptor, NOBODY)


@pytest.mark.parametrize(("body", "text"), [(b"longer", "sends more than the 4 bytes"), (b"shr", "other bytes")])
async def test_blob_of_another_size_is_refused(body: bytes, text: str) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        descriptor = parse_descriptor(registry.add_blob(PATH, b"good"))
        registry.faults["blob"].append(answers(body, {}))
        with pytest.raises(RegistryError, match=text):
            await asker.client.blob(at(registry), descriptor, NOBODY)


async def test_compression_is_not_asked_for() -> None:
    _, registry, _ = await _fails(status(500), status(500))
    assert registry.seen[0].headers["accept-encoding"] == "identity"


async def test_port_where_nobody_listens_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
        async with Client({host: plain()}) as asker:
            with pytest.raises(RegistryError, match=f"registry {host} takes no connection"):
                await asker.client.manifest(Repository(host, PATH), "1.0", NOBODY)
            assert [call.outcome for call in asker.calls] == ["connection", "connection"]


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".invalid"])
async def test_name_that_is_not_known_is_said(host: str) -> None:
    async with Client({}) as asker:
        with pytest.raises(RegistryError, match=f"the name of registry {host} cannot be resolved"):
            await asker.client.manifest(Repository(host, PATH), "1.0", NOBODY)
        assert [call.outcome for call in asker.calls] == ["dns"]


RAW = [
    (b"SSH-2.0-OpenSSH_9.2\r\n", "sends something that is no HTTP"),
    (b"HTTP/1.1 ?\r\n\r\n", "sends something that is no HTTP"),
    (b"HTTP/1.1 200 OK\r\nA\r\n\r\n", "sends something that is no HTTP"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", "broke the connection off"),
    (b"HTTP/1.1 307 Moved\r\nLocation: http://\xff.invalid/\xfe\r\n\r\n", ""),
    (b"HTTP/1.1 307 Moved\r\nLocation: http://a\x01b/\r\n\r\n", ""),
    (b'HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm="http://\xff/"\r\n\r\n', "not understood"),
    (b"HTTP/1.1 429 Slow\r\nRetry-After: \xff\r\n\r\n", "limits the rate"),
    (b"", "broke the connection off"),
]


@pytest.mark.parametrize(("said", "text"), RAW)
async def test_port_that_speaks_as_no_registry_does_is_said(said: bytes, text: str) -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Client({host: plain()}) as asker:
            with pytest.raises(RegistryError) as caught:
                await asker.client.manifest(Repository(host, PATH), "1.0", NOBODY)
            assert text in caught.value.detail


@pytest.mark.parametrize("fault", [hangs(), sends(b"{", hang=True)], ids=["silence", "half an answer"])
async def test_cancelled_question_cuts_its_connection_at_once(fault: Fault) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["manifest"].append(fault)
        task = asyncio.create_task(asker.client.manifest(at(registry), "1.0", NOBODY))
        await poll_async(registry.is_busy, 5, "the request")
        begin = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - begin < 2.0
        await poll_async(registry.is_idle, 1, "the end of the connection")
        assert [call.outcome for call in asker.calls] == ["abandoned"]


@pytest.mark.parametrize("tls", [True, False])
async def test_port_that_takes_connections_and_says_nothing_is_said(
    tls: bool,  # noqa: FBT001 - the table's column
    authority: Authority,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        hosts = {host: secure(authority) if tls else plain()}
        async with Client(hosts, Patience(connect=0.2) if tls else Patience(silence=0.2)) as asker:
            text = "does not take the connection in time" if tls else "hangs: nothing has come"
            with pytest.raises(RegistryError, match=text):
                await asker.client.manifest(Repository(host, PATH), "1.0", NOBODY)
