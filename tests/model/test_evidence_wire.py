"""What is a request, and what is none: each rule of the contract is a line here."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.json_schema import accepts, anything, documents
from webhook.model.evidence import EvidenceContext, EvidenceQuery, PullIdentity, TriggerTime
from webhook.model.evidence_schema import INPUT_SCHEMA, RESULT_SCHEMA
from webhook.model.evidence_wire import WireError, check_result, parse_request, read_request, write_request

SEED = Path(__file__).parent / "seed"
EXAMPLE: dict[str, Any] = json.loads((SEED / "example_input.json").read_text("utf-8"))
PUBLISHED: dict[str, Any] = json.loads((SEED / "example_output.json").read_text("utf-8"))["result"]
TRUE_HASH = "80be2eb0944c0453a6ad339a56e1c8f39f8cc57a4e627758246ccfd274176fd8"
"""Of the JSON value "production"; the published example has a placeholder."""
RESULT = PUBLISHED | {"evidence_hash": {"algorithm": "sha256", "value": TRUE_HASH}}
ABSENT = object()


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one member set, or taken out."""
    copied = copy.deepcopy(document)
    *parents, last = path.split(".")
    owner = copied
    for name in parents:
        owner = owner[name]
    if value is ABSENT:
        del owner[last]
    else:
        owner[last] = value
    return copied


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_the_published_example_is_read_whole() -> None:
    query, context = parse_request(json.dumps(EXAMPLE).encode())
    assert query == EvidenceQuery("env", "get", {"key": "DEPLOY_ENV"})
    assert context == EvidenceContext(
        tenant_id=1,
        namespace_id=1,
        run_id="run-0001",
        scenario_id="example-scenario",
        stage_id="main",
        trigger_id="trigger-0001",
        trigger_time=TriggerTime("unix_millis", 1710000000000),
        correlation_id=None,
    )


TAKEN: list[tuple[str, Any]] = [
    ("context.tenant_id", 2**64 - 1),
    ("context.namespace_id", 2**64 - 1),
    ("context.correlation_id", "705ab4f5-6393-11e8-b7cc-42010a800002"),
    ("context.correlation_id", ABSENT),
    ("context.run_id", ""),
    ("context.trigger_time", {"kind": "logical", "value": 0}),
    ("context.trigger_time", {"kind": "logical", "value": 2**64 - 1}),
    ("context.trigger_time", {"kind": "unix_millis", "value": -(2**63)}),
    ("context.trigger_time", {"kind": "unix_millis", "value": 2**63 - 1}),
    ("query.params", ABSENT),
    ("query.params", None),
    ("query.params", [1.5, {"a": False}]),
    ("query.params", "text"),
]


@pytest.mark.parametrize(("path", "value"), TAKEN)
def test_a_request_within_the_contract_is_taken(path: str, value: Any) -> None:
    read_request(changed(EXAMPLE, path, value))


def test_params_that_are_absent_equal_null() -> None:
    assert read_request(changed(EXAMPLE, "query.params", ABSENT)) == read_request(
        changed(EXAMPLE, "query.params", None)
    )


IDS: list[Any] = [0, -1, 2**64, "1", 1.0, True, None, [], ABSENT]
REFUSED: list[tuple[str, Any]] = [
    *((f"context.{name}", value) for name in ("tenant_id", "namespace_id") for value in IDS),
    *(
        (f"context.{name}", value)
        for name in ("run_id", "scenario_id", "stage_id", "trigger_id")
        for value in (None, 1, [], ABSENT)
    ),
    ("context.correlation_id", 1),
    ("context.correlation_id", {}),
    ("context.trigger_time", ABSENT),
    ("context.trigger_time", None),
    ("context.trigger_time", 1710000000000),
    ("context.trigger_time", {"kind": "unix_millis"}),
    ("context.trigger_time", {"value": 1}),
    ("context.trigger_time", {"kind": "unix_seconds", "value": 1}),
    ("context.trigger_time", {"kind": "unix_millis", "value": 1, "zone": "UTC"}),
    ("context.trigger_time.value", 2**63),
    ("context.trigger_time.value", 1.0),
    ("context.trigger_time.value", True),
    ("context.trigger_time.value", "1710000000000"),
    ("context.trigger_time", {"kind": "logical", "value": -1}),
    ("context.pull", {"namespace": "shop", "service_account": "default", "pull_secrets": []}),
    ("context.pull", None),
    ("context.tenant", 1),
    ("query.provider_id", 1),
    ("query.provider_id", ABSENT),
    ("query.check_id", None),
    ("query.check_id", ABSENT),
    ("query.extra", 1),
    ("query", None),
    ("query", []),
    ("context", ABSENT),
    ("more", {}),
]


