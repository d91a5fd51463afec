"""The JSON Schema of the predicate says what the model accepts and what the builder writes."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import counted
from tests.attest.test_builder import BUILDER
from tests.attest.test_documents import ROOT, block
from tests.model.test_predicate import COUNTS, PREDICATES, SHARES
from tests.support.json_schema import anything
from tests.support.statements import predicate, statement
from webhook.attest.profile import Stack
from webhook.errors import EvidenceError
from webhook.model.statement import Counting, ExecutionEvidence, HotSymbol, ProfileReference, Statement, Tracer

SCHEMA: dict[str, Any] = json.loads((ROOT / "docs/contracts/execution-evidence-v1.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
BEYOND = {
    # What a schema cannot say: an order of times, the calendar, parts that agree, and which characters print.
    "window reversed",
    "window reversed by zones",
    "end beyond the calendar",
    "begin beyond the calendar",
    "list shorter than count",
    "list longer than count",
    "list empty and count not",
    "an unfilled list and more",
    "a symbol twice",
    "environment with reversed text",
    "environment with a zero-width space",
}


def model_accepts(document: Any) -> bool:
    try:
        Statement.parse(statement(predicate=document)).read_predicate(ExecutionEvidence)
    except EvidenceError:
        return False
    return True


@pytest.mark.parametrize(("what", "changes", "expected"), PREDICATES, ids=[row[0] for row in PREDICATES])
def test_the_schema_judges_as_the_model(what: str, changes: dict[str, Any], expected: str) -> None:
    assert VALIDATOR.is_valid(predicate(**changes)) == (expected == "accepted" or what in BEYOND)


@pytest.mark.parametrize("member", ["hotSymbolCount", "uniqueCallPaths"])
@pytest.mark.parametrize(("value", "expected"), COUNTS, ids=[repr(value)[:24] for value, _ in COUNTS])
def test_counts_are_judged_as_by_the_model(member: str, value: Any, expected: str) -> None:
    # 1.0 is an integer to JSON Schema, and none to us.
    accepted = expected == "accepted" or (isinstance(value, float) and value == 1)
    assert VALIDATOR.is_valid(predicate(**{member: value})) == accepted


@pytest.mark.parametrize(("share", "expected"), SHARES, ids=[repr(share) for share, _ in SHARES])
def test_shares_are_judged_as_by_the_model(share: Any, expected: str) -> None:
    document = predicate(hotSymbolCount=1, hotSymbols=[{"symbol": "main", "share": share}])
    assert VALIDATOR.is_valid(document) == (expected == "accepted")


MEMBERS = [*SCHEMA["properties"], "counting.filters", "counting.measure", "profiles.0", "profile.uri", "tracer.name"]


@given(anything(), st.sampled_from(MEMBERS))
def test_what_the_model_accepts_the_schema_accepts(value: Any, member: str) -> None:
    document = predicate(
        counting={"hotSymbols": "a", "callPaths": "b"},
        profile={"digest": "sha256:" + "0" * 64, "mediaType": "x"},
        tracer={"name": "perf"},
        profiles=[{"digest": "sha256:" + "0" * 64, "mediaType": "x"}],
    )
    name, _, part = member.partition(".")
    if not part:
        document[name] = value
    elif part.isdigit():
        document[name][int(part)] = value
    else:
        document[name][part] = value
    if model_accepts(document):
        assert VALIDATOR.is_valid(document)


@given(
    st.dictionaries(
        st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4).map(tuple),
        st.integers(1, 10**9),
        min_size=1,
    )
)
def test_what_the_builder_writes_both_accept(samples: dict[Stack, int]) -> None:
    written = json.loads(json.dumps(BUILDER.predicate(counted(samples))))
    assert VALIDATOR.is_valid(written)
    assert model_accepts(written)


def test_the_schema_names_the_members_of_the_model() -> None:
    parts = SCHEMA["properties"]
    assert set(parts) == {field.alias for field in ExecutionEvidence.model_fields.values()}
    for name, model in (("counting", Counting), ("tracer", Tracer), ("profile", ProfileReference)):
        assert set(parts[name]["properties"]) == {field.alias for field in model.model_fields.values()}
    assert set(parts["hotSymbols"]["items"]["properties"]) == set(HotSymbol.model_fields)


def test_both_accept_the_examples() -> None:
    assert SCHEMA["examples"][1] == json.loads(block("json"))["predicate"]
    for example in SCHEMA["examples"]:
        assert VALIDATOR.is_valid(example)
        assert model_accepts(example)
