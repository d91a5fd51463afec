"""What is a request and what is none: method, path, content type, size, body."""

import asyncio
import gzip
import http.client
import io
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest
from yarl import URL

from tests.admission.requests import SEEN, UNSEEN, body_of, deployment, review
from tests.harness.gate import Gate
from tests.server.serving import JSON, Server
from tests.support.verdicts import names

GOOD = review(deployment(SEEN))
MIB = 1024 * 1024


async def status(
    server: Server, path: str = "/admit/production", method: str = "POST", body: Any = GOOD, **headers: str
) -> int:
    given = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
    data = io.BytesIO(body) if isinstance(body, bytes) else body
    async with server.client.request(method, URL(path, encoded=True), data=data, headers=given) as response:
        await response.read()
        return response.status


PATHS: list[tuple[str, int]] = [
    ("/admit/production", 200),
    ("/admit/production?timeout=10s", 200),
    ("/admit/Production", 200),
    ("/admit/prod%75ction", 404),
    ("/admit/made-up.by_somebody", 200),
    (f"/admit/{'e' * 63}", 200),
    (f"/admit/{'e' * 64}", 404),
    ("/", 404),
    ("/admit", 404),
    ("/admit/", 404),
    ("/admit/production/", 404),
    ("/admit/production/x", 404),
    ("/admit//production", 404),
    ("/Admit/production", 404),
    ("/x/admit/production", 404),
    ("/admit/a%2Fb", 404),
    ("/admit/production%0A", 404),
    ("/admit/%0Aproduction", 404),
    ("/admit/production%00", 404),
    ("/admit/-production", 404),
    ("/admit/production-", 404),
    ("/admit/pr%C3%B6duction", 404),
    ("/admit/%F0%9F%98%80", 404),
    ("/admit/%FF", 404),
    ("/admit/ production".replace(" ", "%20"), 404),
    ("/healthz", 404),
    ("/metrics", 404),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
async def test_reviews_are_answered_at_one_path(server: Server, path: str, expected: int) -> None:
    assert await status(server, path) == expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_reviews_are_posted(server: Server, method: str) -> None:
    assert await status(server, method=method) == 405


TYPES: list[tuple[str, int]] = [
    ("application/json", 200),
    ("application/json; charset=utf-8", 200),
    ("Application/JSON", 200),
    ("application/json-patch+json", 415),
    ("application/jsonp", 415),
    ("application/yaml", 415),
    ("application/x-www-form-urlencoded", 415),
    ("application/vnd.kubernetes.protobuf", 415),
    ("text/json", 415),
    ("text/plain", 415),
    ("json", 415),
    ("", 415),
]


@pytest.mark.parametrize(("content_type", "expected"), TYPES)
async def test_a_review_is_json(server: Server, content_type: str, expected: int) -> None:
    assert await status(server, Content_Type=content_type) == expected


BODIES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("null", b"null"),
    ("{}", b"{}"),
    ("not JSON", b"secret-body <html>"),
    ("cut off", GOOD[:-10]),
    ("no uid", review(deployment(SEEN), uid=None)),
    ("v1beta1", body_of({}, apiVersion="admission.k8s.io/v1beta1")),
    ("10,000 lists deep", b"[" * 10_000),
    ("NaN", b"NaN"),
    ("not UTF-8", b"\xff" * 100),
    ("8 MiB of zeros", b"\0" * (8 * MIB - 1)),
]


@pytest.mark.parametrize(("_name", "body"), BODIES, ids=names(BODIES))
async def test_what_is_no_review_is_refused_in_words_of_ours(server: Server, _name: str, body: bytes) -> None:
    async with server.client.post("/admit/production", data=io.BytesIO(body), headers=JSON) as response:
        assert response.status == 400
        assert await response.text() == "the body is no AdmissionReview of admission.k8s.io/v1\n"


