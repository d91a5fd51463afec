"""Reading messages before the SDK sees them: strict JSON, and one JSON-RPC message.

The SDK's own readers take duplicate names, NaN and any depth, and some of their errors quote the input.
"""

from typing import Any

import mcp_types as types
from pydantic import ValidationError

from webhook.errors import MalformedError
from webhook.model.strict_json import parse_json


class MessageError(Exception):
    """What was read is no message.

    Attributes:
        reply: The JSON-RPC error that says so, in our words.
    """

    def __init__(self, code: int, text: str, request_id: str | int | None) -> None:
        super().__init__(text)
        self.reply = types.JSONRPCError(jsonrpc="2.0", id=request_id, error=types.ErrorData(code=code, message=text))


def read_message(data: bytes) -> types.JSONRPCMessage:
    """Reads one message.

    Args:
        data: The bytes; the caller has capped their number.

    Returns:
        A request, notification or response.

    Raises:
        MessageError: The bytes are not strict JSON, or no JSON-RPC message (a batch is none).
    """
    try:
        document = parse_json(data, "message")
    except MalformedError as error:
        raise MessageError(types.PARSE_ERROR, error.detail, None) from None
    try:
        return types.jsonrpc_message_adapter.validate_python(document, by_name=False)
    except ValidationError:
        raise MessageError(types.INVALID_REQUEST, "this is no JSON-RPC 2.0 message", _id_of(document)) from None


def write_message(message: types.JSONRPCMessage) -> bytes:
    """Writes one message.

    Args:
        message: The message.

    Returns:
        JSON in one line, without its end.
    """
    text: str = message.model_dump_json(by_alias=True, exclude_unset=True)
    return text.encode("utf-8")


def _id_of(document: Any) -> str | int | None:
    known = document.get("id") if isinstance(document, dict) else None
    return known if isinstance(known, str | int) and not isinstance(known, bool) else None
