"""Whatever goes wrong on the way is an error in words of ours, in time, and never an absent value."""

import gzip
import json
from typing import Any

import pytest

from tests.providers.remote.asking import ask, said
from tests.simulators.decision_gate import DecisionGateSimulator, Fault, absent, failed, result_of
from tests.simulators.decision_gate_faults import babbles, endless, gives, hangs_up, refuses, says, says_bytes
from webhook.limits import LIMITS

GOOD = result_of(True)  # noqa: FBT003 - the value
UNUSABLE = "its answer cannot be used: "


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


def envelope(content: Any, **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "ID", "result": content} | members


def piece(document: Any = None, **members: Any) -> dict[str, Any]:
    return {"type": "json", "json": {"result": GOOD} if document is None else document} | members


def raw(text: str) -> Fault:
    """A good answer in which `true`, the value, is written otherwise."""
    document = json.dumps(envelope({"content": [piece()]}))
    assert document.count("true") == 1
    return says_bytes(document.replace("true", text).encode())


HASH = {"algorithm": "sha256", "value": "0" * 64}
RESULTS: dict[str, tuple[Any, str]] = {
    **{f"without {name}": (without(name), f"{UNUSABLE}`{name}` is missing") for name in GOOD},
    "nothing": ({}, f"{UNUSABLE}`value` is missing"),
    "null": (None, f"{UNUSABLE}the result has a wrong type or value"),
    "a list": ([GOOD], f"{UNUSABLE}the result has a wrong type or value"),
    "more": (GOOD | {"more": 1}, f"{UNUSABLE}`more` is not known"),
    "a wrong hash": (GOOD | {"evidence_hash": HASH}, f"{UNUSABLE}`evidence_hash` is not the value's"),
    "no hash": (GOOD | {"evidence_hash": None}, f"{UNUSABLE}`evidence_hash` is missing beside a value"),
    "no hash at all": (
        GOOD | {"value": None, "evidence_hash": HASH | {"value": "A" * 64}},
        f"{UNUSABLE}`evidence_hash` is no SHA-256 in lower case",
    ),
    "an error and a value": (
        GOOD | {"error": failed("c", "m")["error"]},
        f"{UNUSABLE}the result has an error and a value",
    ),
    "another lane": (GOOD | {"lane": "Verified"}, f"{UNUSABLE}`lane` has a wrong type or value"),
    "a value without kind": (GOOD | {"value": True}, f"{UNUSABLE}`value` has a wrong type or value"),
    "a byte too much": (
        GOOD | {"value": {"kind": "bytes", "value": [256]}},
        f"{UNUSABLE}`value.value.0` has a wrong type or value",
    ),
    **{
        f"a text that does not print in {name}": (
            GOOD | {name: value},
            f"{UNUSABLE}a text in it is too long, or does not print",
        )
        for name, value in {
            "evidence_ref": {"uri": "https://x\n  found: all is well"},
            "evidence_anchor": {"anchor_type": "a", "anchor_value": "\x1b[2J"},
            "signature": {"scheme": "ed25519", "key_id": "\u202e", "signature": []},
            "content_type": "x" * 1025,
        }.items()
    },
}


@pytest.mark.parametrize("path", ["/rpc", "/provider/rpc"])
@pytest.mark.parametrize("case", RESULTS)
async def test_a_result_that_is_none_is_an_error(gate: DecisionGateSimulator, case: str, path: str) -> None:
    gate.result = RESULTS[case][0]
    expected = RESULTS[case][1]
    code, message = said(await ask(gate, path))
    assert code == "evidence_unavailable"
    assert message in {expected, f"{UNUSABLE}a member of the result has a wrong type or value"}


SHAPES: list[tuple[str, bool, Any, str]] = [
    ("/rpc", False, GOOD, "the result is not wrapped; is `surface` right?"),
    ("/rpc", False, absent(), "the result is not wrapped; is `surface` right?"),
    ("/rpc", True, {"result": GOOD}, "`value` is missing"),
    ("/provider/rpc", True, GOOD, "`value` is missing"),
    ("/provider/rpc", True, absent(), "`value` is missing"),
]


@pytest.mark.parametrize(("path", "wrapped", "result", "expected"), SHAPES)
async def test_the_other_surfaces_shape_is_never_an_absent_value(
    gate: DecisionGateSimulator,
    path: str,
    wrapped: bool,  # noqa: FBT001 - a column of the table
    result: Any,
    expected: str,
) -> None:
    gate.fault = gives(result, wrapped=wrapped)
    assert said(await ask(gate, path)) == ("evidence_unavailable", UNUSABLE + expected)


