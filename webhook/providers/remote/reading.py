"""From the bytes of an answer to a result: pure, and with one meaning or none.

Decision Gate's server wraps a result (`{"result": …}`), its providers give it bare. Reading the one as the other is
how an answer turns into "absent", for which `not_exists` is true; so the shape follows from the configuration alone,
and a result must have all its eight members.
"""

import re
from typing import Any, Final

from webhook.errors import MalformedError, UnavailableError
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceResult
from webhook.model.evidence_wire import WireError, read_result
from webhook.model.printable import printable
from webhook.model.strict_json import parse_json

_OK = 200
_BUSY: Final = frozenset({-32071, -32072})
"""Decision Gate's rate_limited and inflight_limit: the only errors that are worth another attempt."""
_HASH = re.compile(r"[0-9a-f]{64}")


class BusyError(Exception):
    """The other side asks for another attempt.

    Attributes:
        detail: What it said, as `UnavailableError.detail`.
        retry_after: Seconds that it wants, whatever it said; 0 if it did not say.
    """

    def __init__(self, detail: str, retry_after: float) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


def read_reply(status: int, data: bytes, request_id: str, *, wrapped: bool) -> EvidenceResult:
    """Reads the answer to one `tools/call` of `evidence_query`.

    Args:
        status: The HTTP status.
        data: The body; the caller has capped it.
        request_id: The request's JSON-RPC id.
        wrapped: Whether the result comes as `{"result": …}`.

    Returns:
        The result, whose hash is its value's, and whose texts print.

    Raises:
        BusyError: Too much is asked there at present.
        UnavailableError: Any other error, or no such answer.
    """
    message = _message(status, data)
    if message.keys() == {"jsonrpc", "id", "error"} and message["id"] in (request_id, None):
        raise _fault(message["error"], status)
    if message["id"] != request_id:
        raise UnavailableError("it answers another request")
    if status != _OK or message.keys() != {"jsonrpc", "id", "result"}:
        raise UnavailableError(f"it answers {status}, and neither a result nor an error")
    try:
        result = read_result(_document(message["result"], wrapped=wrapped))
    except WireError as error:
        raise UnavailableError(f"its answer cannot be used: {error}") from None
    _check_texts(result)
    return result


def _message(status: int, data: bytes) -> dict[str, Any]:
    try:
        message = parse_json(data, "answer")
    except MalformedError as error:
        raise UnavailableError(f"it answers {status}: {error.detail}") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or "id" not in message:
        raise UnavailableError(f"it answers {status}, and no JSON-RPC response")
    return message


def _fault(error: Any, status: int) -> BusyError | UnavailableError:
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return UnavailableError(f"it answers {status}, and no JSON-RPC response")
    text = error.get("message")
    said = f": {printable(text, LIMITS.remote_message_characters)}" if isinstance(text, str) else ""
    detail = f"it answers with the error {code}{said}"
    return BusyError(detail, _retry_after(error.get("data"))) if code in _BUSY else UnavailableError(detail)


def _retry_after(data: Any) -> float:
    asked = data.get("retry_after_ms") if isinstance(data, dict) else None
    return asked / 1000 if isinstance(asked, int) else 0.0


def _document(result: Any, *, wrapped: bool) -> Any:
    """Finds the result in what `tools/call` gives: one piece of content, of type `json`."""
    content = result.get("content") if isinstance(result, dict) and result.keys() == {"content"} else None
    if not isinstance(content, list) or len(content) != 1:
        raise WireError("the tool's result is not one piece of content")
    (piece,) = content
    if not isinstance(piece, dict) or piece.keys() != {"type", "json"} or piece["type"] != "json":
        raise WireError("the content is not of type json")
    document = piece["json"]
    if not wrapped:
        return document
    if not isinstance(document, dict) or document.keys() != {"result"}:
        raise WireError("the result is not wrapped; is `surface` right?")
    return document["result"]


def _check_texts(result: EvidenceResult) -> None:
    """Refuses what would act on a terminal, or fill it, beside the value."""
    reference, anchor, signature = result.evidence_ref, result.evidence_anchor, result.signature
    texts = [
        result.content_type,
        None if reference is None else reference.uri,
        *(() if anchor is None else (anchor.anchor_type, anchor.anchor_value)),
        *(() if signature is None else (signature.scheme, signature.key_id)),
    ]
    for text in texts:
        if text is not None and (len(text) > LIMITS.remote_text_characters or not text.isprintable()):
            raise UnavailableError("its answer cannot be used: a text in it is too long, or does not print")
    digest = result.evidence_hash
    if digest is not None and not _HASH.fullmatch(digest.value):
        raise UnavailableError("its answer cannot be used: `evidence_hash` is no SHA-256 in lower case")