@pytest.mark.parametrize(("path", "value"), REFUSED)
def test_a_request_outside_the_contract_is_refused(path: str, value: Any) -> None:
    with pytest.raises(WireError):
        read_request(changed(EXAMPLE, path, value))


BYTES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("null", b"null"),
    ("a list", b"[]"),
    ("a duplicate name", json.dumps(EXAMPLE).replace('"run_id"', '"stage_id"', 1).encode()),
    ("the same name twice", json.dumps(EXAMPLE).encode()[:-1] + b', "query": {}}'),
    ("NaN", json.dumps(changed(EXAMPLE, "query.params", float("nan"))).encode()),
    ("Infinity", json.dumps(changed(EXAMPLE, "query.params", float("inf"))).encode()),
    ("1e400", json.dumps(changed(EXAMPLE, "query.params", 1)).replace('"params": 1', '"params": 1e400').encode()),
    ("a lone surrogate", json.dumps(changed(EXAMPLE, "query.params", "\ud800")).encode()),
    ("128 lists deep", json.dumps(changed(EXAMPLE, "query.params", deep(128))).encode()),
    ("a byte order mark", b"\xef\xbb\xbf" + json.dumps(EXAMPLE).encode()),
    ("two documents", json.dumps(EXAMPLE).encode() * 2),
    ("not UTF-8", b'{"query": "\xff"}'),
]


@pytest.mark.parametrize(("_name", "data"), BYTES, ids=[name for name, _ in BYTES])
def test_bytes_that_are_no_strict_json_are_refused(_name: str, data: bytes) -> None:
    with pytest.raises(WireError):
        parse_request(data)


MESSAGES: list[tuple[str, Any, str]] = [
    ("context.tenant_id", 0, "`context.tenant_id` has a wrong type or value"),
    ("context.run_id", ABSENT, "`context.run_id` is missing"),
    ("query.checkid", "x", "`query.checkid` is not known"),
    ("query.\x1b[31m", "x", "a member of the request is not known"),
    ("context.trigger_time.value", "x", "`context.trigger_time.value` has a wrong type or value"),
]


@pytest.mark.parametrize(("path", "value", "text"), MESSAGES)
def test_a_refusal_names_the_member_in_words_of_ours(path: str, value: Any, text: str) -> None:
    with pytest.raises(WireError) as caught:
        read_request(changed(EXAMPLE, path, value))
    assert str(caught.value) == text


def taken(document: Any) -> bool:
    try:
        read_request(document)
    except WireError:
        return False
    return True


@given(documents(INPUT_SCHEMA))
def test_what_the_schema_accepts_is_taken(document: Any) -> None:
    assert taken(document)


@given(documents(INPUT_SCHEMA), st.data())
def test_the_model_and_the_schema_agree_on_a_request_with_one_foreign_value(
    document: Any, data: st.DataObject
) -> None:
    path = data.draw(
        st.sampled_from(["query", "context", "context.trigger_time", "context.tenant_id", "query.check_id"])
    )
    spoilt = changed(document, path, data.draw(anything(3)))
    assert taken(spoilt) is accepts(INPUT_SCHEMA, spoilt)