NO_RESPONSE = "it answers 200, and no JSON-RPC response"
NEITHER = "it answers 200, and neither a result nor an error"
NO_CONTENT: dict[str, Any] = {
    "no content": {},
    "null": None,
    "an empty content": {"content": []},
    "content that is no list": {"content": piece()},
    "two pieces": {"content": [piece(), piece()]},
    "an error flag": {"content": [piece()], "isError": True},
}
ENVELOPES: dict[str, tuple[Fault, str]] = {
    "nothing": (says_bytes(b""), "it answers 200: the answer is not JSON"),
    "HTML": (says_bytes(b"<html>", 502), "it answers 502: the answer is not JSON"),
    "a list": (says([]), NO_RESPONSE),
    "a batch": (says([envelope({"content": [piece()]})]), NO_RESPONSE),
    "another version": (says(envelope({}, jsonrpc="1.0")), NO_RESPONSE),
    "no version": (says({"id": "ID", "result": {}}), NO_RESPONSE),
    "no id": (says({"jsonrpc": "2.0", "result": {}}), NO_RESPONSE),
    "another id": (says(envelope({"content": [piece()]}, id="x")), "it answers another request"),
    "no id to a result": (says(envelope({"content": [piece()]}, id=None)), "it answers another request"),
    "another id to an error": (
        says({"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": "x"}}),
        "it answers another request",
    ),
    "neither": (says({"jsonrpc": "2.0", "id": "ID"}), NEITHER),
    "both": (says(envelope({"content": [piece()]}, error={"code": 1, "message": "x"})), NEITHER),
    "a good result with status 500": (
        says(envelope({"content": [piece()]}), 500),
        "it answers 500, and neither a result nor an error",
    ),
    "a good result with status 201": (
        says(envelope({"content": [piece()]}), 201),
        "it answers 201, and neither a result nor an error",
    ),
    "more": (says(envelope({"content": [piece()]}, more=1)), NEITHER),
    **{
        name: (says(envelope(result)), f"{UNUSABLE}the tool's result is not one piece of content")
        for name, result in NO_CONTENT.items()
    },
    **{
        name: (says(envelope({"content": [entry]})), f"{UNUSABLE}the content is not of type json")
        for name, entry in {
            "text": {"type": "text", "text": json.dumps(GOOD)},
            "another type": piece(type="text"),
            "a string": "x",
            "more in a piece": piece(more=1),
        }.items()
    },
    "more around the result": (
        says(envelope({"content": [piece({"result": GOOD, "more": 1})]})),
        f"{UNUSABLE}the result is not wrapped; is `surface` right?",
    ),
    "an error without a code": (says({"jsonrpc": "2.0", "id": "ID", "error": {"message": "x"}}), NO_RESPONSE),
    "an error that is a text": (says({"jsonrpc": "2.0", "id": "ID", "error": "x"}), NO_RESPONSE),
    "a code that is a switch": (says({"jsonrpc": "2.0", "id": "ID", "error": {"code": True}}), NO_RESPONSE),
    "a name twice": (
        says_bytes(b'{"jsonrpc": "2.0", "id": "ID", "result": 1, "result": 2}'),
        "it answers 200: the answer has a duplicate member name",
    ),
    "NaN": (raw("NaN"), "it answers 200: the answer holds NaN or Infinity"),
    "1e400": (raw("1e400"), "it answers 200: the answer holds a number beyond double precision"),
    "a huge integer": (raw("1" * 30), "it answers 200: the answer holds an integer outside -2^63 … 2^64-1"),
    "a lone surrogate": (raw('"\\ud800"'), "it answers 200: the answer holds a lone surrogate"),
    "depth": (raw("[" * 5000 + "]" * 5000), "it answers 200: the answer is not JSON"),
    "a byte order mark": (says_bytes(b"\xef\xbb\xbf{}"), "it answers 200: the answer is not JSON"),
    "compressed": (
        says_bytes(gzip.compress(b"{}"), 200, {"Content-Encoding": "gzip"}),
        "it answers 200: the answer is not JSON",
    ),
    "a redirect": (
        says_bytes(b"", 307, {"Location": "/elsewhere"}),
        "it answers 307, and redirects are not followed",
    ),
    "too long": (
        says_bytes(b" " * (LIMITS.remote_reply_bytes + 1)),
        f"the answer exceeds {LIMITS.remote_reply_bytes} bytes",
    ),
    "endless": (endless, f"the answer exceeds {LIMITS.remote_reply_bytes} bytes"),
    "informational responses without end": (babbles, "the connection failed"),
    "silence": (hangs_up, "the connection failed"),
}


@pytest.mark.parametrize("case", ENVELOPES)
async def test_an_answer_that_is_none_is_unavailable(gate: DecisionGateSimulator, case: str) -> None:
    gate.fault, expected = ENVELOPES[case]
    code, message = said(await ask(gate))
    # Very deep nesting fails by the one guard or the other.
    assert (code, message.replace("is nested deeper than 64 levels", "is not JSON")) == (
        "evidence_unavailable",
        expected,
    )
    assert {asked.path for asked in gate.asked} == {"/rpc"}


FAULTS = [(-32600, 400), (-32601, 400), (-32602, 400), (-32001, 401), (-32003, 403), (-32070, 413), (-32073, 400)]


@pytest.mark.parametrize(("number", "status"), FAULTS)
@pytest.mark.parametrize("answered", [None, 200])
async def test_an_error_of_the_protocol_is_told_whatever_its_status_and_not_tried_again(
    gate: DecisionGateSimulator, number: int, status: int, answered: int | None
) -> None:
    gate.fault = refuses(number, "first\nsecond", 0, answered)
    assert said(await ask(gate)) == ("evidence_unavailable", f"it answers with the error {number}: first?second")
    assert len(gate.asked) == 1
    assert status >= 400


async def test_an_error_without_a_text_is_told_by_its_number(gate: DecisionGateSimulator) -> None:
    gate.fault = says({"jsonrpc": "2.0", "id": "ID", "error": {"code": -32000, "message": 5}})
    assert said(await ask(gate))[1] == "it answers with the error -32000"
