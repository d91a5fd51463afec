"""Every way in which an answer can go wrong ends in time, in our own words, and never in "there is nothing"."""

import asyncio
import gzip
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.attest.made import message, number, scalar
from tests.observer.sources.asking import CART, KINDS, RECORDED_AT, ask, refused, report, source
from tests.simulators.profile_server import Asked, Fault, Handler, ProfileServerSimulator
from tests.simulators.profile_server_faults import (
    babbles,
    cut_off,
    drips,
    endless,
    hangs,
    hangs_up,
    no_http,
    says,
)
from webhook.errors import UnavailableError
from webhook.observer.sources import exchange, reading
from webhook.observer.sources.protocol import ContainerRun, ProfileUnusableError

STATUSES = {
    400: "refuses the question (400): it may allow no such window or profile type",
    401: "does not accept the credentials (401)",
    403: "does not allow this (403)",
    404: "has no such API there (404): is `url` right?",
    429: "limits the rate of requests (429)",
    500: "has a failure of its own (500)",
    502: "has a failure of its own (502)",
    503: "has a failure of its own (503)",
    504: "has a failure of its own (504)",
    301: "answers 301, and redirects are not followed",
    307: "answers 307, and redirects are not followed",
    204: "gives an answer that no profile server gives (204)",
    206: "gives an answer that no profile server gives (206)",
    418: "gives an answer that no profile server gives (418)",
}


@KINDS
@pytest.mark.parametrize("status", STATUSES)
async def test_a_status_is_told(server: ProfileServerSimulator, kind: str, status: int) -> None:
    body = b"" if status == 204 else b"<script>"
    server.fault = says(body, status, {"Location": "/elsewhere", "Content-Type": "text/html"})
    assert await refused(server, kind) == STATUSES[status]
    assert len(server.asked) == 1


OTHER_TYPES = ["application/json", "text/html", "application/grpc", "application/grpc-web-text+proto", ""]


@KINDS
@pytest.mark.parametrize("content_type", OTHER_TYPES)
async def test_another_content_type_is_no_answer(
    server: ProfileServerSimulator, kind: str, content_type: str
) -> None:
    server.fault = says(b"{" * 100_000, 200, {"Content-Type": content_type})
    said = await refused(server, kind)
    assert said == "answers with another content type than it was asked for: is `url` right?"


@KINDS
@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
async def test_a_compressed_answer_is_not_unpacked(server: ProfileServerSimulator, kind: str, encoding: str) -> None:
    server.fault = says(gzip.compress(bytes(10**6)), 200, {"Content-Encoding": encoding})
    assert await refused(server, kind) == "sends a compressed answer, which it was asked not to"


CONNECTIONS: dict[str, tuple[Fault, str]] = {
    "informational responses without end": (babbles, "broke the connection off"),
    "half an answer": (cut_off, "broke the connection off"),
    "silence": (hangs_up, "broke the connection off"),
    "no HTTP": (no_http, "sends something that is no HTTP"),
}


@KINDS
@pytest.mark.parametrize("case", CONNECTIONS)
async def test_a_connection_that_goes_wrong_is_told(server: ProfileServerSimulator, kind: str, case: str) -> None:
    server.fault, said = CONNECTIONS[case]
    assert await refused(server, kind) == said


@KINDS
async def test_an_answer_without_end_is_cut_off(
    server: ProfileServerSimulator, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "ANSWER_BYTES", 100_000)
    server.fault = endless
    assert await refused(server, kind) == "sends more than 100000 bytes"


@KINDS
async def test_who_hangs_or_drips_is_not_waited_for(server: ProfileServerSimulator, kind: str) -> None:
    release = threading.Event()
    server.faults = [hangs(release), drips]
    try:
        for _ in range(2):
            begun = time.monotonic()
            assert await refused(server, kind, timeoutSeconds=0.3) == "does not answer within 0.3 s"
            assert time.monotonic() - begun < 3
    finally:
        release.set()


@KINDS
async def test_nobody_there_is_told(server: ProfileServerSimulator, kind: str) -> None:
    with pytest.raises(UnavailableError, match=r"^profile server 127\.0\.0\.1:1 takes no connection$"):
        await ask(server, kind, url="https://127.0.0.1:1")
    with pytest.raises(UnavailableError, match=r"^the name of profile server nobody\.invalid cannot be resolved$"):
        await ask(server, kind, url="https://nobody.invalid")


