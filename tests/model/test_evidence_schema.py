"""Our schemas are Decision Gate's published ones, word by word, but for the one that refuses its own errors."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.json_schema import accepts
from webhook.model.evidence import EvidenceProblem, EvidenceResult
from webhook.model.evidence_schema import INPUT_SCHEMA, OUTPUT_SCHEMA, RESULT_SCHEMA

SEED = Path(__file__).parent / "seed"


def published(name: str) -> Any:
    return json.loads((SEED / f"{name}.json").read_text("utf-8"))


def test_the_input_schema_is_the_published_one() -> None:
    assert published("input_schema") == INPUT_SCHEMA


def test_the_output_schema_differs_in_the_details_of_an_error_alone() -> None:
    mended = published("output_schema")
    error = mended["properties"]["result"]["properties"]["error"]["oneOf"][1]
    error["properties"]["details"]["anyOf"] = error["properties"]["details"].pop("oneOf")
    assert mended == OUTPUT_SCHEMA


def test_the_published_output_schema_refuses_an_error_and_ours_takes_it() -> None:
    document = EvidenceResult(error=EvidenceProblem("evidence_unavailable", "…")).to_json()
    assert not accepts(published("output_schema")["properties"]["result"], document)
    assert accepts(RESULT_SCHEMA, document)


@pytest.mark.parametrize(("schema", "example"), [(INPUT_SCHEMA, "example_input"), (OUTPUT_SCHEMA, "example_output")])
def test_the_published_example_meets_the_schema(schema: dict[str, Any], example: str) -> None:
    assert accepts(schema, published(example))
    for name in published(example):
        assert not accepts(schema, copy.deepcopy(published(example)) | {name: None})
