"""The MCP server's listener: this machine alone, unless callers and connection are both secured."""

import asyncio
import logging
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from webhook.errors import ConfigurationError
from webhook.limits import LIMITS
from webhook.listener import listen
from webhook.server.clients import ClientRule
from webhook.server.mcp.http import MCP_PATH, McpHandler, is_loopback
from webhook.server.mcp.protocol import McpServer
from webhook.server.query.callers import TokenFile
from webhook.server.query.door import Door, capped_server
from webhook.server.tls import ReloadingCertificate

_LOG = logging.getLogger(__name__)

_CLOSE_SECONDS = 5.0
"""What requests under way get at the very end."""


@dataclass(frozen=True, slots=True)
class McpOptions:
    """What the command line says of the listener.

    Attributes:
        listen: Host and port; port 0 takes a free one.
        tls_cert: PEM certificate chain, or None for plain HTTP.
        tls_key: PEM private key.
        token_file: Tokens of those who may ask; None: everybody on this machine.
    """

    listen: tuple[str, int]
    tls_cert: Path | None
    tls_key: Path | None
    token_file: Path | None


async def serve_http(server: McpServer, options: McpOptions) -> None:
    """Serves until SIGTERM or SIGINT.

    Args:
        server: Answers.
        options: The command line.

    Raises:
        ConfigurationError: Others could reach it unsecured, a file cannot be used, or the address is taken.
    """
    host = options.listen[0]
    if not is_loopback(host) and (options.tls_cert is None or options.token_file is None):
        raise ConfigurationError(
            f"--listen {host}: other machines can reach this; give --tls-cert, --tls-key and --token-file"
        )
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        url = await _open(stack, server, options)
        _LOG.info("listening", extra={"address": url})
        await stopping.wait()


async def _open(stack: AsyncExitStack, server: McpServer, options: McpOptions) -> str:
    callers = None if options.token_file is None else TokenFile(options.token_file)
    certificate = None
    if options.tls_cert is not None and options.tls_key is not None:
        certificate = ReloadingCertificate(options.tls_cert, options.tls_key, ClientRule())
    for part in (callers, certificate):
        if part is not None:
            stack.push_async_callback(part.stop)
            await part.start()
    manager = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=LIMITS.mcp_message_bytes
    )
    await stack.enter_async_context(manager.run())
    handler = McpHandler(manager, Door(callers), local=is_loopback(options.listen[0]))
    runner = web.ServerRunner(
        capped_server(handler.handle, LIMITS.mcp_message_bytes), shutdown_timeout=_CLOSE_SECONDS
    )
    context = None if certificate is None else certificate.context
    address = await listen(stack, runner, options.listen, context)
    return f"{'http' if context is None else 'https'}://{address}{MCP_PATH}"
