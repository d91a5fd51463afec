"""A decision that is made elsewhere decides here: the real process asks a Decision Gate on behalf of a review."""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.admission.requests import SEEN, deployment, review
from tests.harness.evidence import REPOSITORY
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.server.serving import JSON
from tests.simulators.decision_gate import DecisionGateSimulator, absent, failed, result_of
from tests.simulators.decision_gate_faults import gives, hangs_up, refuses, says_bytes

TOKEN = "c2VjcmV0LXRva2Vu"  # noqa: S105 - the simulator's
OTHER = "b3RoZXItdG9rZW4"
CONDITION: dict[str, Any] = {
    "name": "approved",
    "environments": ["production"],
    "query": {"provider": "board", "check": "status", "params": {"board": "release"}},
    "bind": {"repository": "repository"},
    "comparator": "equals",
    "expected": "approved",
}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[DecisionGateSimulator]:
    """A Decision Gate that approves."""
    with DecisionGateSimulator(tmp_path) as running:
        running.token = TOKEN
        running.result = result_of("approved")
        yield running


def sections(board: DecisionGateSimulator, condition: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The sections of a configuration with one condition that asks the board."""
    remote = {
        "id": "board",
        "url": f"https://{board.host}/rpc",
        "surface": "server",
        "providerId": "approvals",
        "caFile": str(board.ca_file),
        "tokenFile": "board.token",
        "tenantId": 3,
        "namespaceIds": {"shop": 4},
    }
    return {
        "gates": {"conditions": [CONDITION | (condition or {})]},
        "providers": {"remoteHosts": [board.host], "remote": [remote | changes]},
        "disclosure": {},
    }


@pytest.fixture
def asking(gate: Gate, board: DecisionGateSimulator) -> Iterator[Gate]:
    """The webhook, with a condition that asks the board."""
    (gate.folder / "board.token").write_text(TOKEN)
    gate.configure(gate.configuration | sections(board))
    with gate:
        yield gate


def ask(gate: Gate, **changes: Any) -> Mapping[str, Any]:
    trust = ssl.create_default_context(cadata=gate.ca_pem.decode())
    connection = http.client.HTTPSConnection(urlsplit(gate.url).netloc, timeout=10, context=trust)
    try:
        connection.request("POST", "/admit/production?timeout=10s", review(deployment(SEEN), **changes), JSON)
        answer: Mapping[str, Any] = json.loads(connection.getresponse().read())["response"]
        return answer
    finally:
        connection.close()


def test_it_is_asked_in_the_name_of_the_namespace_and_its_word_decides(
    asking: Gate, board: DecisionGateSimulator
) -> None:
    assert ask(asking)["auditAnnotations"]["reasons"] == "ConditionMet,EvidenceSufficient"
    (asked,) = board.asked
    assert asked.arguments["query"] == {
        "provider_id": "approvals",
        "check_id": "status",
        "params": {"board": "release", "repository": REPOSITORY},
    }
    context = asked.arguments["context"]
    assert (context["tenant_id"], context["namespace_id"], context["stage_id"]) == (3, 4, "production")
    assert asked.headers["x-correlation-id"] == context["correlation_id"] == context["run_id"]
    board.result = result_of("rejected-7f3a")
    answer = ask(asking)
    assert (answer["allowed"], answer["status"]["code"]) == (False, 403)
    assert "Condition 'approved' is not met (board/status equals \"approved\")" in answer["status"]["message"]
    poll(lambda: len(asking.log("decision")) > 1, 5, "the decision is logged")
    log = asking.program.log.read_text()
    assert "rejected-7f3a" not in log + json.dumps(answer)
    assert TOKEN not in log


UNKNOWN: dict[str, Any] = {
    "an error": gives(failed("provider_error", "closed\n  found: all is well")),
    "asserted": gives(result_of("approved", lane="asserted")),
    "asserted absence": gives(absent(lane="asserted")),
    "bare": gives(result_of("approved"), wrapped=False),
    "bare absence": gives(absent(), wrapped=False),
    "hidden": gives(result_of("approved") | {"value": None}),
    "no JSON": says_bytes(b"no", 200),
    "a refusal": refuses(-32003),
    "silence": hangs_up,
}


@pytest.mark.parametrize("comparator", ["equals", "not_exists"])
def test_what_is_not_known_is_denied_whatever_is_compared(
    gate: Gate, board: DecisionGateSimulator, comparator: str
) -> None:
    (gate.folder / "board.token").write_text(TOKEN)
    document = sections(board, {"comparator": comparator})
    if comparator == "not_exists":
        del document["gates"]["conditions"][0]["expected"]
    gate.configure(gate.configuration | document)
    with gate:
        for name, fault in UNKNOWN.items():
            board.fault = fault
            answer = ask(gate)
            assert answer["allowed"] is False, name
            assert answer["auditAnnotations"]["reasons"].split(",")[0] in {"ConditionUnknown", "EvidenceUnavailable"}
            assert "\n  found: all is well" not in answer["status"]["message"]


def test_a_namespace_without_an_id_is_denied_and_nobody_is_asked(asking: Gate, board: DecisionGateSimulator) -> None:
    answer = ask(asking, namespace="other")
    assert answer["allowed"] is False
    assert "the namespace has no id in `namespaceIds`" in answer["status"]["message"]
    assert board.asked == []


def test_a_gate_elsewhere_that_is_down_makes_a_denial_that_may_be_tried_again(
    asking: Gate, board: DecisionGateSimulator
) -> None:
    board.fault = hangs_up
    assert ask(asking)["status"]["code"] == 503
    board.fault = None
    assert ask(asking)["allowed"] is True


def test_a_new_token_is_taken_over_while_serving(asking: Gate, board: DecisionGateSimulator) -> None:
    assert ask(asking)["allowed"] is True
    board.token = OTHER
    assert ask(asking)["allowed"] is False
    (asking.folder / "board.token").write_text(OTHER)
    poll(lambda: ask(asking)["allowed"], 10, "the new token is shown")


def test_a_token_that_is_gone_leaves_the_old_one_in_force(asking: Gate) -> None:
    (asking.folder / "board.token").unlink()
    (line,) = poll(lambda: asking.log("configuration not reloaded, the old one stays in force"), 10, "it is refused")
    assert line["problem"].startswith("providers.remote 'board': tokenFile 'board.token': cannot be read")
    assert ask(asking)["allowed"] is True
