"""The process: start in order, serve, and stop without dropping a review."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from webhook.kube.client import KubeClient
from webhook.kube.events import EventRecorder
from webhook.kube.opening import open_client
from webhook.listener import listen
from webhook.records.log import RecordLog
from webhook.records.opening import open_records
from webhook.server.admission import AdmissionHandler, admission_server
from webhook.server.clients import ClientRule
from webhook.server.logs import LineWriter
from webhook.server.metrics import Metrics
from webhook.server.operations import operations_app
from webhook.server.own_pod import configuration_alarm, own_pod
from webhook.server.query.http import QueryHandler
from webhook.server.query.listener import QueryOptions, open_query_listener
from webhook.server.ruleset import RulesetHolder
from webhook.server.tls import ReloadingCertificate
from webhook.server.traces import Traces
from webhook.settings.loading import Settings, load_settings

_LOG = logging.getLogger(__name__)

_CLOSE_SECONDS = 5.0
"""What requests under way and queued Events get at the very end."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line says.

    Attributes:
        config: The configuration file.
        tls_cert: PEM certificate chain.
        tls_key: PEM private key.
        client_ca: PEM authorities, one of which must have signed a client's certificate; None asks for none.
        client_names: Of which a client's certificate must have one; empty for any.
        listen: Host and port for reviews; port 0 takes a free one.
        ops_listen: Host and port for probes and metrics.
        kubeconfig: A kubeconfig, or None to use the pod's own account if there is one.
        query: The evidence service; None for none.
    """

    config: Path
    tls_cert: Path
    tls_key: Path
    client_ca: Path | None
    client_names: tuple[str, ...]
    listen: tuple[str, int]
    ops_listen: tuple[str, int]
    kubeconfig: Path | None
    query: QueryOptions | None = None


async def serve(options: ServeOptions, writer: LineWriter) -> None:
    """Serves until SIGTERM or SIGINT.

    Args:
        options: The command line.
        writer: Takes the log lines.

    Raises:
        ConfigurationError: A file cannot be used; nothing was served.
    """
    stopping = _stop_on_signals()
    settings = load_settings(options.config)
    clients = ClientRule(options.client_ca, options.client_names)
    certificate = ReloadingCertificate(options.tls_cert, options.tls_key, clients)
    metrics = Metrics()
    metrics.expose("log_lines_dropped", "Log lines lost because nobody read them", lambda: writer.dropped)
    metrics.gauge("certificate_not_after_seconds", "End of the certificate, Unix time", certificate.not_after)
    async with AsyncExitStack() as stack:
        ready = asyncio.Event()
        # Probes first: a slow first list must look like a start, not like a process that hangs.
        probes = web.AppRunner(
            operations_app(metrics, ready.is_set), access_log=None, shutdown_timeout=_CLOSE_SECONDS
        )
        ops = await listen(stack, probes, options.ops_listen)
        client = await _client(stack, options)
        recorder = await _recorder(stack, client, metrics)
        records = await _records(stack, settings, writer, metrics)
        rules = RulesetHolder(settings, client, metrics, configuration_alarm(recorder, own_pod()))
        stack.push_async_callback(rules.stop)
        await rules.start()
        stack.push_async_callback(certificate.stop)
        await certificate.start()
        handler = AdmissionHandler(rules, Traces(metrics, records, recorder), metrics, clients)
        # The decision line is the access log; aiohttp's own would tell it twice.
        reviews = web.ServerRunner(admission_server(handler), shutdown_timeout=_CLOSE_SECONDS)
        address = await listen(stack, reviews, options.listen, certificate.context)
        handlers: list[AdmissionHandler | QueryHandler] = [handler]
        if options.query is not None:
            queries, query_address = await open_query_listener(stack, options.query, rules, client, metrics)
            handlers.append(queries)
            _LOG.info("evidence service listening", extra={"address": f"https://{query_address}"})
        _quiet_the_collector()
        ready.set()
        _LOG.info(
            "listening",
            extra={"address": f"https://{address}", "ops_address": f"http://{ops}", "remarks": settings.remarks()},
        )
        await stopping.wait()
        await _drain(ready, handlers, rules.current.settings)


def _quiet_the_collector() -> None:
    """Keeps full collections, which stop every answer, rare and short."""
    gc.collect()
    # What lives now lives on, and need not be walked again.
    gc.freeze()
    # A review leaves some hundred objects and no cycles; the default of 700 collects every few reviews for nothing.
    gc.set_threshold(20_000, 20, 20)


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def _client(stack: AsyncExitStack, options: ServeOptions) -> KubeClient | None:
    """Opens the Kubernetes client wherever there is a cluster: a reload may want what the start did not."""
    if options.kubeconfig is None and not os.environ.get("KUBERNETES_SERVICE_HOST"):
        _LOG.warning("no cluster: Events are not written")
        return None
    return await stack.enter_async_context(open_client(options.kubeconfig))


async def _recorder(stack: AsyncExitStack, client: KubeClient | None, metrics: Metrics) -> EventRecorder | None:
    if client is None:
        return None
    recorder = EventRecorder(client, instance=socket.gethostname())
    await recorder.start()
    stack.push_async_callback(recorder.close, _CLOSE_SECONDS)
    metrics.expose("events_posted", "Events created", lambda: recorder.posted)
    metrics.expose("events_patched", "Event series updated", lambda: recorder.patched)
    metrics.expose("events_dropped", "Events lost", lambda: recorder.dropped)
    return recorder


async def _records(stack: AsyncExitStack, settings: Settings, writer: LineWriter, metrics: Metrics) -> RecordLog:
    records = open_records(settings.file.records, settings.path.parent, writer)
    stack.push_async_callback(records.close, _CLOSE_SECONDS)
    await records.start()
    metrics.records.watch(records)
    return records


async def _drain(
    ready: asyncio.Event, handlers: Sequence[AdmissionHandler | QueryHandler], settings: Settings
) -> None:
    """Stays in service while the endpoints' change travels, and sends kept connections elsewhere."""
    ready.clear()
    for handler in handlers:
        handler.draining = True
    seconds = settings.file.server.drain_seconds
    _LOG.info("draining", extra={"seconds": seconds})
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(seconds)
