"""`evidence-gate provider`: an evidence provider for a Decision Gate that starts it as a process."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from webhook.cli.options import EXISTING_FILE, fail
from webhook.cli.query import open_desk
from webhook.errors import ConfigurationError
from webhook.server.query.framing import FrameError
from webhook.server.query.rpc import RpcSurface
from webhook.server.query.stdio import serve_stdio
from webhook.settings.loading import Settings, load_settings


@click.command()
@click.option("--stdio", is_flag=True, required=True, help="Speak over standard input and output.")
@click.option("--config", required=True, type=EXISTING_FILE, help="Configuration file; read once.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="For stores.cluster; instead of the pod's own account.")
def command(stdio: bool, config: Path, kubeconfig: Path | None) -> None:  # noqa: ARG001, FBT001 - click hands it over
    """Answer evidence_query for a Decision Gate that calls this process.

    JSON-RPC 2.0, each message after `Content-Length: N` and an empty line; results are bare. Ends with code 0 where
    the input ends, and with 2 if it is out of step. Troubles go to standard error.
    """
    try:
        asyncio.run(_serve(load_settings(config), kubeconfig))
    except (ConfigurationError, FrameError) as error:
        fail(str(error))
    except BrokenPipeError:
        # Nobody reads any more, which is how a caller that goes away looks. Python would complain at its exit.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _serve(settings: Settings, kubeconfig: Path | None) -> None:
    # A reader of its own, never closed: neither a close nor Python's end can wait for a thread that reads.
    source = os.fdopen(sys.stdin.fileno(), "rb", closefd=False)
    async with open_desk(settings, kubeconfig) as desk:
        await serve_stdio(RpcSurface(desk, bare=True), source, sys.stdout.buffer)
