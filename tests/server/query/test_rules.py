"""Decision Gate's rules of the wire, spelled out byte by byte at every surface of the live service."""

import json
from typing import Any

import pytest

from tests.harness.evidence import digest_of
from tests.server.query.asking import PROVIDER, QUERY, RPC, Service, call, question
from webhook.limits import LIMITS
from webhook.server.query.faults import FAULT_KINDS

SEEN = digest_of("seen")

# Decision Gate's table: kind, JSON-RPC code, HTTP status, whether it may be tried again.
TABLE = {
    ("invalid_request", -32600, 400, False),
    ("method_not_found", -32601, 400, False),
    ("invalid_params", -32602, 400, False),
    ("unauthenticated", -32001, 401, False),
    ("unauthorized", -32003, 403, False),
    ("request_too_large", -32070, 413, False),
    ("rate_limited", -32071, 429, True),
    ("inflight_limit", -32072, 503, True),
    ("invalid_correlation_id", -32073, 400, False),
}
OURS = {("internal_error", -32603, 500, False), ("caller_check_unavailable", -32074, 503, True)}


def test_faults_are_decision_gates_and_two_of_our_own() -> None:
    assert {(kind.name, kind.code, kind.status, kind.retryable) for kind in FAULT_KINDS} == TABLE | OURS


def test_the_caps_that_decision_gate_has_too_are_its() -> None:
    assert (LIMITS.frame_header_bytes, LIMITS.frame_bytes) == (8 * 1024, 1024 * 1024)
    assert (LIMITS.variable_name_bytes, LIMITS.variable_bytes) == (255, 65_536)


MARK = "MARK"
TAKEN: list[tuple[str, str]] = [
    ("tenant_id", "1"),
    ("namespace_id", "18446744073709551615"),
    ("trigger_time", '{"kind": "unix_millis", "value": -9223372036854775808}'),
    ("trigger_time", '{"kind": "logical", "value": 18446744073709551615}'),
    ("correlation_id", "null"),
]
REFUSED: list[tuple[str, str]] = [
    *(
        (name, text)
        for name in ("tenant_id", "namespace_id")
        for text in ("0", "-1", '"1"', "1.0", "1e0", "true", "null", "18446744073709551616", "NaN", "1" + "0" * 5000)
    ),
    ("trigger_time", '{"kind": "unix_millis", "value": 1.0}'),
    ("trigger_time", '{"kind": "unix_millis", "value": 9223372036854775808}'),
    ("trigger_time", '{"kind": "unix_millis", "value": true}'),
    ("trigger_time", '{"kind": "logical", "value": -1}'),
    ("trigger_time", '{"kind": "wall", "value": 1}'),
    ("trigger_time", "1710000000000"),
    ("run_id", '"\\ud800"'),
    ("more", "1"),
    ("pull", "null"),
]


def spelled(path: str, member: str, text: str) -> bytes:
    """A request whose context has a member in exactly this spelling."""
    asked: Any = question(SEEN)
    asked["context"][member] = MARK
    body = json.dumps(asked if path == QUERY else call(asked))
    return body.replace(f'"{MARK}"', text).encode()


def refused(document: Any) -> bool:
    return "error" in document and "result" not in document


@pytest.mark.parametrize("path", [QUERY, RPC, PROVIDER])
@pytest.mark.parametrize(("member", "text"), TAKEN)
async def test_a_context_within_the_rules_is_answered(service: Service, path: str, member: str, text: str) -> None:
    status, document, _ = await service.post(path, spelled(path, member, text))
    assert (status, refused(document)) == (200, False)


@pytest.mark.parametrize("path", [QUERY, RPC, PROVIDER])
@pytest.mark.parametrize(("member", "text"), REFUSED, ids=lambda text: text[:30])
async def test_a_context_outside_the_rules_is_refused(service: Service, path: str, member: str, text: str) -> None:
    status, document, _ = await service.post(path, spelled(path, member, text))
    assert (status, refused(document)) == (200 if path == PROVIDER else 400, True)


@pytest.mark.parametrize("path", [QUERY, RPC, PROVIDER])
async def test_params_that_are_absent_are_null(service: Service, path: str) -> None:
    null, absent = question(SEEN, params=None), question(SEEN)
    del absent["query"]["params"]
    absent["context"] = null["context"]
    said = [(await service.post(path, asked if path == QUERY else call(asked))).document for asked in (null, absent)]
    for document in said:
        document.get("error", {}).pop("data", None)
    assert said[0] == said[1]


@pytest.mark.parametrize(("levels", "taken"), [(40, True), (128, False), (10_000, False)])
async def test_what_is_nested_too_deeply_is_refused(service: Service, levels: int, *, taken: bool) -> None:
    body = json.dumps(question(SEEN, params=MARK)).replace(f'"{MARK}"', "[" * levels + "]" * levels).encode()
    status, document, _ = await service.post(QUERY, body)
    assert (status, refused(document)) == ((200, False) if taken else (400, True))
