"""Whatever a remote sends, its answer is an error or a result whose hash is the value's; never an exception."""

import asyncio
import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.remote.asking import CONTEXT, QUERY, configured
from tests.simulators.decision_gate import DecisionGateSimulator, absent, failed, result_of
from tests.simulators.decision_gate_faults import says_bytes
from tests.support.json_schema import anything
from webhook.errors import UnavailableError
from webhook.model.evidence import EvidenceResult, Lane
from webhook.model.evidence_hash import hash_value
from webhook.providers.remote.provider import RemoteProvider
from webhook.providers.remote.reading import BusyError, read_reply
from webhook.settings.loading import Settings

WRAPPED = st.booleans()
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 400, 401, 429, 500, 503])
SEEDS = [
    result_of("production"),
    result_of([1, {"a": None}]),
    absent(),
    failed("provider_error", "no"),
    result_of("x", evidence_ref={"uri": "u"}, evidence_anchor={"anchor_type": "a", "anchor_value": "b"}),
    result_of("x", signature={"scheme": "ed25519", "key_id": "k", "signature": [1, 2]}),
]


def reply(document: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "ID", "result": {"content": [{"type": "json", "json": document}]}}


def busy(code: int, data: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "ID", "error": {"code": code, "message": "x", "data": data}}


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A good answer of which one part somewhere is something else, or gone, or there twice."""
    result = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    document: Any = reply({"result": result} if draw(WRAPPED) else result)
    owner, name = document, draw(st.sampled_from(sorted(document)))
    while isinstance(owner[name], (dict, list)) and owner[name] and draw(st.integers(0, 4)):
        owner = owner[name]
        names = sorted(owner) if isinstance(owner, dict) else range(len(owner))
        name = draw(st.sampled_from(names))
    if draw(WRAPPED):
        owner[name] = draw(anything())
    else:
        del owner[name]
    return document


def checked(result: EvidenceResult) -> None:
    """What every result that is passed on has."""
    if result.error is not None:
        assert (result.value, result.evidence_hash, result.content_type) == (None, None, None)
        return
    assert result.lane in Lane
    if result.value is not None:
        assert result.evidence_hash == hash_value(result.value)
    json.dumps(result.to_json(), allow_nan=False).encode("ascii")


def read(status: int, data: bytes, *, wrapped: bool) -> None:
    try:
        result = read_reply(status, data, "ID", wrapped=wrapped)
    except (UnavailableError, BusyError) as error:
        said = error.detail
    else:
        said = ""
        checked(result)
    assert said.isprintable()


@given(STATUSES, st.binary(max_size=200), WRAPPED)
def test_any_bytes_are_read_or_refused(status: int, data: bytes, wrapped: bool) -> None:  # noqa: FBT001 - generated
    read(status, data, wrapped=wrapped)


@given(STATUSES, anything(), WRAPPED)
def test_any_json_is_read_or_refused(status: int, document: Any, wrapped: bool) -> None:  # noqa: FBT001 - generated
    read(status, json.dumps(document).encode(), wrapped=wrapped)
    read(status, json.dumps(reply(document)).encode(), wrapped=wrapped)
    read(status, json.dumps(reply({"result": document})).encode(), wrapped=wrapped)


@given(STATUSES, mutated(), WRAPPED)
def test_any_broken_answer_is_read_or_refused(status: int, document: Any, wrapped: bool) -> None:  # noqa: FBT001 - generated
    read(status, json.dumps(document).encode(), wrapped=wrapped)


@given(st.sampled_from([-32071, -32072, -32600, 0]), anything())
def test_any_wish_to_wait_is_a_time_or_none(code: int, data: Any) -> None:
    read(429, json.dumps(busy(code, data)).encode(), wrapped=True)
    read(429, json.dumps(busy(code, {"retry_after_ms": data})).encode(), wrapped=True)


@given(st.sampled_from(SEEDS), WRAPPED)
def test_the_shape_of_the_other_surface_is_always_refused(
    result: Any,
    wrapped: bool,  # noqa: FBT001 - generated
) -> None:
    document = reply(result if wrapped else {"result": result})
    with pytest.raises(UnavailableError):
        read_reply(200, json.dumps(document).encode(), "ID", wrapped=wrapped)


@pytest.fixture(scope="module")
def gate() -> Iterator[DecisionGateSimulator]:
    """One server for all examples."""
    with tempfile.TemporaryDirectory() as folder, DecisionGateSimulator(Path(folder)) as running:
        yield running


async def asked(settings: Settings) -> EvidenceResult:
    provider = RemoteProvider(settings.remotes[0], [])
    try:
        return await provider.query(QUERY, CONTEXT)
    finally:
        await provider.stop()
        await asyncio.sleep(0)


@given(status=STATUSES, body=st.one_of(st.binary(max_size=100), mutated().map(lambda d: json.dumps(d).encode())))
def test_over_the_wire_there_is_always_a_result(gate: DecisionGateSimulator, status: int, body: bytes) -> None:
    gate.fault = says_bytes(body, status)
    settings = configured(gate.ca_file.parent, gate.host, caFile=str(gate.ca_file), timeoutSeconds=2)
    checked(asyncio.run(asked(settings)))
