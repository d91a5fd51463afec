"""The paths of the evidence service, and what each makes of a body."""

import json
from typing import Any, Protocol

from webhook.model.evidence_wire import WireError, parse_request
from webhook.server.query.desk import EvidenceDesk
from webhook.server.query.faults import INVALID_PARAMS, FaultError
from webhook.server.query.rpc import Reply, RpcSurface

QUERY_PATH = "/v1/evidence/query"
RPC_PATH = "/rpc"
PROVIDER_PATH = "/provider/rpc"


class Surface(Protocol):
    """What stands behind a path."""

    async def answer(self, body: bytes, server_id: str) -> Reply:
        """Answers a body.

        Args:
            body: What was posted, capped.
            server_id: Names the request in our log.

        Returns:
            The reply.
        """

    def refuse(self, fault: FaultError, server_id: str) -> Reply:
        """Writes a fault that was found before the body was read.

        Args:
            fault: What is wrong.
            server_id: Names the request in our log.

        Returns:
            The reply.
        """


class QuerySurface:
    """One request in, `{"result": …}` out."""

    def __init__(self, desk: EvidenceDesk) -> None:
        """Binds the surface.

        Args:
            desk: Answers the queries.
        """
        self._desk = desk

    async def answer(self, body: bytes, server_id: str) -> Reply:
        """As `Surface.answer`; a result with `error` set has status 200, as every result."""
        try:
            query, context = parse_request(body)
        except WireError as error:
            return self.refuse(FaultError(INVALID_PARAMS, str(error)), server_id)
        result = await self._desk.answer(query, context)
        return Reply(200, {"result": result.to_json()}, "answered" if result.error is None else "failed")

    def refuse(self, fault: FaultError, server_id: str) -> Reply:
        """As `Surface.refuse`: `{"error": {kind, message, retryable, request_id}}`."""
        document = {"error": {"message": fault.message, **fault.data(server_id)}}
        return Reply(fault.status, document, fault.kind.name)


def surfaces(desk: EvidenceDesk) -> dict[str, Surface]:
    """Gives all surfaces.

    Args:
        desk: Answers the queries.

    Returns:
        Path to surface.
    """
    return {
        QUERY_PATH: QuerySurface(desk),
        RPC_PATH: RpcSurface(desk, bare=False),
        PROVIDER_PATH: RpcSurface(desk, bare=True),
    }


def encode(document: dict[str, Any]) -> bytes:
    """Writes an answer.

    Args:
        document: The answer.

    Returns:
        JSON in ASCII.

    Raises:
        ValueError: It holds what JSON cannot say.
    """
    return json.dumps(document, allow_nan=False).encode("ascii")