@given(documents(RESULT_SCHEMA))
def test_what_the_output_schema_accepts_is_a_result_if_value_hash_and_error_agree(document: Any) -> None:
    absent = {"value": None, "evidence_hash": None, "content_type": None}
    check_result(document | {"error": None, "value": None})
    check_result(document | absent)


@pytest.mark.parametrize("path", ["value.value", "evidence_hash.value"])
def test_a_hash_that_is_not_the_value_s_is_refused(path: str) -> None:
    with pytest.raises(WireError):
        check_result(changed(RESULT, path, "staging"))


def test_a_value_without_its_hash_is_refused() -> None:
    with pytest.raises(WireError, match="`evidence_hash` is missing"):
        check_result(RESULT | {"evidence_hash": None})


def test_the_published_example_has_a_hash_that_is_not_its_value_s() -> None:
    with pytest.raises(WireError):
        check_result(PUBLISHED)


def test_a_redacted_result_has_a_hash_and_no_value() -> None:
    check_result(RESULT | {"value": None, "content_type": None})


NULL_HASH = "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"
BYTES_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def test_a_null_that_is_present_has_a_hash_of_its_own() -> None:
    present = changed(RESULT, "value.value", None)
    check_result(changed(present, "evidence_hash.value", NULL_HASH))
    with pytest.raises(WireError, match="`evidence_hash` is missing"):
        check_result(present | {"evidence_hash": None})


def octets(value: Any) -> dict[str, Any]:
    return changed(RESULT | {"value": {"kind": "bytes", "value": value}}, "evidence_hash.value", BYTES_HASH)


def test_bytes_are_hashed_as_they_are() -> None:
    check_result(octets([116, 101, 115, 116]))


@pytest.mark.parametrize("value", [None, "test", [256], [-1], [1.0], ["t"], [True], {"0": 116}])
def test_what_is_no_list_of_octets_is_no_bytes(value: Any) -> None:
    with pytest.raises(WireError, match="wrong type or value"):
        check_result(octets(value))


@pytest.mark.parametrize("kind", ["text", "JSON", None, 1])
def test_a_value_is_json_or_bytes(kind: Any) -> None:
    with pytest.raises(WireError):
        check_result(changed(RESULT, "value.kind", kind))


@pytest.mark.parametrize("lane", ["Verified", "trusted", None, 1])
def test_there_are_two_lanes(lane: Any) -> None:
    with pytest.raises(WireError):
        check_result(RESULT | {"lane": lane})


PROBLEM = {"code": "provider_error", "message": "…", "details": None}


@pytest.mark.parametrize("name", ["value", "evidence_hash", "content_type"])
def test_an_error_stands_without_a_value(name: str) -> None:
    alone = {"error": PROBLEM, "value": None, "evidence_hash": None, "content_type": None}
    check_result(RESULT | alone)
    with pytest.raises(WireError):
        check_result(RESULT | alone | {name: RESULT[name]})


@pytest.mark.parametrize("name", sorted(RESULT))
def test_a_result_that_lacks_one_of_its_eight_members_is_none(name: str) -> None:
    with pytest.raises(WireError):
        check_result(changed(RESULT, name, ABSENT))


def test_a_wrapped_result_is_no_bare_one() -> None:
    check_result(RESULT)
    with pytest.raises(WireError):
        check_result({"result": RESULT})


def test_an_error_without_details_is_no_result() -> None:
    with pytest.raises(WireError):
        check_result(changed(RESULT, "error", {"code": "provider_error", "message": "…"}))


@given(documents(INPUT_SCHEMA))
def test_a_request_that_is_written_is_the_one_that_was_read(document: Any) -> None:
    try:
        request = read_request(document)
    except WireError:
        return
    assert read_request(write_request(*request)) == request


def test_of_this_process_own_context_nothing_is_written() -> None:
    query, context = parse_request(json.dumps(EXAMPLE).encode())
    own = context._replace(pull=PullIdentity("shop", "default", ()), workload_namespace="shop")
    assert write_request(query, own) == EXAMPLE
