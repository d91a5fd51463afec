"""The operator's process: kopf follows the objects, some pieces of work repeat themselves, probes are answered.

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

from webhook.kube.api_errors import ApiError
from webhook.kube.client import KubeClient
from webhook.kube.opening import open_client
from webhook.listener import listen
from webhook.operator.inspector import EvidenceInspector
from webhook.operator.keeper import CertificateKeeper, Names
from webhook.operator.metrics import OperatorMetrics
from webhook.operator.repeat import Repeated
from webhook.operator.surveyor import Survey, Surveyor
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
        names: The certificates that are looked after; None if somebody else does.
        survey: The scan of what runs; None for none.
        config: The webhook's configuration file.
        retention: How long evidence is kept, or None for ever.
        ops_listen: Host and port for probes and metrics; port 0 takes a free one.
        kubeconfig: A kubeconfig, or None to use the pod's own account.
    """

    names: Names | None
    survey: Survey | None
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
        trust = TrustFile(settings, metrics)
        inspector = EvidenceInspector(client, lambda: trust.policy, options.retention, metrics)
        works = _works(options, client, inspector, trust, metrics)
        metrics.count_evidence(lambda: inspector.reasons)
        probes = web.AppRunner(_operations_app(metrics), access_log=None, shutdown_timeout=1.0)
        address = await listen(stack, probes, options.ops_listen)
        await trust.start(works.evidence.wake, works.wake_scan)
        stack.push_async_callback(trust.stop)
        tasks = [asyncio.create_task(work.run()) for work in works.all]
        _LOG.info("operating", extra={"ops_address": f"http://{address}"})
        try:
            await kopf.operator(
                registry=_handlers(options, works, inspector),
                settings=_kopf_settings(),
                clusterwide=True,
                standalone=True,
                identity=_IDENTITY,
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Works:
    """What is done again and again; None for what is not."""

    evidence: Repeated
    certificates: Repeated | None
    scan: Repeated | None

    @property
    def all(self) -> list[Repeated]:
        return [work for work in (self.certificates, self.evidence, self.scan) if work is not None]

    def wake_scan(self) -> None:
        if self.scan is not None:
            self.scan.wake()


def _works(
    options: OperatorOptions,
    client: KubeClient,
    inspector: EvidenceInspector,
    trust: TrustFile,
    metrics: OperatorMetrics,
) -> _Works:
    certificates = scan = None
    if options.names is not None:
        keeper = CertificateKeeper(client, options.names, metrics)
        certificates = Repeated("certificates", keeper.keep, _CERTIFICATE_SECONDS, metrics)
    if options.survey is not None:
        surveyor = Surveyor(options.survey, client, lambda: trust.settings, metrics)
        scan = Repeated("scan", surveyor.survey, surveyor, metrics)
    return _Works(Repeated("evidence", inspector.sweep, _EVIDENCE_SECONDS, metrics), certificates, scan)


def _handlers(options: OperatorOptions, works: _Works, inspector: EvidenceInspector) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def log_in(**arguments: Any) -> kopf.ConnectionInfo | None:
        if options.kubeconfig is None:
            return kopf.login_with_service_account(**arguments)
        os.environ["KUBECONFIG"] = str(options.kubeconfig)  # Where kopf looks, and the only place.
        return kopf.login_with_kubeconfig(**arguments)

    if options.names is not None and works.certificates is not None:
        _follow_configuration(registry, options.names.configuration, works.certificates)

    @kopf.on.event("stella.ops", "executionevidences", registry=registry)
    async def evidence_changed(event: kopf.RawEvent, **_: Any) -> None:
        obj: dict[str, Any] = dict(event["object"])
        if _is_news(event["type"], obj):
            works.wake_scan()
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


def _follow_configuration(registry: kopf.OperatorRegistry, configuration: str, certificates: Repeated) -> None:
    @kopf.on.event("admissionregistration.k8s.io", "validatingwebhookconfigurations", registry=registry)
    async def configuration_changed(name: str | None, **_: Any) -> None:
        if name == configuration:
            certificates.wake()


def _is_news(change: str | None, obj: dict[str, Any]) -> bool:
    """Tells a change of evidence from our own writing of its status, and from the list at the start."""
    if change != "MODIFIED":
        return change is not None
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return all(entry.get("observedGeneration") != obj["metadata"].get("generation", 0) for entry in conditions)


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
