"""The checks beside `metadata`: one judgement, told fact by fact."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from tests.providers.asking import (
    STAGING,
    STRANGER,
    Shelf,
    configured,
    context,
    provider,
    signed,
)
from tests.support.statements import IMAGE, REPOSITORY
from webhook.model.evidence import EvidenceQuery, EvidenceResult, TriggerTime
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.settings.loading import Settings

FACTS = ("hot_symbol_count", "unique_call_paths", "observed_at")
ALL = ("has_evidence", *FACTS)
PARAMS = {"image_digest": IMAGE, "repository": REPOSITORY, "environment": "production"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return configured(tmp_path)


async def ask(asked: ExecutionEvidenceProvider, check: str, **params: Any) -> EvidenceResult:
    return await asked.query(EvidenceQuery("execution-evidence", check, PARAMS | params), context())


def value(result: EvidenceResult) -> Any:
    assert result.error is None
    assert result.value is not None
    assert result.value.kind == "json"
    return result.value.value


async def test_each_check_tells_one_fact_with_its_type(settings: Settings) -> None:
    asked = provider(settings, Shelf(signed(STAGING)))
    facts = [value(await ask(asked, check)) for check in ALL]
    assert facts == [True, 42, 17, "2026-11-24T06:00:00Z"]
    assert [type(fact) for fact in facts] == [bool, int, int, str]


async def test_evidence_that_does_not_suffice_counts_all_the_same(settings: Settings) -> None:
    asked = provider(settings, Shelf(signed(STAGING, hotSymbolCount=0, uniqueCallPaths=0)))
    facts = [value(await ask(asked, check)) for check in ALL[:3]]
    assert facts == [True, 0, 0]
    assert [type(fact) for fact in facts] == [bool, int, int]


@pytest.mark.parametrize("shelf", [Shelf(), Shelf(signed(STRANGER)), Shelf(signed(STAGING, environment="qa"))])
async def test_where_nothing_counts_that_is_a_fact_and_the_others_are_absent(
    shelf: Shelf, settings: Settings
) -> None:
    asked = provider(settings, shelf)
    assert value(await ask(asked, "has_evidence")) is False
    metadata = await ask(asked, "metadata")
    for check in FACTS:
        result = await ask(asked, check)
        assert (result.value, result.evidence_hash, result.content_type, result.error) == (None, None, None, None)
        assert (result.lane, result.evidence_ref) == (metadata.lane, metadata.evidence_ref)
        assert result.evidence_anchor == metadata.evidence_anchor


async def test_what_is_unavailable_is_an_error_and_never_absent(settings: Settings) -> None:
    shelf = Shelf()
    shelf.problem = "store shelf: it answers 429"
    asked = provider(settings, shelf)
    for check in ALL:
        result = await ask(asked, check)
        assert result.error is not None
        assert (result.error.code, result.value) == ("evidence_unavailable", None)
        assert result == await ask(asked, "metadata")


@pytest.mark.parametrize("check", ALL)
async def test_each_check_refuses_what_metadata_refuses(check: str, settings: Settings) -> None:
    asked = provider(settings, Shelf(signed(STAGING)))
    for result in (
        await ask(asked, check, image_digest="sha256:abc"),
        await asked.query(EvidenceQuery("execution-evidence", check), context()),
    ):
        assert result.error is not None
        assert result.error.code == "params_invalid"
    timeless = await asked.query(
        EvidenceQuery("execution-evidence", check, PARAMS), context(TriggerTime("logical", 7))
    )
    assert timeless.error is not None
    assert timeless.error.code == "context_invalid"


@pytest.mark.parametrize("check", ALL)
async def test_each_value_has_a_hash_of_its_own(check: str, settings: Settings) -> None:
    result = await ask(provider(settings, Shelf(signed(STAGING))), check)
    assert result.evidence_hash is not None
    assert result.evidence_hash.value == hashlib.sha256(rfc8785.dumps(value(result))).hexdigest()
    assert result.content_type == "application/json"


@pytest.mark.parametrize("count", [9007199254740993, 2**63 - 1])
async def test_a_count_beyond_a_float_is_told_and_hashed_exactly(count: int, settings: Settings) -> None:
    result = await ask(provider(settings, Shelf(signed(STAGING, hotSymbolCount=count))), "hot_symbol_count")
    assert value(result) == count
    assert result.evidence_hash is not None
    assert result.evidence_hash.value == hashlib.sha256(str(count).encode()).hexdigest()


@pytest.mark.parametrize("check", ALL)
async def test_all_but_the_value_is_what_metadata_has(check: str, settings: Settings) -> None:
    asked = provider(settings, Shelf(signed(STAGING, uri="shelf:a")))
    result, expected = (await ask(asked, check)).to_json(), (await ask(asked, "metadata")).to_json()
    for name in ("lane", "evidence_ref", "evidence_anchor", "signature", "error", "content_type"):
        assert result[name] == expected[name]
    assert (result["lane"], result["evidence_ref"]) == ("verified", {"uri": "shelf:a"})


async def test_all_checks_rest_on_one_judgement(settings: Settings) -> None:
    asked = provider(settings, Shelf(signed(STAGING)))
    for check in ("metadata", *ALL):
        await ask(asked, check)
    assert len(asked._answers._at_hand) == 1
