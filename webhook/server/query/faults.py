"""What a surface says when it cannot even ask: Decision Gate's error table.

A provider that fails is no fault: its result has `error` set, and travels as every result does.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A row of the table.

    Attributes:
        name: Stable; `data.kind`.
        code: The JSON-RPC code.
        status: The HTTP status.
        retryable: Whether the same request may succeed later.
    """

    name: str
    code: int
    status: int
    retryable: bool = False


INVALID_REQUEST = FaultKind("invalid_request", -32600, 400)
METHOD_NOT_FOUND = FaultKind("method_not_found", -32601, 400)
INVALID_PARAMS = FaultKind("invalid_params", -32602, 400)
INTERNAL_ERROR = FaultKind("internal_error", -32603, 500)
UNAUTHENTICATED = FaultKind("unauthenticated", -32001, 401)
UNAUTHORIZED = FaultKind("unauthorized", -32003, 403)
REQUEST_TOO_LARGE = FaultKind("request_too_large", -32070, 413)
RATE_LIMITED = FaultKind("rate_limited", -32071, 429, retryable=True)
INFLIGHT_LIMIT = FaultKind("inflight_limit", -32072, 503, retryable=True)
INVALID_CORRELATION_ID = FaultKind("invalid_correlation_id", -32073, 400)
CALLER_CHECK_UNAVAILABLE = FaultKind("caller_check_unavailable", -32074, 503, retryable=True)
"""Not in Decision Gate's table: who asks could not be found out."""

FAULT_KINDS = (
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    INVALID_PARAMS,
    INTERNAL_ERROR,
    UNAUTHENTICATED,
    UNAUTHORIZED,
    REQUEST_TOO_LARGE,
    RATE_LIMITED,
    INFLIGHT_LIMIT,
    INVALID_CORRELATION_ID,
    CALLER_CHECK_UNAVAILABLE,
)


class FaultError(Exception):
    """A request that is not answered.

    Attributes:
        kind: The row of the table.
        message: One sentence of ours, without anything that the caller sent.
        status: The HTTP status; the row's, unless HTTP has a better word.
        retry_after: Milliseconds after which it may be tried again, or None.
    """

    def __init__(
        self, kind: FaultKind, message: str, *, status: int | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = kind.status if status is None else status
        self.retry_after = retry_after

    def data(self, request_id: str) -> dict[str, Any]:
        """Gives what a program needs.

        Args:
            request_id: Names the request in our log.

        Returns:
            `kind`, `retryable`, `request_id`, and `retry_after_ms` if there is one.
        """
        data = {"kind": self.kind.name, "retryable": self.kind.retryable, "request_id": request_id}
        return data if self.retry_after is None else data | {"retry_after_ms": self.retry_after}
