"""The published example, asked of the live service."""

import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.gate import Gate
from tests.model.test_evidence_wire import EXAMPLE, RESULT
from tests.server.query.asking import PROVIDER, QUERY, RPC, Service, call

SHOWN = {"allowRawValues": True}


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setenv("DEPLOY_ENV", "production")
    monkeypatch.setenv("API_TOKEN", "secret-marker")
    providers = {"env": {"allowlist": ["DEPLOY_ENV", "API_TOKEN"], "denylist": ["API_TOKEN"], "allowRaw": True}}
    gate = Gate(tmp_path, {}, events={"enabled": False}, providers=providers, disclosure=SHOWN)
    async with Service(gate) as running:
        yield running


async def test_the_published_example_has_the_published_answer_with_the_true_hash(service: Service) -> None:
    assert (await service.post(QUERY, EXAMPLE)).document == {"result": RESULT}
    for path, expected in ((RPC, {"result": RESULT}), (PROVIDER, RESULT)):
        document = (await service.post(path, call(EXAMPLE))).document
        assert document["result"]["content"] == [{"type": "json", "json": expected}]


def asking_for(key: str) -> dict[str, Any]:
    asked: dict[str, Any] = copy.deepcopy(EXAMPLE)
    asked["query"]["params"]["key"] = key
    return asked


async def test_what_is_denied_is_told_nowhere(service: Service) -> None:
    for path, body in ((QUERY, asking_for("API_TOKEN")), (RPC, call(asking_for("API_TOKEN")))):
        said = await service.post(path, body)
        assert said.status == 200
        assert '"provider_error"' in json.dumps(said.document)
        assert "secret-marker" not in json.dumps(said.document)


async def test_a_process_that_shows_no_values_shows_the_true_hash(service: Service) -> None:
    assert isinstance(service.rules.current.settings.path, Path)
    configuration = service._gate.configuration | {"disclosure": {"allowRawValues": False}}
    service._gate.configure(configuration)
    assert await service.rules.reload()
    result = (await service.post(QUERY, EXAMPLE)).document["result"]
    assert result == RESULT | {"value": None, "content_type": None}
