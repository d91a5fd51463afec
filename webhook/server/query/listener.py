"""The evidence service's own TLS listener: off unless it is asked for, and never open to everybody."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from webhook.errors import ConfigurationError
from webhook.kube.client import KubeClient
from webhook.listener import listen
from webhook.server.clients import ClientRule
from webhook.server.metrics import Metrics
from webhook.server.query.callers import CallerRule, TokenFile
from webhook.server.query.cluster_callers import ClusterCallers
from webhook.server.query.desk import EvidenceDesk
from webhook.server.query.http import QueryHandler, query_server
from webhook.server.ruleset import RulesetHolder
from webhook.server.tls import ReloadingCertificate

_CLOSE_SECONDS = 5.0
"""What requests under way get at the very end."""


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What the command line says of the evidence service.

    Attributes:
        listen: Host and port; port 0 takes a free one.
        tls_cert: PEM certificate chain.
        tls_key: PEM private key.
        token_file: Tokens of those who may ask, or None.
        cluster_callers: Whether the API server is asked who may.
    """

    listen: tuple[str, int]
    tls_cert: Path
    tls_key: Path
    token_file: Path | None
    cluster_callers: bool


async def open_query_listener(
    stack: AsyncExitStack,
    options: QueryOptions,
    rules: RulesetHolder,
    client: KubeClient | None,
    metrics: Metrics,
) -> tuple[QueryHandler, str]:
    """Serves the evidence service until the stack is closed.

    Args:
        stack: Stops it.
        options: The command line.
        rules: The rules in force, and with them the providers.
        client: For the API server's word about callers.
        metrics: Counts requests.

    Returns:
        The handler, and where it listens.

    Raises:
        ConfigurationError: Nobody is said to be let in, a file cannot be used, or the address is taken.
    """
    callers = _callers(options, client)
    # Its own, without the client CA: that one is for the API server's reviews, and callers here show tokens.
    certificate = ReloadingCertificate(options.tls_cert, options.tls_key, ClientRule())
    for part in (callers, certificate):
        stack.push_async_callback(part.stop)
        await part.start()
    desk = EvidenceDesk(lambda: rules.current.answering, metrics.incidents.inc)
    handler = QueryHandler(desk, callers, metrics)
    runner = web.ServerRunner(query_server(handler), shutdown_timeout=_CLOSE_SECONDS)
    return handler, await listen(stack, runner, options.listen, certificate.context)


def _callers(options: QueryOptions, client: KubeClient | None) -> CallerRule:
    if (options.token_file is not None) is options.cluster_callers:
        raise ConfigurationError("--query-listen needs one of --query-token-file and --query-cluster-callers")
    if options.token_file is not None:
        return TokenFile(options.token_file)
    if client is None:
        raise ConfigurationError("--query-cluster-callers needs a cluster: run in a pod, or give --kubeconfig")
    return ClusterCallers(client)