async def test_an_update_of_3_mib_is_answered(server: Server) -> None:
    padding = {"name": "cart", "annotations": {"padding": '\u00e4\\"' * (MIB // 4)}}
    body = review(deployment(SEEN, metadata=padding), deployment(UNSEEN, metadata=padding))
    assert len(body) > 3 * MIB
    assert await server.said(body) == "Pass EvidenceSufficient"


async def test_a_review_of_nearly_8_mib_is_answered(server: Server) -> None:
    body = GOOD + b" " * (8 * MIB - len(GOOD) - 1)
    assert await status(server, body=body) == 200


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * MIB


LARGE: dict[str, Mapping[str, Any]] = {
    "a body of more than 8 MiB": {"body": GOOD + b" " * 8 * MIB},
    "a body of more than 8 MiB that is JSON": {"body": review(deployment(SEEN), options="x" * 8 * MIB)},
    "more than 8 MiB that was sent small": {"body": gzip.compress(b" " * 64 * MIB), "Content_Encoding": "gzip"},
}


@pytest.mark.parametrize("case", LARGE)
async def test_more_than_8_mib_is_refused(server: Server, case: str) -> None:
    assert await status(server, **LARGE[case]) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert await status(server) == 200


async def test_more_than_8_mib_in_chunks_is_refused(server: Server) -> None:
    assert await status(server, body=chunks(12)) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert await status(server) == 200


REFUSALS: dict[str, Mapping[str, Any]] = {
    "path": {"path": "/"},
    "method": {"method": "PUT"},
    "content type": {"Content_Type": "text/plain"},
    "body": {"body": b"null"},
    "size": {"body": b" " * 9 * MIB},
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_what_is_refused_is_counted(server: Server, case: str) -> None:
    assert await status(server, **REFUSALS[case]) >= 400
    assert server.metric("bad_requests_total") == 1


async def test_a_review_is_not_counted_as_a_bad_request(server: Server) -> None:
    assert await status(server) == 200
    assert server.metric("bad_requests_total") == 0


async def test_a_connection_serves_many_requests_good_and_bad(gate: Gate) -> None:
    trust = ssl.create_default_context(cadata=gate.ca_pem.decode())

    def talk(url: str) -> tuple[list[int], set[int]]:
        connection = http.client.HTTPSConnection(urlsplit(url).netloc, timeout=10, context=trust)
        statuses, ports = [], set()
        for body in (GOOD, b"null", GOOD, b"{}", GOOD):
            connection.request("POST", "/admit/production", body, JSON)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
            ports.add(connection.sock.getsockname()[1])
        connection.close()
        return statuses, ports

    async with Server(gate) as server:
        statuses, ports = await asyncio.to_thread(talk, server.url)
    assert statuses == [200, 400, 200, 400, 200]
    assert len(ports) == 1


async def test_the_answer_carries_the_requests_uid(server: Server) -> None:
    for uid in ("705ab4f5", 'quote " and \\', "\u00fc\u2028"):
        assert (await server.answer(review(deployment(SEEN), uid=uid)))["uid"] == uid


async def test_the_answer_is_a_whole_admission_review(server: Server) -> None:
    async with server.client.post("/admit/production", data=GOOD, headers=JSON) as response:
        content = json.loads(await response.read())
        assert response.headers["Content-Type"].startswith("application/json")
    assert (content["apiVersion"], content["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")


ENVIRONMENTS: list[tuple[str, str, str]] = [
    ("production", UNSEEN, "Fail EvidenceMissing"),
    ("Production", UNSEEN, "Fail EvidenceMissing"),
    ("canary", UNSEEN, "Warn EvidenceMissing"),
    ("CANARY", UNSEEN, "Warn EvidenceMissing"),
    ("staging", UNSEEN, "Pass EnvironmentNotRequired"),
    ("production", SEEN, "Pass EvidenceSufficient"),
    ("canary", SEEN, "Pass EvidenceSufficient"),
]


@pytest.mark.parametrize(("environment", "image", "expected"), ENVIRONMENTS)
async def test_the_url_names_the_environment(server: Server, environment: str, image: str, expected: str) -> None:
    assert await server.said(review(deployment(image)), environment) == expected
