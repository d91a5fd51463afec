"""What `evidence-gate mcp` runs, once the SDK is known to be there."""

import logging
import os
import sys
from pathlib import Path

from webhook.cli.mcp_review import review_tool
from webhook.cli.rules import open_rules
from webhook.errors import ConfigurationError
from webhook.server.logs import set_up_logging
from webhook.server.mcp.evidence import evidence_tool
from webhook.server.mcp.listener import McpOptions, serve_http
from webhook.server.mcp.protocol import make_server
from webhook.server.mcp.stdio import serve_stdio
from webhook.server.query.desk import EvidenceDesk
from webhook.settings.loading import load_settings


async def serve(config: Path, kubeconfig: Path | None, options: McpOptions | None) -> None:
    """Serves the tools until nobody needs them any more.

    Args:
        config: The configuration file.
        kubeconfig: For stores.cluster and pull secrets.
        options: The HTTP listener; None for standard input and output.

    Raises:
        ConfigurationError: A file or the address cannot be used, or callers could borrow pods' pull secrets.
        FrameError: A message on standard input is too long.
        OSError: Nobody reads standard output.
    """
    # The SDK tells each exchange.
    logging.getLogger("mcp").setLevel(logging.WARNING)
    settings = load_settings(config)
    registry = settings.file.stores.registry
    if options is not None and registry is not None and registry.pull_secrets:
        # A manifest names whose they are: who may ask here could look into any registry that some pod may.
        raise ConfigurationError(f"{config}: stores.registry.pullSecrets would lend them to all callers of --listen")
    async with open_rules(settings, kubeconfig) as rules:
        server = make_server([evidence_tool(EvidenceDesk(lambda: rules.answering)), review_tool(rules)])
        if options is None:
            # A reader of its own, never closed: neither a close nor Python's end can wait for a thread that reads.
            source = os.fdopen(sys.stdin.fileno(), "rb", closefd=False)
            await serve_stdio(server, source, sys.stdout.buffer)
            return
        writer = set_up_logging("INFO")
        try:
            await serve_http(server, options)
        finally:
            writer.close()
