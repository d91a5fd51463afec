"""`evidence-gate mcp`: the gate's tools for agents, over standard input and output or over HTTP."""

import asyncio
import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from webhook.cli.options import EXISTING_FILE, Address, fail
from webhook.errors import ConfigurationError

_SDK = "mcp"


@click.command()
@click.option("--config", required=True, type=EXISTING_FILE, help="Configuration file; read once.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="For stores.cluster and pull secrets.")
@click.option("--listen", type=Address(), help="Serve HTTP at HOST:PORT; by default standard input and output.")
@click.option("--tls-cert", type=EXISTING_FILE, help="PEM certificate chain; with --listen.")
@click.option("--tls-key", type=EXISTING_FILE, help="PEM private key; with --listen.")
@click.option("--token-file", type=EXISTING_FILE, help="Bearer tokens of those who may ask; with --listen.")
def command(
    config: Path,
    kubeconfig: Path | None,
    listen: tuple[str, int] | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    token_file: Path | None,
) -> None:
    """Offer the tools evidence_query and review to agents (Model Context Protocol).

    Both only read. Over standard input and output the process ends with code 0 where the input ends, and with 2 if a
    message is too long. An address that other machines can reach needs --tls-cert, --tls-key and --token-file.
    """
    if (tls_cert is None) is not (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    if listen is None and (tls_cert or token_file):
        raise click.UsageError("--tls-cert, --tls-key and --token-file go with --listen")
    try:
        importlib.import_module(_SDK)
    except ImportError:
        fail("evidence-gate mcp needs the extra `mcp`: pip install 'execution-evidence-gate[mcp]'")
    # Here: everything below needs the extra.
    from webhook.cli.mcp_serving import serve  # noqa: PLC0415 - as said
    from webhook.server.mcp.listener import McpOptions  # noqa: PLC0415 - as said
    from webhook.server.query.framing import FrameError  # noqa: PLC0415 - as said

    options = None if listen is None else McpOptions(listen, tls_cert, tls_key, token_file)
    try:
        asyncio.run(serve(config, kubeconfig, options))
    except (ConfigurationError, FrameError) as error:
        fail(str(error))
    except BrokenPipeError:
        # Nobody reads any more, which is how a client that goes away looks. Python would complain at its exit.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
