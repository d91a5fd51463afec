"""`evidence-gate webhook`: serve admission reviews."""

import asyncio
import logging
import os
from pathlib import Path

import click

from webhook.cli.options import EXISTING_FILE, Address, fail
from webhook.errors import ConfigurationError
from webhook.server.logs import set_up_logging
from webhook.server.run import ServeOptions, serve


@click.command()
@click.option("--config", required=True, type=EXISTING_FILE, help="Configuration file; followed while serving.")
@click.option("--tls-cert", required=True, type=EXISTING_FILE, help="PEM certificate chain; followed.")
@click.option("--tls-key", required=True, type=EXISTING_FILE, help="PEM private key; followed.")
@click.option("--listen", type=Address(), default="0.0.0.0:8443", show_default=True, help="For reviews (TLS).")
@click.option("--ops-listen", type=Address(), default="0.0.0.0:8080", show_default=True, help="For probes, metrics.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="Instead of the pod's own account.")
def command(
    config: Path,
    tls_cert: Path,
    tls_key: Path,
    listen: tuple[str, int],
    ops_listen: tuple[str, int],
    kubeconfig: Path | None,
) -> None:
    """Serve admission reviews at https://LISTEN/admit/ENVIRONMENT.

    Probes and metrics are plain HTTP on a listener of their own: /healthz, /readyz, /metrics. SIGTERM drains and
    stops. The environment variable LOG_LEVEL sets the log's level (INFO).
    """
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        fail("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
    writer = set_up_logging(level)
    options = ServeOptions(config, tls_cert, tls_key, listen, ops_listen, kubeconfig)
    try:
        asyncio.run(serve(options, writer))
    except ConfigurationError as error:
        fail(str(error))
    finally:
        writer.close()
