"""Each provider keeps its contract, and each contract Decision Gate's rules for contracts."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.docs.provider_contracts import fixed_contracts
from tests.providers.asking import STAGING, STRANGER, Shelf, configured, context, provider, signed
from tests.providers.test_answer import INVALID_PARAMS
from tests.support.json_schema import accepts, anything, documents
from tests.support.statements import IMAGE, REPOSITORY
from webhook.model.contract import ANY_COMPARATOR, CheckContract, ProviderContract
from webhook.model.evidence import EvidenceQuery
from webhook.model.timestamp import parse_rfc3339
from webhook.providers.env import EnvProvider
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.providers.execution_evidence_contract import CONTRACT
from webhook.providers.params import read_params
from webhook.providers.protocol import EvidenceProvider
from webhook.settings.providers import EnvSettings

CONTRACTS = fixed_contracts()
CHECKS = [(contract, check) for contract in CONTRACTS for check in contract.checks]
IDS = [f"{contract.provider_id}/{check.check_id}" for contract, check in CHECKS]

# Decision Gate's strict table of comparators by the type of the result (its guide for authors, section 7).
PRESENCE = {"exists", "not_exists"}
SCALAR = {"equals", "not_equals", "in_set"} | PRESENCE
ORDERED = SCALAR | {"greater_than", "greater_than_or_equal", "less_than", "less_than_or_equal"}
STRICT = {
    "boolean": SCALAR,
    "integer": ORDERED,
    "date-time": ORDERED,
    "string": SCALAR | {"contains"},
    "object": PRESENCE,
}


@pytest.mark.parametrize(("contract", "check"), CHECKS, ids=IDS)
def test_comparators_fit_the_result_and_stand_in_order(contract: ProviderContract, check: CheckContract) -> None:
    kind = check.result_schema.get("format", check.result_schema["type"])
    allowed = list(check.allowed_comparators)
    assert allowed
    assert set(allowed) <= STRICT[kind], contract.provider_id
    assert allowed == [name for name in ANY_COMPARATOR if name in allowed]


@pytest.mark.parametrize(("contract", "check"), CHECKS, ids=IDS)
def test_every_example_keeps_the_schemas(contract: ProviderContract, check: CheckContract) -> None:
    assert check.examples, contract.provider_id
    for example in check.examples:
        assert accepts(check.params_schema, example.params)
        assert accepts(check.result_schema, example.result)


@pytest.mark.parametrize(("contract", "check"), CHECKS, ids=IDS)
def test_params_are_closed_objects(contract: ProviderContract, check: CheckContract) -> None:
    assert check.params_required, contract.provider_id
    assert check.params_schema["type"] == "object"
    assert check.params_schema["additionalProperties"] is False


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.provider_id)
def test_a_check_stands_once(contract: ProviderContract) -> None:
    names = [check.check_id for check in contract.checks]
    assert len(names) == len(set(names))


def env() -> EnvProvider:
    section = EnvSettings.model_validate({"allowlist": ["DEPLOY_ENV", "UNSET"]})
    return EnvProvider(section, {b"DEPLOY_ENV": b"production"})


def statements(folder: Path, *shelves: Shelf) -> ExecutionEvidenceProvider:
    return provider(configured(folder), *shelves)


async def test_a_provider_answers_the_checks_of_its_contract_and_no_other(tmp_path: Path) -> None:
    asked: list[EvidenceProvider] = [env(), statements(tmp_path)]
    for one in asked:
        for check in (*(check.check_id for check in one.contract.checks), "", "more", "Metadata"):
            result = await one.query(EvidenceQuery(one.provider_id, check), context())
            known = check in {entry.check_id for entry in one.contract.checks}
            assert result.error is not None
            assert result.error.code == ("params_invalid" if known else "check_missing")


def keeps(result: Any, check: CheckContract) -> bool:
    """Whether an answer is one that the contract allows; an absent value is always one."""
    written = result.to_json()
    if written["value"] is None:
        return written["content_type"] is None
    value = written["value"]["value"]
    if check.result_schema.get("format") == "date-time":
        parse_rfc3339(value)
    return (
        accepts(check.result_schema, value)
        and written["content_type"] in check.content_types
        and written["evidence_anchor"]["anchor_type"] in check.anchor_types
    )


SHELVES = [
    Shelf(signed(STAGING)),
    Shelf(signed(STAGING, hotSymbolCount=0)),
    Shelf(signed(STAGING, hotSymbolCount=2**63 - 1, uniqueCallPaths=2**63 - 1)),
    Shelf(signed(STRANGER)),
    Shelf(signed(STAGING, environment="qa")),
    Shelf(signed(STAGING, observedUntil="2036-11-24T06:00:00Z")),
    Shelf(),
]


@pytest.mark.parametrize("check", CONTRACT.checks, ids=lambda check: check.check_id)
@pytest.mark.parametrize("shelf", SHELVES)
async def test_every_answer_about_evidence_keeps_the_contract(
    shelf: Shelf, check: CheckContract, tmp_path: Path
) -> None:
    params = {"image_digest": IMAGE, "repository": REPOSITORY, "environment": "production"}
    asked = statements(tmp_path, shelf)
    result = await asked.query(EvidenceQuery(asked.provider_id, check.check_id, params), context())
    assert result.error is None
    assert keeps(result, check)


async def test_every_answer_about_the_environment_keeps_the_contract() -> None:
    (check,) = EnvProvider.contract.checks
    for key in ("DEPLOY_ENV", "UNSET", "SECRET"):
        assert keeps(await env().query(EvidenceQuery("env", "get", {"key": key}), context()), check)


PARAMS_SCHEMA = CONTRACT.checks[0].params_schema


@settings(max_examples=50)
@given(documents(PARAMS_SCHEMA))
def test_what_the_schema_of_params_accepts_is_taken(params: Any) -> None:
    assert read_params(params) is not None


@given(documents(PARAMS_SCHEMA), st.sampled_from(["image_digest", "repository", "environment", "more"]), anything(3))
def test_schema_and_provider_agree_on_params_with_one_foreign_value(params: Any, name: str, value: Any) -> None:
    spoilt = params | {name: value}
    assert (read_params(spoilt) is not None) is accepts(PARAMS_SCHEMA, spoilt)


@pytest.mark.parametrize("params", INVALID_PARAMS, ids=lambda value: str(value)[:60])
def test_what_the_provider_refuses_the_schema_refuses(params: Any) -> None:
    assert not accepts(PARAMS_SCHEMA, params)
