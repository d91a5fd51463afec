"""MCP over Streamable HTTP: who asks, how often, how much; then the SDK.

In this order, each before the work that it guards: path and method, host and origin, requests under way, who asks,
how often, content type, size, strict JSON, and only then what is asked. Each request stands alone: there are no
sessions, and nothing is ever sent that was not asked for.
Source: https://modelcontextprotocol.io/specification, "Transports", with its warning about DNS rebinding.
"""

import ipaddress
import logging
import secrets
import time

import mcp_types as types
from aiohttp import web
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from yarl import URL

from webhook.limits import LIMITS
from webhook.server.mcp.asgi import ask_manager
from webhook.server.mcp.messages import MessageError, read_message, write_message
from webhook.server.query.door import Door, read_body
from webhook.server.query.faults import INTERNAL_ERROR, INVALID_REQUEST, UNAUTHORIZED, FaultError

_LOG = logging.getLogger(__name__)

MCP_PATH = "/mcp"

_JSON = {"Content-Type": "application/json"}


def is_loopback(host: str) -> bool:
    """Tells whether an address can be reached from this machine alone.

    Args:
        host: A host as an address or URL has it, without port and brackets.

    Returns:
        True for `localhost`, 127.0.0.0/8 and ::1; no name is looked up.
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class McpHandler:
    """Answers requests to the MCP server."""

    def __init__(
        self,
        manager: StreamableHTTPSessionManager,
        door: Door,
        *,
        local: bool,
        seconds: float = LIMITS.query_seconds,
    ) -> None:
        """Binds the handler.

        Args:
            manager: The SDK's side, running.
            door: Who may ask, and how often.
            local: Whether it listens on a loopback address; then a request must name one.
            seconds: What a body gets to arrive.
        """
        self._manager = manager
        self._door = door
        self._local = local
        self._seconds = seconds

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answers one request.

        Args:
            request: Any request; `raw_path` is compared exactly.

        Returns:
            An answer, whatever happens.
        """
        server_id = secrets.token_hex(16)
        try:
            return await self._serve(request, server_id)
        except FaultError as refused:
            # At DEBUG: whoever reaches the port must not be able to fill the log.
            _LOG.debug("mcp request refused", extra={"server_id": server_id, "kind": refused.kind.name})
            fault = refused
        except Exception:  # noqa: BLE001 - the last line of defence
            _LOG.exception("mcp request failed", extra={"incident": server_id})
            fault = FaultError(INTERNAL_ERROR, f"an internal error, incident {server_id}")
        return _refusal(fault, server_id)

    async def _serve(self, request: web.BaseRequest, server_id: str) -> web.Response:
        if request.raw_path != MCP_PATH:
            raise FaultError(INVALID_REQUEST, "there is no such path", status=404)
        if request.method != "POST":
            raise FaultError(INVALID_REQUEST, "requests are posted", status=405)
        self._refuse_browsers(request)
        async with self._door.let_in(request) as caller:
            started = time.monotonic()
            body = await read_body(request, LIMITS.mcp_message_bytes, self._seconds)
            response = await self._answer(request, body)
            traces = {"server_id": server_id, "caller": caller, "status": response.status}
            _LOG.info("mcp request", extra={**traces, "seconds": round(time.monotonic() - started, 6)})
            return response

    async def _answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        try:
            read_message(body)
        except MessageError as error:
            return web.Response(status=400, body=write_message(error.reply), headers=_JSON)
        return await ask_manager(self._manager, request, body)

    def _refuse_browsers(self, request: web.BaseRequest) -> None:
        """A page that somebody opens must not ask in his name, not even by a name that it has made lead here."""
        if "Origin" in request.headers:
            raise FaultError(UNAUTHORIZED, "requests from web pages are not answered")
        hosts = request.headers.getall("Host", [])
        if self._local and (len(hosts) != 1 or not is_loopback(_host_of(hosts[0]))):
            raise FaultError(INVALID_REQUEST, "the Host header names another machine", status=421)


def _host_of(header: str) -> str:
    try:
        return URL(f"http://{header}").host or ""
    except ValueError:
        return ""


def _refusal(fault: FaultError, server_id: str) -> web.Response:
    data = types.ErrorData(code=fault.kind.code, message=fault.message, data=fault.data(server_id))
    reply = types.JSONRPCError(jsonrpc="2.0", id=None, error=data)
    headers = dict(_JSON)
    if fault.status == 401:  # noqa: PLR2004 - RFC 9110 §15.5.2 wants the challenge
        headers["WWW-Authenticate"] = "Bearer"
    elif fault.status == 405:  # noqa: PLR2004 - RFC 9110 §15.5.6 wants the methods
        headers["Allow"] = "POST"
    return web.Response(status=fault.status, body=write_message(reply), headers=headers)