@KINDS
async def test_a_stranger_with_another_certificate_gets_no_question(
    server: ProfileServerSimulator, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    (tmp_path / "token").write_text("secret")
    asked = source(server, kind, caFile=str(file), tokenFile="token")
    with pytest.raises(
        UnavailableError, match=r"^the certificate of profile server .* is signed by an authority that"
    ):
        await asked.profile(CART, RECORDED_AT, RECORDED_AT)
    assert server.asked == []
    # The authorities are read anew for each question.
    file.write_bytes(server.ca_file.read_bytes())
    assert await asked.profile(CART, RECORDED_AT, RECORDED_AT) is None


@KINDS
async def test_the_systems_authorities_are_not_those_of_a_file(server: ProfileServerSimulator, kind: str) -> None:
    said = await refused_certificate(server, kind, caFile=None)
    assert said.endswith("is signed by an authority that is not trusted")


async def refused_certificate(server: ProfileServerSimulator, kind: str, **changes: Any) -> str:
    with pytest.raises(UnavailableError) as caught:
        await ask(server, kind, **changes)
    return caught.value.detail


@KINDS
async def test_no_more_than_two_questions_are_under_way(server: ProfileServerSimulator, kind: str) -> None:
    release = threading.Event()
    server.fault = hangs(release)
    asked = source(server, kind, timeoutSeconds=0.4)
    questions = [asked.profile(CART, RECORDED_AT, RECORDED_AT) for _ in range(4)]
    begun = time.monotonic()
    try:
        answers = await asyncio.gather(*questions, return_exceptions=True)
    finally:
        release.set()
    # Two after two, each of which gets its whole time.
    assert time.monotonic() - begun >= 0.8
    assert [type(answer) for answer in answers] == [UnavailableError] * 4
    assert len(server.asked) == 4


def heavy() -> bytes:
    """A profile that takes longer to read than to send: fifty thousand stacks that are all different."""
    values = message(2, number(1))
    parts = [message(1, scalar(1, 1) + scalar(2, 2))]
    parts += [
        message(2, message(1, number(1 + index % 250) + number(1 + index // 250)) + values) for index in range(50_000)
    ]
    for index in range(1, 251):
        parts += [
            message(4, scalar(1, index) + message(4, scalar(1, index))),
            message(5, scalar(1, index) + scalar(2, 1)),
        ]
    return b"".join([*parts, *(message(6, text) for text in (b"", b"samples", b"count"))])


@KINDS
async def test_nothing_more_is_asked_until_an_answer_has_been_read(server: ProfileServerSimulator, kind: str) -> None:
    content = heavy()
    answer = says(report(content) if kind == "parca" else content)
    under_way: list[int] = []
    asked, read = 0, 0

    def _count(handler: Handler, question: Asked) -> None:
        nonlocal asked
        asked += 1
        under_way.append(asked - read)
        answer(handler, question)

    async def _ask() -> None:
        nonlocal read
        assert await one.profile(CART, RECORDED_AT, RECORDED_AT) is not None
        read += 1

    server.fault = _count
    one = source(server, kind)
    await asyncio.gather(*(_ask() for _ in range(10)))
    assert max(under_way) == 2


USELESS = "answers with a profile that cannot be used: "
PROFILES: dict[str, tuple[bytes, str]] = {
    "text": (b"<html>", f"{USELESS}it is no protocol buffers message"),
    "cut off": (b"\x12\x10\x00", f"{USELESS}it is cut off, or no protocol buffers message"),
    "samples of nothing": (message(2, scalar(1, 1)), f"{USELESS}it measures neither a count nor a time"),
    "bytes": (
        message(1, scalar(1, 1) + scalar(2, 2)) + b"".join(message(6, text) for text in (b"", b"space", b"bytes")),
        f"{USELESS}it measures neither a count nor a time",
    ),
    "half a gzip": (gzip.compress(b"x" * 1000)[:-9], f"{USELESS}it is cut off"),
    "no gzip": (b"\x1f\x8b\x08rubbish", f"{USELESS}it is not gzip, or damaged"),
}


@KINDS
@pytest.mark.parametrize("case", PROFILES)
async def test_a_profile_that_is_none_is_told(server: ProfileServerSimulator, kind: str, case: str) -> None:
    content, said = PROFILES[case]
    server.fault = says(report(content) if kind == "parca" else content)
    assert await refused(server, kind) == said


async def unusable(server: ProfileServerSimulator, kind: str, *run: str) -> bool:
    with pytest.raises(UnavailableError) as caught:
        await ask(server, kind, ContainerRun(*run) if run else CART)
    return isinstance(caught.value, ProfileUnusableError)


@KINDS
async def test_what_a_profile_is_like_is_told_from_a_server_that_fails(
    server: ProfileServerSimulator, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content, _ in PROFILES.values():
        server.fault = says(report(content) if kind == "parca" else content)
        assert await unusable(server, kind)
    monkeypatch.setattr(exchange, "ANSWER_BYTES", 1000)
    server.fault = endless
    assert await unusable(server, kind)
    assert await unusable(server, kind, "shop", 'cart-0"', "cart")
    for status in STATUSES:
        server.fault = says(b"", status)
        assert not await unusable(server, kind)
    for fault, _ in CONNECTIONS.values():
        server.fault = fault
        assert not await unusable(server, kind)
    server.fault = says(b"", 200, {"Content-Type": "text/html"})
    assert not await unusable(server, kind)


@KINDS
async def test_a_bomb_is_not_unpacked(
    server: ProfileServerSimulator, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ANSWER_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(2_000_000))
    assert len(bomb) < 10_000
    server.fault = says(report(bomb) if kind == "parca" else bomb)
    assert await refused(server, kind) == f"{USELESS}it is larger than 1000000 bytes"


@KINDS
async def test_an_empty_profile_is_none(server: ProfileServerSimulator, kind: str) -> None:
    # Pyroscope says so where its configuration leaves nothing of the window.
    server.fault = says(report(b"") if kind == "parca" else b"")
    assert await ask(server, kind) is None


@KINDS
async def test_variables_lead_nowhere_else(
    server: ProfileServerSimulator, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    assert await ask(server, kind) is None
