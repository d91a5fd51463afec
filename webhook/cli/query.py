"""`evidence-gate query`: one evidence query, answered here or by a server."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from webhook.cli.options import EXISTING_FILE, EXIT_REFUSED, EXIT_UNAVAILABLE, INPUT, fail, read_input
from webhook.cli.remote_query import NotAnsweredError, Server, ask_server
from webhook.cli.rules import open_rules
from webhook.errors import ConfigurationError, UnavailableError
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceContext, EvidenceQuery
from webhook.model.evidence_wire import WireError, parse_request
from webhook.server.query.desk import EvidenceDesk
from webhook.settings.loading import Settings, load_settings


@click.command()
@click.option("-f", "--filename", "file", required=True, type=INPUT, help="The request; `-` is standard input.")
@click.option("--config", type=EXISTING_FILE, help="Answer here, by this configuration file.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="For stores.cluster; with --config.")
@click.option("--server", "url", metavar="URL", help="Ask this server instead: https://HOST:PORT.")
@click.option("--server-ca", type=EXISTING_FILE, help="PEM authorities of the server; by default the system's.")
@click.option("--token-file", type=EXISTING_FILE, help="The bearer token for the server.")
def command(
    file: Path,
    config: Path | None,
    kubeconfig: Path | None,
    url: str | None,
    server_ca: Path | None,
    token_file: Path | None,
) -> None:
    """Ask one evidence query, and print its result as JSON.

    Exit code 0 if there is a result, also one whose `error` is set; 2 for a request or configuration that cannot be
    used; 1 if the server refuses the caller, 3 if it cannot be reached.
    """
    if (config is None) is (url is None):
        raise click.UsageError("give one of --config and --server")
    if (kubeconfig and not config) or ((server_ca or token_file) and not url):
        raise click.UsageError("--kubeconfig goes with --config, --server-ca and --token-file go with --server")
    body = read_input(file, LIMITS.query_bytes)
    if len(body) > LIMITS.query_bytes:
        fail(f"{file}: larger than {LIMITS.query_bytes} bytes")
    try:
        query, context = parse_request(body)
        if url is not None:
            answer = asyncio.run(ask_server(Server(url, server_ca, token_file), body))
        else:
            assert config is not None  # noqa: S101 - one of the two, as checked above
            answer = asyncio.run(_ask_here(query, context, load_settings(config), kubeconfig))
    except WireError as error:
        fail(f"{file}: {error}")
    except ConfigurationError as error:
        fail(str(error))
    except NotAnsweredError as error:
        fail(str(error), *(() if error.bad_request else (EXIT_REFUSED,)))
    except UnavailableError as error:
        fail(error.detail, EXIT_UNAVAILABLE)
    click.echo(json.dumps(answer, indent=2))
    sys.exit(0)


async def _ask_here(
    query: EvidenceQuery, context: EvidenceContext, settings: Settings, kubeconfig: Path | None
) -> dict[str, Any]:
    async with open_desk(settings, kubeconfig) as desk:
        return {"result": (await desk.answer(query, context)).to_json()}


@asynccontextmanager
async def open_desk(settings: Settings, kubeconfig: Path | None) -> AsyncIterator[EvidenceDesk]:
    """Opens what answers queries by a configuration, in this process.

    Args:
        settings: The configuration.
        kubeconfig: For stores.cluster and pull secrets; None means the pod's own account.

    Yields:
        The desk, with started stores.

    Raises:
        ConfigurationError: A store cannot be made.
    """
    async with open_rules(settings, kubeconfig) as rules:
        yield EvidenceDesk(lambda: rules.answering)
