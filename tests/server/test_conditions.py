"""A condition in the real process: it holds, is reloaded, and tells nothing of what it was told."""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.admission.requests import SEEN, deployment, review
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.server.serving import JSON

FREEZE = "Frozen-7f3a"
CONDITION: dict[str, Any] = {
    "name": "no-freeze",
    "environments": ["production"],
    "query": {"provider": "env", "check": "get", "params": {"key": "CHANGE_FREEZE"}},
    "comparator": "not_exists",
}


def conditions(**changes: Any) -> dict[str, Any]:
    """The sections of a configuration with one condition on the process' environment."""
    return {
        "gates": {"conditions": [CONDITION | changes]},
        "providers": {"env": {"allowlist": ["CHANGE_FREEZE"]}},
        "disclosure": {},
    }


@pytest.fixture
def frozen(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The webhook in an environment in which a freeze is declared."""
    monkeypatch.setenv("CHANGE_FREEZE", FREEZE)
    gate.configure(gate.configuration | conditions())
    with gate:
        yield gate


def ask(gate: Gate) -> Mapping[str, Any]:
    trust = ssl.create_default_context(cadata=gate.ca_pem.decode())
    connection = http.client.HTTPSConnection(urlsplit(gate.url).netloc, timeout=10, context=trust)
    try:
        connection.request("POST", "/admit/production?timeout=10s", review(deployment(SEEN)), JSON)
        answer: Mapping[str, Any] = json.loads(connection.getresponse().read())["response"]
        return answer
    finally:
        connection.close()


def test_a_condition_decides_and_keeps_what_it_was_told(frozen: Gate) -> None:
    answer = ask(frozen)
    assert answer["allowed"] is False
    assert answer["status"]["code"] == 403
    assert answer["auditAnnotations"]["reasons"] == "ConditionNotMet"
    assert (
        "conditions/no-freeze: Condition 'no-freeze' is not met (env/get not_exists)" in answer["status"]["message"]
    )
    poll(lambda: frozen.log("decision"), 5, "the decision is logged")
    assert FREEZE not in json.dumps(answer)
    assert FREEZE not in frozen.program.log.read_text()


def test_another_condition_is_taken_over_while_serving(frozen: Gate) -> None:
    assert ask(frozen)["allowed"] is False
    frozen.configure(frozen.configuration | conditions(comparator="equals", expected=FREEZE))
    poll(lambda: frozen.log("configuration reloaded"), 10, "the configuration is reloaded")
    assert ask(frozen)["auditAnnotations"]["reasons"] == "ConditionMet,EvidenceSufficient"


def test_a_condition_on_a_provider_that_is_not_there_is_not_taken_over(frozen: Gate) -> None:
    frozen.configure(frozen.configuration | conditions() | {"providers": {}})
    (line,) = poll(lambda: frozen.log("configuration not reloaded, the old one stays in force"), 10, "it is refused")
    assert "gates.conditions[0].query.provider: there is no provider 'env'" in line["problem"]
    assert ask(frozen)["auditAnnotations"]["reasons"] == "ConditionNotMet"
