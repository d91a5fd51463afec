"""The simulated Decision Gate says what a real server says: ours, which is held against Decision Gate's own table."""

import json
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.server.query.asking import TOKEN, Service, call, question
from tests.simulators.decision_gate import ERRORS, DecisionGateSimulator
from webhook.server.query.faults import FAULT_KINDS

HEADERS = {"Content-Type": "application/json"}
ASKED = question(digest_of("seen"))
NOBODY = question(digest_of("seen"), provider_id="nobody")
METHOD = {"jsonrpc": "2.0", "id": 1, "method": "resources/list"}


def test_the_error_table_is_the_same() -> None:
    ours = {kind.code: (kind.name, kind.status, kind.retryable) for kind in FAULT_KINDS}
    assert {code: ours[code] for code in ERRORS} == ERRORS


async def posted(url: str, trust: ssl.SSLContext, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=json.dumps(body), headers=HEADERS | headers, ssl=trust) as response,
    ):
        return response.status, json.loads(await response.read())


def outline(document: Any) -> Any:
    """A response without its words: names, kinds of values, and what a client reads of an error."""
    if isinstance(document, dict):
        fixed = {
            name: document[name] for name in ("jsonrpc", "code", "kind", "retryable", "type") if name in document
        }
        return {name: outline(member) for name, member in document.items()} | fixed
    return [outline(entry) for entry in document] if isinstance(document, list) else type(document).__name__


CASES: list[tuple[str, str, Any, dict[str, str]]] = [
    *((f"an answer at {path}", path, call(ASKED), {}) for path in ("/rpc", "/provider/rpc")),
    ("nobody", "/rpc", call(NOBODY), {}),
    *((f"a method at {path}", path, METHOD, {}) for path in ("/rpc", "/provider/rpc")),
    *((f"no token at {path}", path, call(ASKED), {"Authorization": "none"}) for path in ("/rpc", "/provider/rpc")),
    ("a correlation id", "/rpc", call(ASKED), {"x-correlation-id": "a b"}),
]


@pytest.mark.parametrize(("path", "body", "headers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_the_answers_are_the_same(tmp_path: Path, path: str, body: Any, headers: dict[str, str]) -> None:
    (tmp_path / "gate").mkdir()
    gate = Gate(tmp_path / "gate", {}, events={"enabled": False})
    gate.publish(digest_of("seen"))
    headers = {"Authorization": f"Bearer {TOKEN}"} | headers
    with DecisionGateSimulator(tmp_path) as simulator:
        simulator.token = TOKEN
        simulator.providers = {"execution-evidence"}
        async with Service(gate) as service:
            trust = ssl.create_default_context(cadata=gate.ca_pem.decode())
            status, real = await posted(service.url + path, trust, body, headers)
            if "result" in real:
                document = real["result"]["content"][0]["json"]
                simulator.result = document.get("result", document)
        trust = ssl.create_default_context(cafile=simulator.ca_file)
        simulated = await posted(f"https://{simulator.host}{path}", trust, body, headers)
    assert (simulated[0], outline(simulated[1])) == (status, outline(real))
    if "result" in real:
        assert simulated[1] == real
