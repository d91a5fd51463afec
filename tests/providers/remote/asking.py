"""A remote provider as a configuration makes it, and questions to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.simulators.decision_gate import DecisionGateSimulator
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult, TriggerTime
from webhook.providers.remote.provider import RemoteProvider
from webhook.settings.loading import Settings, load_settings

QUERY = EvidenceQuery("board", "status", {"change": "CHG-1"})
CONTEXT = EvidenceContext(
    tenant_id=7,
    namespace_id=9,
    run_id="run-0001",
    scenario_id="example-scenario",
    stage_id="main",
    trigger_id="trigger-0001",
    trigger_time=TriggerTime("unix_millis", 1710000000000),
)
SECONDS = 5.0


def section(host: str, path: str = "/rpc", **changes: Any) -> dict[str, Any]:
    """A remote that is a Decision Gate, called `approvals` there."""
    url = f"https://{host}{path}"
    surface = "server" if path == "/rpc" else "provider"
    usual = {"id": "board", "url": url, "surface": surface, "providerId": "approvals", "timeoutSeconds": SECONDS}
    return usual | changes


def configured(folder: Path, host: str, path: str = "/rpc", **changes: Any) -> Settings:
    """Settings with one remote."""
    file = folder / "remote.json"
    providers = {"remoteHosts": [host], "remote": [section(host, path, **changes)]}
    file.write_text(json.dumps({"providers": providers}))
    return load_settings(file)


@asynccontextmanager
async def remote(gate: DecisionGateSimulator, path: str = "/rpc", **changes: Any) -> AsyncIterator[RemoteProvider]:
    """The provider, with connections to a simulator."""
    usual: dict[str, Any] = {"caFile": str(gate.ca_file)}
    (made,) = configured(gate.ca_file.parent, gate.host, path, **(usual | changes)).remotes
    provider = RemoteProvider(made, [])
    try:
        yield provider
    finally:
        await provider.stop()
        # A connection that has ended takes a turn of the loop to go.
        await asyncio.sleep(0)


async def ask(gate: DecisionGateSimulator, path: str = "/rpc", **changes: Any) -> EvidenceResult:
    """Asks once."""
    async with remote(gate, path, **changes) as provider:
        return await provider.query(QUERY, CONTEXT)


def said(result: EvidenceResult) -> tuple[str, str]:
    """Code and message of a result that has an error, and nothing beside it that could pass."""
    assert result.error is not None
    assert (result.value, result.evidence_hash, result.content_type) == (None, None, None)
    assert result.error.details is None
    assert result.error.message.startswith("remote board: ")
    assert result.error.message.isprintable()
    return result.error.code, result.error.message.removeprefix("remote board: ")
