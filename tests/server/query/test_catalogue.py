"""`providers_list` and `provider_contract_get`: what Decision Gate's own server offers beside the query."""

import hashlib
import json
from typing import Any

import pytest

from tests.docs.provider_contracts import FOLDER
from tests.harness.evidence import digest_of
from tests.server.query.asking import PROVIDER, RPC, Service, question
from tests.support.json_schema import accepts
from webhook.model.contract import ProviderContract, dynamic_check
from webhook.model.contract_schema import GET_INPUT_SCHEMA, GET_OUTPUT_SCHEMA, LIST_INPUT_SCHEMA, LIST_OUTPUT_SCHEMA
from webhook.server.query.catalogue import consult

SEEN = digest_of("seen")


def called(tool: str, arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


async def told(service: Service, tool: str, arguments: Any) -> Any:
    status, document, _ = await service.post(RPC, called(tool, arguments))
    assert status == 200, document
    (content,) = document["result"]["content"]
    assert content["type"] == "json"
    return content["json"]


async def test_a_server_lists_the_tools_with_their_schemas(service: Service) -> None:
    document = (await service.post(RPC, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).document
    schemas = {tool["name"]: tool["input_schema"] for tool in document["result"]["tools"]}
    assert list(schemas) == ["evidence_query", "providers_list", "provider_contract_get"]
    assert schemas["providers_list"] == LIST_INPUT_SCHEMA
    assert schemas["provider_contract_get"] == GET_INPUT_SCHEMA


async def test_the_providers_are_listed_with_their_checks(service: Service) -> None:
    document = await told(service, "providers_list", {})
    assert accepts(LIST_OUTPUT_SCHEMA, document)
    listed = {entry["provider_id"]: entry["checks"] for entry in document["providers"]}
    expected = ["metadata", "has_evidence", "hot_symbol_count", "unique_call_paths", "observed_at"]
    assert listed["execution-evidence"] == expected
    assert set(listed) == set(service.rules.current.providers)


async def test_every_listed_check_is_answered(service: Service) -> None:
    for check in (await told(service, "providers_list", {}))["providers"][0]["checks"]:
        asked = called("evidence_query", question(SEEN, check_id=check))
        document = (await service.post(RPC, asked)).document
        assert document["result"]["content"][0]["json"]["result"]["error"] is None


async def test_a_contract_is_given_whole_and_with_its_hash(service: Service) -> None:
    document = await told(service, "provider_contract_get", {"provider_id": "execution-evidence"})
    assert accepts(GET_OUTPUT_SCHEMA, document)
    assert document["contract"] == json.loads((FOLDER / "execution-evidence.json").read_text("utf-8"))
    canonical = json.dumps(document["contract"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    assert document["contract_hash"] == {"algorithm": "sha256", "value": digest}
    assert (document["provider_id"], document["source"], document["version"]) == (
        "execution-evidence",
        "builtin",
        None,
    )


async def test_the_providers_in_force_are_listed(service: Service) -> None:
    gate = service._gate
    assert "env" not in json.dumps(await told(service, "providers_list", {}))
    gate.configure(gate.configuration | {"providers": {"env": {"allowlist": ["DEPLOY_ENV"]}}})
    assert await service.rules.reload()
    listed = (await told(service, "providers_list", {}))["providers"]
    assert {"provider_id": "env", "transport": "mcp", "checks": ["get"]} in listed
    contract = (await told(service, "provider_contract_get", {"provider_id": "env"}))["contract"]
    # Which variables may be asked for is nobody's business who may not ask for them.
    assert "allowlist" not in json.dumps(contract)


REFUSED: list[tuple[str, Any, str]] = [
    ("providers_list", None, "params_invalid: "),
    ("providers_list", [], "params_invalid: "),
    ("providers_list", {"provider_id": "env"}, "params_invalid: "),
    ("provider_contract_get", {}, "params_invalid: "),
    ("provider_contract_get", None, "params_invalid: "),
    ("provider_contract_get", {"provider_id": None}, "params_invalid: "),
    ("provider_contract_get", {"provider_id": ["env"]}, "params_invalid: "),
    ("provider_contract_get", {"provider_id": "execution-evidence", "version": 1}, "params_invalid: "),
    ("provider_contract_get", {"provider_id": "secret-marker"}, "provider_missing: "),
    ("provider_contract_get", {"provider_id": "Execution-Evidence"}, "provider_missing: "),
]


@pytest.mark.parametrize(("tool", "arguments", "text"), REFUSED)
async def test_other_arguments_are_a_fault(service: Service, tool: str, arguments: Any, text: str) -> None:
    status, document, _ = await service.post(RPC, called(tool, arguments))
    assert (status, document["error"]["code"]) == (400, -32602)
    assert document["error"]["message"].startswith(text)
    assert "secret-marker" not in json.dumps(document)


@pytest.mark.parametrize("name", ["providers", "", None, 1, [], {}])
async def test_another_tool_is_not_found(service: Service, name: Any) -> None:
    for path in (RPC, PROVIDER):
        document = (await service.post(path, called(name, {}))).document
        assert document["error"]["code"] == -32601


@pytest.mark.parametrize("tool", ["providers_list", "provider_contract_get"])
async def test_a_decision_gate_finds_nothing_but_the_query_at_a_provider(service: Service, tool: str) -> None:
    status, document, _ = await service.post(PROVIDER, called(tool, {}))
    assert (status, document["error"]["code"]) == (200, -32601)


def test_a_contract_that_follows_from_the_configuration_says_so() -> None:
    contract = ProviderContract("far", "Far", "Elsewhere.", (dynamic_check("status", "…"),), fixed=False)
    document = consult("provider_contract_get", {"provider_id": "far"}, {"far": contract})
    assert accepts(GET_OUTPUT_SCHEMA, document)
    assert document["source"] == "file"
