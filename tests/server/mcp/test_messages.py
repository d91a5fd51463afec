"""What is a message, before the SDK sees it."""

import json
from typing import Any

import mcp_types as types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.json_schema import anything
from webhook.server.mcp.messages import MessageError, read_message, write_message

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "review", "arguments": {"n": 1}}}

NOT_JSON: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "is not JSON"),
    ("half", b'{"jsonrpc": "2.0"', "is not JSON"),
    ("twice a name", b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}', "has a duplicate member name"),
    (
        "twice deep inside",
        json.dumps(CALL).replace('"n": 1', '"n": 1, "n": 2').encode(),
        "has a duplicate member name",
    ),
    ("NaN", json.dumps(CALL).replace('"n": 1', '"n": NaN').encode(), "holds NaN or Infinity"),
    ("2^64", json.dumps(CALL).replace('"n": 1', f'"n": {2**64}').encode(), "holds an integer outside -2^63 … 2^64-1"),
    ("1e400", json.dumps(CALL).replace('"n": 1', '"n": 1e400').encode(), "holds a number beyond double precision"),
    ("deep", b"[" * 65 + b"]" * 65, "is nested deeper than 64 levels"),
    ("a lone surrogate", b'{"jsonrpc": "\\ud800"}', "holds a lone surrogate"),
    ("a byte order mark", b"\xef\xbb\xbf{}", "is not JSON"),
    ("no UTF-8", b'"\xff"', "is not JSON"),
]


@pytest.mark.parametrize(("_name", "data", "problem"), NOT_JSON, ids=[row[0] for row in NOT_JSON])
def test_what_is_not_strict_json_is_refused_in_our_words(_name: str, data: bytes, problem: str) -> None:
    with pytest.raises(MessageError) as caught:
        read_message(data)
    reply = caught.value.reply
    assert (reply.id, reply.error.code, reply.error.message) == (None, -32700, f"the message {problem}")


NO_MESSAGE: list[tuple[str, Any, Any]] = [
    ("a batch", [CALL], None),
    ("a number", 1, None),
    ("another version", CALL | {"jsonrpc": "1.0"}, 1),
    ("no version", {"id": "a", "method": "ping"}, "a"),
    ("no method", {"jsonrpc": "2.0", "id": 7}, 7),
    ("a method that is none", CALL | {"method": 1}, 1),
    ("params that are none", CALL | {"params": [1]}, 1),
    ("an id that is none", CALL | {"id": {}, "method": 5}, None),
    ("an id that is true", {"jsonrpc": "2.0", "id": True}, None),
]


@pytest.mark.parametrize(("_name", "document", "known"), NO_MESSAGE, ids=[row[0] for row in NO_MESSAGE])
def test_json_that_is_no_message_is_refused_with_its_id(_name: str, document: Any, known: Any) -> None:
    with pytest.raises(MessageError) as caught:
        read_message(json.dumps(document).encode())
    reply = caught.value.reply
    assert (reply.id, reply.error.code) == (known, -32600)
    assert json.loads(write_message(reply)) == {
        "jsonrpc": "2.0",
        "id": known,
        "error": {"code": -32600, "message": "this is no JSON-RPC 2.0 message"},
    }


def test_a_request_is_read_as_it_is() -> None:
    message = read_message(json.dumps(CALL).encode())
    assert isinstance(message, types.JSONRPCRequest)
    assert (message.id, message.method, message.params) == (1, "tools/call", CALL["params"])


def test_what_is_written_is_one_line() -> None:
    message = types.JSONRPCResponse(jsonrpc="2.0", id=1, result={"text": "a\nb\r\u2028"})
    assert b"\n" not in write_message(message)
    assert b"\r" not in write_message(message)


@given(st.binary(max_size=200) | anything().map(lambda value: json.dumps(value).encode()))
def test_whatever_is_read_is_a_message_or_an_error_of_ours(data: bytes) -> None:
    try:
        written = write_message(read_message(data))
    except MessageError as error:
        written = write_message(error.reply)
    assert json.loads(written)["jsonrpc"] == "2.0"
