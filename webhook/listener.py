"""Opening a listener: one line for whoever gave an address that cannot be used."""

import ssl
from contextlib import AsyncExitStack

from aiohttp import web

from webhook.errors import ConfigurationError


async def listen(
    stack: AsyncExitStack, runner: web.BaseRunner, address: tuple[str, int], context: ssl.SSLContext | None = None
) -> str:
    """Serves at an address until the stack is closed.

    Args:
        stack: Stops the server.
        runner: What is served.
        address: Host and port; port 0 takes a free one.
        context: For TLS; None for plain HTTP.

    Returns:
        Where it listens, as a URL has it: `host:port`, `[::1]:port`.

    Raises:
        ConfigurationError: The address is taken, not ours, or no address.
    """
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, *address, ssl_context=context).start()
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {address[0]}:{address[1]}: {error.strerror}") from None
    except UnicodeError:
        raise ConfigurationError(f"cannot listen on {address[0]}:{address[1]}: no such host name") from None
    host, port = runner.addresses[0][:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
