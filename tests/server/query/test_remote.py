"""Another gate of ours as a provider of this one: the client against the real server, on both of its paths."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.providers.remote.asking import CONTEXT, configured, said
from tests.server.query.asking import TOKEN, Service
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult, Lane, TriggerTime
from webhook.providers.remote.provider import RemoteProvider

PATHS = pytest.mark.parametrize("path", ["/rpc", "/provider/rpc"])
SEEN, UNSEEN = digest_of("seen"), digest_of("unseen")


@asynccontextmanager
async def remote(gate: Gate, service: Service, path: str, **changes: Any) -> AsyncIterator[RemoteProvider]:
    """This gate's remote provider, which is `execution-evidence` of that one."""
    folder = gate.folder / "client"
    folder.mkdir(exist_ok=True)
    (folder / "ca.pem").write_bytes(gate.ca_pem)
    (folder / "token").write_text(TOKEN)
    usual = {"providerId": "execution-evidence", "caFile": "ca.pem", "tokenFile": "token"}
    settings = configured(folder, service.url.removeprefix("https://"), path, **(usual | changes))
    provider = RemoteProvider(settings.remotes[0], [])
    try:
        yield provider
    finally:
        await provider.stop()


def about(digest: str, check: str = "metadata") -> EvidenceQuery:
    params = {"image_digest": digest, "repository": None, "environment": "production"}
    return EvidenceQuery("board", check, params)


def now(**changes: Any) -> EvidenceContext:
    return CONTEXT._replace(trigger_time=TriggerTime("unix_millis", int(time.time() * 1000)), **changes)


@PATHS
@pytest.mark.parametrize(
    "check", ["metadata", "has_evidence", "hot_symbol_count", "unique_call_paths", "observed_at"]
)
async def test_the_answer_is_the_one_that_the_provider_there_gives(
    gate: Gate, service: Service, path: str, check: str
) -> None:
    query, context = about(SEEN, check), now(correlation_id="705ab4f5-6393-11e8-b7cc-42010a800002")
    there = service.rules.current.providers["execution-evidence"]
    expected = await there.query(query._replace(provider_id="execution-evidence"), context)
    async with remote(gate, service, path) as provider:
        result = await provider.query(query, context)
    assert result == expected
    assert (result.error, result.lane) == (None, Lane.VERIFIED)
    assert result.value is not None


@PATHS
async def test_what_it_does_not_vouch_for_is_not_believed_unless_that_is_wished(
    gate: Gate, service: Service, path: str
) -> None:
    async with remote(gate, service, path) as provider:
        assert said(await provider.query(about(UNSEEN), now()))[0] == "evidence_untrusted"
    async with remote(gate, service, path, minLane="Asserted") as provider:
        count = await provider.query(about(UNSEEN, "hot_symbol_count"), now())
    assert (count.value, count.error, count.lane) == (None, None, Lane.ASSERTED)


@pytest.mark.parametrize(("path", "surface"), [("/rpc", "provider"), ("/provider/rpc", "server")])
@pytest.mark.parametrize("digest", [SEEN, UNSEEN])
async def test_the_wrong_surface_is_an_error_and_never_absent(
    gate: Gate, service: Service, path: str, surface: str, digest: str
) -> None:
    async with remote(gate, service, path, surface=surface, minLane="Asserted") as provider:
        code, message = said(await provider.query(about(digest, "hot_symbol_count"), now()))
    assert code == "evidence_unavailable"
    assert message.startswith("its answer cannot be used: ")


NOBODY, NO_TOKEN = {"providerId": "nobody"}, {"tokenFile": None}
REFUSED: list[tuple[str, dict[str, Any], tuple[str, str], str]] = [
    ("/rpc", NOBODY, (SEEN, "metadata"), "the error -32602: provider_missing: no provider has this id"),
    ("/rpc", {}, (SEEN, "nothing"), "the error -32602: check_missing: the provider has no such check"),
    ("/rpc", {}, ("sha256:x", "metadata"), "the error -32602: params_invalid: "),
    ("/provider/rpc", NOBODY, (SEEN, "metadata"), "it says: no provider has this id"),
    ("/provider/rpc", {}, (SEEN, "nothing"), "it says: the provider has no such check"),
    ("/rpc", NO_TOKEN, (SEEN, "metadata"), "the error -32001: "),
    ("/provider/rpc", NO_TOKEN, (SEEN, "metadata"), "the error -32001: "),
    ("/nowhere", {}, (SEEN, "metadata"), "it answers 404, and no JSON-RPC response"),
]


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_is_told(
    gate: Gate, service: Service, case: tuple[str, dict[str, Any], tuple[str, str], str]
) -> None:
    path, changes, asked, expected = case
    async with remote(gate, service, path, **changes) as provider:
        _, message = said(await provider.query(about(*asked), now()))
    assert expected in message


@pytest.mark.parametrize(("path", "code"), [("/rpc", None), ("/provider/rpc", "value_not_disclosed")])
async def test_a_value_that_is_not_shown_there_is_not_absent_here(gate: Gate, path: str, code: str | None) -> None:
    gate.configure(gate.configuration | {"disclosure": {}})
    async with Service(gate) as service, remote(gate, service, path) as provider:
        result: EvidenceResult = await provider.query(about(SEEN), now())
    assert result.value is None
    if code is None:
        assert result.evidence_hash is not None
    else:
        assert said(result)[0] == code


async def test_who_asks_too_much_is_made_to_wait_and_answered(gate: Gate, service: Service) -> None:
    service.handler._door._rate._rate, service.handler._door._rate._burst = 20.0, 1
    async with remote(gate, service, "/rpc") as provider:
        results = [await provider.query(about(SEEN), now()) for _ in range(3)]
    assert [result.error for result in results] == [None] * 3
    assert service.metric("queries_total", surface="/rpc", outcome="rate_limited") > 0
