"""The evidence service over HTTP: who asks, how often, how much; then one of the surfaces.

In this order, each before the work that it guards: path and method, correlation id, requests under way, who asks,
how often, content type, size, and only then what is asked.
"""

import logging
import secrets
import time
from dataclasses import dataclass, field

from aiohttp import web

from webhook.limits import LIMITS
from webhook.model.correlation import CORRELATION_HEADER, is_correlation_id
from webhook.server.metrics import Metrics
from webhook.server.query.callers import CallerRule
from webhook.server.query.desk import EvidenceDesk
from webhook.server.query.door import Door, capped_server, read_body
from webhook.server.query.faults import INTERNAL_ERROR, INVALID_CORRELATION_ID, INVALID_REQUEST, FaultError
from webhook.server.query.openapi import OPENAPI_PATH, openapi_document
from webhook.server.query.rpc import Reply
from webhook.server.query.surfaces import QuerySurface, Surface, encode, surfaces

_LOG = logging.getLogger(__name__)

SERVER_CORRELATION_HEADER = "x-server-correlation-id"

_OTHER = "other"
_CALLER_CHARACTERS = 256


@dataclass(slots=True)
class _Exchange:
    """One request, as far as it has come."""

    surface: str
    server_id: str = field(default_factory=lambda: secrets.token_hex(16))
    started: float = field(default_factory=time.monotonic)
    correlation_id: str | None = None
    caller: str | None = None


class QueryHandler:
    """Answers requests to the evidence service.

    Attributes:
        draining: Whether clients are sent elsewhere with their next request.
    """

    def __init__(
        self, desk: EvidenceDesk, callers: CallerRule, metrics: Metrics, seconds: float = LIMITS.query_seconds
    ) -> None:
        """Binds the handler.

        Args:
            desk: Answers the queries.
            callers: Who may ask.
            metrics: Counts requests and incidents.
            seconds: What a body gets to arrive.
        """
        self._seconds = seconds
        self.draining = False
        self._surfaces = surfaces(desk)
        self._elsewhere = QuerySurface(desk)
        self._door = Door(callers)
        self._metrics = metrics
        self._openapi = encode(openapi_document())

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answers one request.

        Args:
            request: Any request; `raw_path` is compared exactly.

        Returns:
            JSON, whatever happens, with `x-server-correlation-id`.
        """
        path = request.raw_path
        if path == OPENAPI_PATH and request.method == "GET":
            return web.Response(body=self._openapi, headers={"Content-Type": "application/json"})
        surface = self._surfaces.get(path)
        exchange = _Exchange(_OTHER if surface is None else path)
        reply = await self._reply(request, surface, exchange)
        self._metrics.queries.count(exchange.surface, reply.outcome, time.monotonic() - exchange.started)
        return self._respond(reply, exchange)

    async def _reply(self, request: web.BaseRequest, surface: Surface | None, exchange: _Exchange) -> Reply:
        try:
            reply = await self._serve(request, surface, exchange)
            # A result that JSON cannot say is an incident here, and no broken answer.
            encode(reply.document)
        except FaultError as refused:
            # At DEBUG: whoever reaches the port must not be able to fill the log.
            _LOG.debug("evidence request refused", extra=_traces(exchange) | {"kind": refused.kind.name})
            fault = refused
        except Exception:  # noqa: BLE001 - the last line of defence
            self._metrics.incidents.inc()
            _LOG.exception("evidence request failed", extra={"incident": exchange.server_id})
            fault = FaultError(INTERNAL_ERROR, f"an internal error, incident {exchange.server_id}")
        else:
            _LOG.info("evidence request", extra=_traces(exchange) | {"outcome": reply.outcome})
            return reply
        return (surface or self._elsewhere).refuse(fault, exchange.server_id)

    async def _serve(self, request: web.BaseRequest, surface: Surface | None, exchange: _Exchange) -> Reply:
        if surface is None:
            raise FaultError(INVALID_REQUEST, "there is no such path", status=404)
        if request.method != "POST":
            raise FaultError(INVALID_REQUEST, "requests are posted", status=405)
        exchange.correlation_id = _correlation_id(request)
        async with self._door.let_in(request) as exchange.caller:
            body = await read_body(request, LIMITS.query_bytes, self._seconds)
            return await surface.answer(body, exchange.server_id)

    def _respond(self, reply: Reply, exchange: _Exchange) -> web.Response:
        headers = {"Content-Type": "application/json", SERVER_CORRELATION_HEADER: exchange.server_id}
        if exchange.correlation_id is not None:
            headers[CORRELATION_HEADER] = exchange.correlation_id
        if reply.status == 401:  # noqa: PLR2004 - RFC 9110 §15.5.2 wants the challenge
            headers["WWW-Authenticate"] = "Bearer"
        elif reply.status == 405:  # noqa: PLR2004 - RFC 9110 §15.5.6 wants the methods
            headers["Allow"] = "POST"
        response = web.Response(status=reply.status, body=encode(reply.document), headers=headers)
        if self.draining:
            response.force_close()
        return response


def query_server(handler: QueryHandler) -> web.Server:
    """Builds the server.

    Args:
        handler: Answers the requests.

    Returns:
        The server, for a `ServerRunner`; a body is read no further than `LIMITS.query_bytes`.
    """
    return capped_server(handler.handle, LIMITS.query_bytes)


def _correlation_id(request: web.BaseRequest) -> str | None:
    given = request.headers.getall(CORRELATION_HEADER, [])
    if not given:
        return None
    if len(given) > 1 or not is_correlation_id(given[0]):
        raise FaultError(INVALID_CORRELATION_ID, f"{CORRELATION_HEADER} is not one token of 1 to 128 characters")
    return given[0]


def _traces(exchange: _Exchange) -> dict[str, object]:
    """What the log says of a request: nothing of its body, and no token."""
    return {
        "surface": exchange.surface,
        "caller": None if exchange.caller is None else ascii(exchange.caller)[1:-1][:_CALLER_CHARACTERS],
        "server_id": exchange.server_id,
        "correlation_id": exchange.correlation_id,
        "seconds": round(time.monotonic() - exchange.started, 6),
    }
