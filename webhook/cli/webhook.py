"""`evidence-gate webhook`: serve admission reviews."""

import asyncio
import logging
import os
from pathlib import Path

import click

from webhook.cli.options import EXISTING_FILE, Address, fail
from webhook.errors import ConfigurationError
from webhook.server.logs import set_up_logging
from webhook.server.query.listener import QueryOptions
from webhook.server.run import ServeOptions, serve


@click.command()
@click.option("--config", required=True, type=EXISTING_FILE, help="Configuration file; followed while serving.")
@click.option("--tls-cert", required=True, type=EXISTING_FILE, help="PEM certificate chain; followed.")
@click.option("--tls-key", required=True, type=EXISTING_FILE, help="PEM private key; followed.")
@click.option(
    "--client-ca", type=EXISTING_FILE, help="Ask clients for a certificate of these PEM authorities; followed."
)
@click.option("--client-name", multiple=True, help="CN or DNS name that it must have; repeatable. Needs --client-ca.")
@click.option("--listen", type=Address(), default="0.0.0.0:8443", show_default=True, help="For reviews (TLS).")
@click.option("--ops-listen", type=Address(), default="0.0.0.0:8080", show_default=True, help="For probes, metrics.")
@click.option("--query-listen", type=Address(), help="For evidence queries (TLS); off by default.")
@click.option("--query-token-file", type=EXISTING_FILE, help="Tokens of those who may query, one a line; followed.")
@click.option("--query-cluster-callers", is_flag=True, help="Ask the API server who may query.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="Instead of the pod's own account.")
def command(
    config: Path,
    tls_cert: Path,
    tls_key: Path,
    client_ca: Path | None,
    client_name: tuple[str, ...],
    listen: tuple[str, int],
    ops_listen: tuple[str, int],
    *,
    query_listen: tuple[str, int] | None,
    query_token_file: Path | None,
    query_cluster_callers: bool,
    kubeconfig: Path | None,
) -> None:
    """Serve admission reviews at https://LISTEN/admit/ENVIRONMENT.

    With --query-listen, evidence_query is served too: /v1/evidence/query, /rpc, /provider/rpc, /openapi.json. It
    needs one of --query-token-file and --query-cluster-callers.

    Probes and metrics are plain HTTP on a listener of their own: /healthz, /readyz, /metrics. SIGTERM drains and
    stops. The environment variable LOG_LEVEL sets the log's level (INFO).
    """
    if client_name and client_ca is None:
        raise click.UsageError("--client-name needs --client-ca")
    if query_listen is None and (query_token_file is not None or query_cluster_callers):
        raise click.UsageError("--query-token-file and --query-cluster-callers need --query-listen")
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        fail("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
    writer = set_up_logging(level)
    query = (
        QueryOptions(query_listen, tls_cert, tls_key, query_token_file, query_cluster_callers)
        if query_listen is not None
        else None
    )
    options = ServeOptions(config, tls_cert, tls_key, client_ca, client_name, listen, ops_listen, kubeconfig, query)
    try:
        asyncio.run(serve(options, writer))
    except ConfigurationError as error:
        fail(str(error))
    finally:
        writer.close()
