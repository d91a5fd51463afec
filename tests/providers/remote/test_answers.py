"""What a remote is asked, and what is made of its answers."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.providers.remote.asking import CONTEXT, QUERY, ask, configured, remote, said
from tests.simulators.decision_gate import DecisionGateSimulator, absent, failed, result_of
from tests.simulators.decision_gate_faults import gives
from webhook.errors import ConfigurationError
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceAnchor, EvidenceHash, EvidenceReference, EvidenceValue, Lane, TriggerTime
from webhook.providers.remote.provider import RemoteProvider

V1 = "80be2eb0944c0453a6ad339a56e1c8f39f8cc57a4e627758246ccfd274176fd8"
PATHS = pytest.mark.parametrize("path", ["/rpc", "/provider/rpc"])
TOKEN = "c2VjcmV0LXRva2Vu"  # noqa: S105 - the simulator's


@PATHS
async def test_an_answer_is_given_whole(gate: DecisionGateSimulator, path: str) -> None:
    gate.result |= {
        "evidence_ref": {"uri": "https://board.example.com/CHG-1"},
        "evidence_anchor": {"anchor_type": "change", "anchor_value": "CHG-1"},
    }
    result = await ask(gate, path)
    assert result.error is None
    assert result.value == EvidenceValue("json", "production")
    assert result.evidence_hash == EvidenceHash(V1)
    assert result.evidence_ref == EvidenceReference("https://board.example.com/CHG-1")
    assert result.evidence_anchor == EvidenceAnchor("change", "CHG-1")
    assert (result.lane, result.content_type, result.signature) == (Lane.VERIFIED, "text/plain", None)


@PATHS
async def test_it_is_asked_by_the_contract_and_by_its_name_there(gate: DecisionGateSimulator, path: str) -> None:
    await ask(gate, path)
    (asked,) = gate.asked
    assert asked.path == path
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["accept-encoding"] == "identity"
    assert not {"authorization", "x-correlation-id", "cookie"} & asked.headers.keys()
    assert (asked.document["jsonrpc"], asked.document["method"]) == ("2.0", "tools/call")
    assert asked.document["params"]["name"] == "evidence_query"
    assert asked.arguments == {
        "query": {"provider_id": "approvals", "check_id": "status", "params": {"change": "CHG-1"}},
        "context": {
            "tenant_id": 7,
            "namespace_id": 9,
            "run_id": "run-0001",
            "scenario_id": "example-scenario",
            "stage_id": "main",
            "trigger_id": "trigger-0001",
            "trigger_time": {"kind": "unix_millis", "value": 1710000000000},
            "correlation_id": None,
        },
    }


async def test_without_a_name_of_its_own_there_it_is_called_as_here(gate: DecisionGateSimulator) -> None:
    await ask(gate, "/provider/rpc", providerId=None)
    assert gate.asked[0].arguments["query"]["provider_id"] == "board"


@pytest.mark.parametrize(
    ("correlation_id", "sent"),
    [
        ("705ab4f5-6393-11e8-b7cc-42010a800002", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("two words", False),
        ("a\r\nAuthorization: Bearer x", False),
        ("", False),
        ("\u00e4", False),
    ],
)
async def test_a_correlation_id_is_a_header_only_if_it_can_be(
    gate: DecisionGateSimulator,
    correlation_id: str,
    sent: bool,  # noqa: FBT001 - a column of the table
) -> None:
    async with remote(gate) as provider:
        result = await provider.query(QUERY, CONTEXT._replace(correlation_id=correlation_id))
    assert result.error is None
    assert gate.asked[0].headers.get("x-correlation-id") == (correlation_id if sent else None)
    assert gate.asked[0].arguments["context"]["correlation_id"] == correlation_id


async def test_a_logical_time_is_passed_on(gate: DecisionGateSimulator) -> None:
    async with remote(gate) as provider:
        await provider.query(QUERY, CONTEXT._replace(trigger_time=TriggerTime("logical", 2**64 - 1)))
    assert gate.asked[0].arguments["context"]["trigger_time"] == {"kind": "logical", "value": 2**64 - 1}


async def test_the_token_is_shown_there_and_nowhere_else(gate: DecisionGateSimulator, tmp_path: Path) -> None:
    gate.token = TOKEN
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert said(await ask(gate)) == ("evidence_unavailable", "it answers with the error -32001: unauthenticated")
    assert (await ask(gate, tokenFile="token")).error is None
    assert [asked.headers.get("authorization") for asked in gate.asked] == [None, f"Bearer {TOKEN}"]
    settings = configured(tmp_path, gate.host, tokenFile="token")
    assert TOKEN not in repr(settings)
    assert TOKEN not in str(settings.remotes[0].content)


WORKLOAD: list[tuple[str | None, tuple[int, int] | None]] = [
    (None, (7, 9)),
    ("shop", (1, 2**64 - 1)),
    ("pay", (1, 5)),
    ("default", None),
    ("", None),
    ("Shop", None),
]


@pytest.mark.parametrize(("namespace", "ids"), WORKLOAD)
async def test_a_review_asks_in_the_name_of_its_namespace_or_not_at_all(
    gate: DecisionGateSimulator, namespace: str | None, ids: tuple[int, int] | None
) -> None:
    mapped: dict[str, Any] = {"tenantId": 1, "namespaceIds": {"shop": 2**64 - 1, "pay": 5}}
    async with remote(gate, **mapped) as provider:
        result = await provider.query(QUERY, CONTEXT._replace(workload_namespace=namespace))
    if ids is None:
        assert said(result) == ("namespace_not_mapped", "the namespace has no id in `namespaceIds`")
        assert gate.asked == []
        return
    context = gate.asked[0].arguments["context"]
    assert (context["tenant_id"], context["namespace_id"]) == ids
    assert "workload_namespace" not in context


async def test_without_any_ids_no_review_asks(gate: DecisionGateSimulator) -> None:
    async with remote(gate) as provider:
        result = await provider.query(QUERY, CONTEXT._replace(workload_namespace="shop"))
    assert said(result)[0] == "namespace_not_mapped"
    assert gate.asked == []


@PATHS
async def test_absent_and_null_and_hidden_stay_what_they_are(gate: DecisionGateSimulator, path: str) -> None:
    gate.faults = [gives(absent()), gives(result_of(None)), gives(result_of("x") | {"value": None})]
    nothing, null, hidden = [await ask(gate, path) for _ in range(3)]
    assert (nothing.value, nothing.evidence_hash, nothing.error) == (None, None, None)
    assert (null.value, null.error) == (EvidenceValue("json", None), None)
    assert hidden.value is None
    assert hidden.evidence_hash is not None


@pytest.mark.parametrize("min_lane", ["Verified", "Asserted"])
@pytest.mark.parametrize("result", [result_of("x", lane="asserted"), absent(lane="asserted")])
async def test_what_is_merely_asserted_is_an_error_and_never_absent(
    gate: DecisionGateSimulator, min_lane: str, result: dict[str, Any]
) -> None:
    gate.result = result | {"evidence_ref": {"uri": "oci://x"}}
    given = await ask(gate, minLane=min_lane)
    assert (given.lane, given.evidence_ref) == (Lane.ASSERTED, EvidenceReference("oci://x"))
    if min_lane == "Asserted":
        assert given.error is None
    else:
        assert said(given) == ("evidence_untrusted", "the answer is only asserted, where minLane is Verified")


ERRORS: list[tuple[str, str, tuple[str, str]]] = [
    ("provider_error", "the board is closed", ("provider_error", "it says: the board is closed")),
    ("evidence_unavailable", "", ("evidence_unavailable", "it says: ")),
    ("a code", "x", ("provider_error", "it says: x")),
    ("x" * 65, "x", ("provider_error", "it says: x")),
    ("c\n", "two\nlines\x1b[31m\u202e\u2028", ("provider_error", "it says: two?lines?[31m??")),
    ("c", "x" * 300, ("c", f"it says: {'x' * 255}…")),
]


@pytest.mark.parametrize(("code", "message", "expected"), ERRORS)
async def test_an_error_of_the_other_side_is_passed_on_in_printable_words(
    gate: DecisionGateSimulator, code: str, message: str, expected: tuple[str, str]
) -> None:
    gate.result = failed(code, message, lane="asserted", evidence_anchor={"anchor_type": "a", "anchor_value": "b"})
    gate.result["error"]["details"] = {"secret": "x"}
    result = await ask(gate)
    assert said(result) == expected
    assert (result.lane, result.evidence_anchor) == (Lane.ASSERTED, EvidenceAnchor("a", "b"))


async def test_the_contract_promises_nothing_and_names_what_conditions_ask(tmp_path: Path) -> None:
    (made,) = configured(tmp_path, "gate.example.com").remotes
    contract = RemoteProvider(made, ["closed", "status"]).contract
    assert (contract.provider_id, contract.fixed) == ("board", False)
    assert [check.check_id for check in contract.checks] == ["closed", "status"]


UNUSABLE = [
    ("caFile", None),
    ("caFile", b""),
    ("caFile", b"rubbish"),
    ("caFile", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ("tokenFile", None),
    ("tokenFile", b""),
    ("tokenFile", b"two words"),
    ("tokenFile", b"one\ntwo"),
    ("tokenFile", b"\xff"),
    ("tokenFile", b"x" * 4097),
]


def test_certificates_have_a_limit(tmp_path: Path) -> None:
    pem = trustme.CA().cert_pem.bytes()
    for padding, usable in ((LIMITS.registry_file_bytes - len(pem), True), (LIMITS.registry_file_bytes, False)):
        (tmp_path / "ca").write_bytes(pem + b"\n" * padding)
        (made,) = configured(tmp_path, "gate.example.com", caFile="ca").remotes
        with nullcontext() if usable else pytest.raises(ConfigurationError):
            RemoteProvider(made, [])


@pytest.mark.parametrize(("key", "content"), UNUSABLE)
def test_a_file_that_cannot_be_used_is_a_mistake_in_the_configuration(
    tmp_path: Path, key: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    (made,) = configured(tmp_path, "gate.example.com", **{key: "file"}).remotes
    with pytest.raises(
        ConfigurationError, match=rf"^providers\.remote 'board': {key} 'file': cannot be read"
    ) as caught:
        RemoteProvider(made, [])
    assert "words" not in str(caught.value)
