"""The evidence service inside the test's own loop, over a prepared folder."""

import json
import ssl
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
from yarl import URL

from tests.harness.gate import Gate
from tests.support.rules import ruled_by
from webhook.kube.client import KubeClient
from webhook.providers.protocol import EvidenceProvider
from webhook.server.metrics import Metrics
from webhook.server.query.http import QueryHandler
from webhook.server.query.listener import QueryOptions, open_query_listener
from webhook.server.ruleset import RulesetHolder
from webhook.settings.loading import load_settings

TOKEN = "t" * 40
JSON = {"Content-Type": "application/json"}
QUERY, RPC, PROVIDER = "/v1/evidence/query", "/rpc", "/provider/rpc"


class Said(NamedTuple):
    """An answer."""

    status: int
    document: Any
    headers: Any


def question(digest: str, **query: Any) -> dict[str, Any]:
    """A request about an image."""
    params = {"image_digest": digest, "repository": None, "environment": "production"}
    return {
        "query": {"provider_id": "execution-evidence", "check_id": "metadata", "params": params} | query,
        "context": {
            "tenant_id": 1,
            "namespace_id": 1,
            "run_id": "run-0001",
            "scenario_id": "example-scenario",
            "stage_id": "production",
            "trigger_id": "trigger-0001",
            "trigger_time": {"kind": "unix_millis", "value": int(time.time() * 1000)},
        },
    }


def call(arguments: Any, request_id: Any = 1) -> dict[str, Any]:
    """A `tools/call`."""
    params = {"name": "evidence_query", "arguments": arguments}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


class Service:
    """The service; an asynchronous context manager.

    Attributes:
        metrics: What is counted.
        rules: The rules in force.
        handler: Answers.
        token_file: The tokens that are let in.
        url: Where it listens.
    """

    metrics: Metrics
    rules: RulesetHolder
    handler: QueryHandler
    url: str

    def __init__(
        self, gate: Gate, provider: EvidenceProvider | None = None, cluster: KubeClient | None = None
    ) -> None:
        """Remembers the parts.

        Args:
            gate: A prepared folder.
            provider: Instead of the one that the configuration leads to.
            cluster: Vouches for callers instead of the token file.
        """
        self._gate = gate
        self._provider = provider
        self._cluster = cluster
        self._stack = AsyncExitStack()
        self.token_file = gate.folder / "tokens"

    async def __aenter__(self) -> Self:
        """Starts everything."""
        self.token_file.write_text(f"{'o' * 32}\n{TOKEN}\n")
        settings = load_settings(self._gate.folder / "config.yaml")
        self.metrics = Metrics()
        self.rules = RulesetHolder(settings, None, self.metrics)
        self._stack.push_async_callback(self.rules.stop)
        await self.rules.start()
        if self._provider is not None:
            self.rules.current = ruled_by(settings, self._provider)
        self.handler, address = await open_query_listener(
            self._stack, self._options(), self.rules, self._cluster, self.metrics
        )
        self.url = f"https://{address}"
        trust = ssl.create_default_context(cadata=self._gate.ca_pem.decode())
        connector = aiohttp.TCPConnector(ssl=trust, limit=0)
        self._client = await self._stack.enter_async_context(aiohttp.ClientSession(self.url, connector=connector))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops everything."""
        await self._stack.aclose()

    def _options(self) -> QueryOptions:
        folder: Path = self._gate.folder
        tokens = self.token_file if self._cluster is None else None
        return QueryOptions(
            ("127.0.0.1", 0), folder / "tls.crt", folder / "tls.key", tokens, self._cluster is not None
        )

    async def post(self, path: str, body: Any, token: str | None = TOKEN, **more: Any) -> Said:
        """Posts a body; what is no bytes is written as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.ask("POST", path, token=token, data=data, **more)

    async def ask(
        self, method: str, path: str, token: str | None = TOKEN, headers: Any = None, data: Any = None
    ) -> Said:
        """Sends a request."""
        given = list(JSON.items()) + ([("Authorization", f"Bearer {token}")] if token is not None else [])
        given = [(name, value) for name, value in given if name not in dict(headers or {})]
        given += [*(dict(headers).items() if isinstance(headers, dict) else headers or [])]
        async with self._client.request(method, URL(path, encoded=True), data=data, headers=given) as response:
            text = await response.text()
            assert response.content_type == "application/json" or method == "HEAD"
            return Said(response.status, json.loads(text) if text else None, response.headers)

    def metric(self, name: str, **labels: str) -> float:
        """Reads a sample; 0 if there is none."""
        value = self.metrics._registry.get_sample_value(f"execution_evidence_gate_{name}", labels)
        return value or 0.0
