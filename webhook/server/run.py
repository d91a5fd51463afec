"""The process: start in order, serve, and stop without dropping a review."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from webhook.errors import ConfigurationError
from webhook.kube.client import KubeClient, open_client
from webhook.kube.events import EventRecorder
from webhook.server.admission import AdmissionHandler, admission_server
from webhook.server.logs import LineWriter
from webhook.server.metrics import Metrics
from webhook.server.operations import operations_app
from webhook.server.ruleset import RulesetHolder
from webhook.server.tls import ReloadingCertificate
from webhook.server.traces import Traces
from webhook.settings import Settings, load_settings

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
        listen: Host and port for reviews; port 0 takes a free one.
        ops_listen: Host and port for probes and metrics.
        kubeconfig: A kubeconfig, or None to use the pod's own account if there is one.
    """

    config: Path
    tls_cert: Path
    tls_key: Path
    listen: tuple[str, int]
    ops_listen: tuple[str, int]
    kubeconfig: Path | None


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
    certificate = ReloadingCertificate(options.tls_cert, options.tls_key)
    metrics = Metrics()
    metrics.expose("log_lines_dropped", "Log lines lost because nobody read them", lambda: writer.dropped)
    metrics.gauge("certificate_not_after_seconds", "End of the certificate, Unix time", certificate.not_after)
    async with AsyncExitStack() as stack:
        ready = asyncio.Event()
        # Probes first: a slow first list must look like a start, not like a process that hangs.
        probes = web.AppRunner(
            operations_app(metrics, ready.is_set), access_log=None, shutdown_timeout=_CLOSE_SECONDS
        )
        ops = await _listen(stack, probes, options.ops_listen)
        client = await _client(stack, options)
        recorder = await _recorder(stack, client, metrics)
        rules = RulesetHolder(settings, client, metrics)
        stack.push_async_callback(rules.stop)
        await rules.start()
        stack.push_async_callback(certificate.stop)
        await certificate.start()
        handler = AdmissionHandler(rules, Traces(metrics, writer, recorder), metrics)
        # The decision line is the access log; aiohttp's own would tell it twice.
        reviews = web.ServerRunner(admission_server(handler), shutdown_timeout=_CLOSE_SECONDS)
        address = await _listen(stack, reviews, options.listen, certificate)
        _quiet_the_collector()
        ready.set()
        _LOG.info(
            "listening",
            extra={"address": f"https://{address}", "ops_address": f"http://{ops}", "remarks": settings.remarks()},
        )
        await stopping.wait()
        await _drain(ready, handler, rules.current.settings)


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


async def _listen(
    stack: AsyncExitStack,
    runner: web.BaseRunner,
    address: tuple[str, int],
    certificate: ReloadingCertificate | None = None,
) -> str:
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    context = certificate.context if certificate is not None else None
    try:
        await web.TCPSite(runner, *address, ssl_context=context).start()
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {address[0]}:{address[1]}: {error.strerror}") from None
    except UnicodeError:
        raise ConfigurationError(f"cannot listen on {address[0]}:{address[1]}: no such host name") from None
    host, port = runner.addresses[0][:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _drain(ready: asyncio.Event, handler: AdmissionHandler, settings: Settings) -> None:
    """Stays in service while the endpoints' change travels, and sends kept connections elsewhere."""
    ready.clear()
    handler.draining = True
    seconds = settings.file.server.drain_seconds
    _LOG.info("draining", extra={"seconds": seconds})
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(seconds)
