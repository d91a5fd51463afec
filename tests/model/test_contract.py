"""Contracts as Decision Gate writes them."""

import hashlib
from typing import Any

import pytest
import rfc8785
from hypothesis import given

from tests.support.json_schema import accepts, anything
from webhook.gates.comparators import Comparator
from webhook.model.contract import (
    ANY_COMPARATOR,
    CheckContract,
    CheckExample,
    Determinism,
    ProviderContract,
    dynamic_check,
)
from webhook.model.contract_schema import CONTRACT_SCHEMA

OBJECT = {"additionalProperties": False, "properties": {"key": {"type": "string"}}, "type": "object"}
CHECK = CheckContract(
    "get",
    "A value.",
    OBJECT,
    {"type": "string"},
    (Comparator.EQUALS, Comparator.EXISTS),
    ("env",),
    ("text/plain",),
    (CheckExample("Read A.", {"key": "A"}, "b"),),
)
CONTRACT = ProviderContract(
    "env", "Environment", "Variables.", (CHECK, dynamic_check("more", "Anything.")), ("A note.",)
)
# The members that Decision Gate's guide for authors of contracts requires, in its branch with `check_id`.
MEMBERS = {"provider_id", "name", "description", "transport", "notes", "config_schema", "checks"}
CHECK_MEMBERS = {
    "check_id",
    "description",
    "determinism",
    "params_required",
    "params_schema",
    "result_schema",
    "allowed_comparators",
    "anchor_types",
    "content_types",
    "examples",
}


def test_a_contract_is_written_with_every_member() -> None:
    written = CONTRACT.to_json()
    assert set(written) == MEMBERS
    assert all(set(check) == CHECK_MEMBERS for check in written["checks"])
    assert written["checks"][0]["examples"] == [{"description": "Read A.", "params": {"key": "A"}, "result": "b"}]
    assert accepts(CONTRACT_SCHEMA, written)


def test_a_decision_gate_takes_contracts_of_others_only_with_this_transport() -> None:
    assert CONTRACT.to_json()["transport"] == "mcp"


def test_comparators_are_written_by_their_names() -> None:
    written = CONTRACT.to_json()["checks"][0]["allowed_comparators"]
    assert written == ["equals", "exists"]
    assert {type(name) for name in written} == {str}


def test_its_hash_is_that_of_its_canonical_json() -> None:
    assert CONTRACT.hash.value == hashlib.sha256(rfc8785.dumps(CONTRACT.to_json())).hexdigest()


def test_the_comparators_are_those_of_conditions_in_decision_gates_order() -> None:
    assert list(ANY_COMPARATOR) == [comparator.value for comparator in Comparator]


def test_the_classes_of_determinism_are_decision_gates() -> None:
    assert {kind.value for kind in Determinism} == {"deterministic", "time_dependent", "external"}


@given(anything())
def test_a_check_of_which_nothing_is_known_takes_and_gives_anything(value: Any) -> None:
    check = dynamic_check("status", "…")
    assert accepts(check.params_schema, value)
    assert accepts(check.result_schema, value)
    assert (check.params_required, check.allowed_comparators) == (False, ANY_COMPARATOR)
    assert check.to_json()["result_schema"]["x-decision-gate"] == {"dynamic_type": True}


@pytest.mark.parametrize("name", sorted(CHECK_MEMBERS))
def test_the_schema_requires_every_member_of_a_check(name: str) -> None:
    written = CONTRACT.to_json()
    del written["checks"][0][name]
    assert not accepts(CONTRACT_SCHEMA, written)
