"""The operator's process: kopf follows the objects, two pieces of work repeat themselves, probes are answered.

kopf writes nothing here: its handlers are `on.event` alone, which leave neither annotations nor finalizers; Events
are not posted; there is no peering. It runs in a process of its own, because it takes every task that is made
after it for its own and cancels it at the end.
"""

import asyncio
import itertools
import logging
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import kopf
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from webhook.kube.client import ApiError, open_client
from webhook.listener import listen
from webhook.operator.inspector import EvidenceInspector
from webhook.operator.keeper import CertificateKeeper, Names
from webhook.operator.metrics import OperatorMetrics
from webhook.operator.repeat import Repeated
from webhook.operator.trust import TrustFile
from webhook.settings.loading import load_settings

_CERTIFICATE_SECONDS = 10.0
"""How often the Secrets are looked at; an event of the webhook configuration leads to a look at once."""

_EVIDENCE_SECONDS = 300.0
"""How often all evidence is looked at, for retention and for what kopf's watch may have missed."""

_IDENTITY: Any = "evidence-gate"
"""Nobody is told of it without peering; but kopf's own begins with the user's name, and a container's has none."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OperatorOptions:
    """What the command line says.

    Attributes:
        names: What is looked after.
        config: The webhook's configuration file.
        retention: How long evidence is kept, or None for ever.
        ops_listen: Host and port for probes and metrics; port 0 takes a free one.
        kubeconfig: A kubeconfig, or None to use the pod's own account.
    """

    names: Names
    config: Path
    retention: timedelta | None
    ops_listen: tuple[str, int]
    kubeconfig: Path | None


async def operate(options: OperatorOptions) -> None:
    """Works until SIGTERM or SIGINT.

    Args:
        options: The command line.

    Raises:
        ConfigurationError: A file cannot be used, or the address is taken; nothing was done.
    """
    settings = load_settings(options.config)
    metrics = OperatorMetrics()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(options.kubeconfig))
        keeper = CertificateKeeper(client, options.names, metrics)
        certificates = Repeated("certificates", keeper.keep, _CERTIFICATE_SECONDS, metrics)
        trust = TrustFile(settings, metrics)
        inspector = EvidenceInspector(client, lambda: trust.policy, options.retention, metrics)
        evidence = Repeated("evidence", inspector.sweep, _EVIDENCE_SECONDS, metrics)
        metrics.count_evidence(lambda: inspector.reasons)
        probes = web.AppRunner(_operations_app(metrics), access_log=None, shutdown_timeout=1.0)
        address = await listen(stack, probes, options.ops_listen)
        await trust.start(evidence.wake)
        stack.push_async_callback(trust.stop)
        tasks = [asyncio.create_task(work.run()) for work in (certificates, evidence)]
        _LOG.info("operating", extra={"ops_address": f"http://{address}"})
        try:
            await kopf.operator(
                registry=_handlers(options, certificates, inspector),
                settings=_kopf_settings(),
                clusterwide=True,
                standalone=True,
                identity=_IDENTITY,
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _handlers(
    options: OperatorOptions, certificates: Repeated, inspector: EvidenceInspector
) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def log_in(**arguments: Any) -> kopf.ConnectionInfo | None:
        if options.kubeconfig is None:
            return kopf.login_with_service_account(**arguments)
        os.environ["KUBECONFIG"] = str(options.kubeconfig)  # Where kopf looks, and the only place.
        return kopf.login_with_kubeconfig(**arguments)

    @kopf.on.event("admissionregistration.k8s.io", "validatingwebhookconfigurations", registry=registry)
    async def configuration_changed(name: str | None, **_: Any) -> None:
        if name == options.names.configuration:
            certificates.wake()

    @kopf.on.event("stella.ops", "executionevidences", registry=registry)
    async def evidence_changed(event: kopf.RawEvent, **_: Any) -> None:
        obj: dict[str, Any] = dict(event["object"])
        if event["type"] == "DELETED":
            inspector.forget(obj)
            return
        try:
            await inspector.inspect(obj)
        except ApiError as error:
            # The next sweep does it.
            extra = {"object": obj["metadata"]["name"], "detail": error.detail}
            _LOG.warning("status not written", extra=extra)

    return registry


class _Backoffs:
    """Seconds between tries, without end: an API server that is away for a day is no reason to end."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1.0, 2.0, 4.0, 8.0, 16.0), itertools.repeat(30.0))


def _kopf_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.networking.error_backoffs = _Backoffs()
    # As the reflector: a watch that died in silence is found out.
    settings.watching.server_timeout = 45
    settings.watching.client_timeout = 55
    settings.queueing.idle_timeout = 0.5
    logging.getLogger("kopf").setLevel(logging.WARNING)
    return settings


def _operations_app(metrics: OperatorMetrics) -> web.Application:
    async def _healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _render(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", _healthz), web.get("/metrics", _render)])
    return app
