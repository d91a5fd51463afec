"""The review server inside the test's own loop, so that a test can choose its provider and see its parts."""

import io
import json
import os
import ssl
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.harness.gate import Gate
from tests.support.rules import ruled_by
from webhook.kube.events import EventRecorder
from webhook.providers.protocol import EvidenceProvider
from webhook.records.opening import open_records
from webhook.server.admission import AdmissionHandler, admission_server
from webhook.server.clients import ClientRule
from webhook.server.logs import LineWriter
from webhook.server.metrics import Metrics
from webhook.server.ruleset import RulesetHolder
from webhook.server.tls import ReloadingCertificate
from webhook.server.traces import Traces
from webhook.settings.loading import load_settings

JSON = {"Content-Type": "application/json"}


class Server:
    """The server over a prepared folder; an asynchronous context manager.

    Attributes:
        gate: The folder's owner; its process is not started.
        rules: The rules in force.
        metrics: What is counted.
        handler: Answers.
        certificate: What handshakes get.
        client: Trusts the server's authority.
        url: Where it listens.
    """

    url: str
    client: aiohttp.ClientSession
    rules: RulesetHolder
    certificate: ReloadingCertificate
    handler: AdmissionHandler

    def __init__(
        self,
        gate: Gate,
        provider: EvidenceProvider | None = None,
        recorder: EventRecorder | None = None,
        clients: ClientRule | None = None,
    ) -> None:
        """Remembers the parts.

        Args:
            gate: A prepared folder.
            provider: Instead of the one that the configuration leads to.
            recorder: Takes Events.
            clients: Who may ask; by default everybody.
        """
        self.gate = gate
        self.metrics = Metrics()
        self._provider = provider
        self._recorder = recorder
        self._clients = clients or ClientRule()
        self._stack = AsyncExitStack()
        self._lines = gate.folder / "lines.log"

    async def __aenter__(self) -> Self:
        """Starts everything in the order in which the process does."""
        settings = load_settings(self.gate.folder / "config.yaml")
        files = (self.gate.folder / "tls.crt", self.gate.folder / "tls.key")
        self.certificate = ReloadingCertificate(*files, self._clients)
        self.rules = RulesetHolder(settings, None, self.metrics)
        self._stack.push_async_callback(self.rules.stop)
        await self.rules.start()
        if self._provider is not None:
            self.rules.current = ruled_by(settings, self._provider)
        self._stack.push_async_callback(self.certificate.stop)
        await self.certificate.start()
        descriptor = os.open(self._lines, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._stack.callback(os.close, descriptor)
        self._writer = LineWriter(descriptor)
        self._stack.callback(self._writer.close)
        self._records = open_records(settings.file.records, self.gate.folder, self._writer)
        self._stack.push_async_callback(self._records.close, 5.0)
        await self._records.start()
        traces = Traces(self.metrics, self._records, self._recorder)
        self.handler = AdmissionHandler(self.rules, traces, self.metrics, self._clients)
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops everything."""
        await self._stack.aclose()

    async def _listen(self) -> None:
        runner = web.ServerRunner(admission_server(self.handler), shutdown_timeout=1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self.certificate.context).start()
        self.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        trust = ssl.create_default_context(cadata=self.gate.ca_pem.decode())
        connector = aiohttp.TCPConnector(ssl=trust, limit=0)
        self.client = await self._stack.enter_async_context(aiohttp.ClientSession(self.url, connector=connector))

    async def answer(self, body: bytes, environment: str = "production", within: str = "10s") -> dict[str, Any]:
        """Asks about a review.

        Args:
            body: The AdmissionReview.
            environment: The target environment.
            within: The query's `timeout`, which the API server names.

        Returns:
            The AdmissionResponse.
        """
        path = f"/admit/{environment}?timeout={within}"
        async with self.client.post(path, data=io.BytesIO(body), headers=JSON) as response:
            assert response.status == 200, f"{response.status}: {await response.text()}"
            assert response.content_type == "application/json"
            content: dict[str, Any] = (await response.json())["response"]
            return content

    async def said(self, body: bytes, environment: str = "production") -> str:
        """Asks about a review, and gives verdict and reasons in one line."""
        annotations = (await self.answer(body, environment))["auditAnnotations"]
        return f"{annotations['verdict']} {annotations['reasons']}"

    def metric(self, name: str, **labels: str) -> float:
        """Reads a sample; 0 if there is none."""
        value = self.metrics._registry.get_sample_value(f"execution_evidence_gate_{name}", labels)
        return value or 0.0

    def lines(self) -> list[dict[str, Any]]:
        """Closes the sinks and gives the decision lines."""
        for writer in self._records.writers:
            writer.close(5.0)
        self._writer.close()
        lines = [json.loads(line) for line in self._lines.read_bytes().splitlines()]
        return [line for line in lines if line["message"] == "decision"]
