"""The result of an evidence query, as its schema writes it."""

import json
from dataclasses import replace
from typing import Any

import pytest
import rfc8785

from webhook.model.evidence import (
    EvidenceAnchor,
    EvidenceHash,
    EvidenceProblem,
    EvidenceReference,
    EvidenceResult,
    EvidenceSignature,
    EvidenceValue,
    Lane,
)

MEMBERS = {
    "value",
    "lane",
    "error",
    "evidence_hash",
    "evidence_ref",
    "evidence_anchor",
    "signature",
    "content_type",
}


FULL = EvidenceResult(
    value=EvidenceValue("json", {"b": "\u20ac\n", "a": '"'}, b'{"a":"\\"","b":"\xe2\x82\xac\\n"}'),
    lane=Lane.VERIFIED,
    evidence_hash=EvidenceHash("00"),
    evidence_ref=EvidenceReference('directory:"\u20ac\u2028.json'),
    evidence_anchor=EvidenceAnchor("image_digest", "sha256:00"),
    content_type="application/json",
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lane": Lane.ASSERTED},
        {"value": None},
        {"value": EvidenceValue("json", {"a": "b"})},
        {"value": EvidenceValue("json", None)},
        {"value": EvidenceValue("json", [0.5, 1, "\u20ac"])},
        {"value": EvidenceValue("bytes", [0, 255])},
        {"error": EvidenceProblem("code", "text")},
        {"signature": EvidenceSignature("ed25519", "key", (1, 2))},
        {"evidence_hash": None},
        {"evidence_ref": None},
        {"evidence_anchor": None},
        {"content_type": None},
    ],
)
def test_the_canonical_form_is_what_another_implementation_makes_of_it(changes: dict[str, Any]) -> None:
    result = replace(FULL, **changes)
    assert result.canonical == rfc8785.dumps(result.to_json())


def test_result_always_has_its_eight_members() -> None:
    assert set(EvidenceResult().to_json()) == MEMBERS


def test_error_always_has_its_details() -> None:
    problem = EvidenceProblem("evidence_unavailable", "no store answers")
    assert EvidenceResult(error=problem).to_json()["error"] == {
        "code": "evidence_unavailable",
        "message": "no store answers",
        "details": None,
    }


def test_present_null_is_not_an_absent_value() -> None:
    assert EvidenceResult(value=EvidenceValue("json", None)).to_json()["value"] == {"kind": "json", "value": None}
    assert EvidenceResult().to_json()["value"] is None


def test_hash_and_lane_are_written_as_the_schema_has_them() -> None:
    result = EvidenceResult(lane=Lane.ASSERTED, evidence_hash=EvidenceHash("00"))
    assert result.to_json()["evidence_hash"] == {"value": "00", "algorithm": "sha256"}
    assert result.to_json()["lane"] == "asserted"


def test_nothing_is_verified_unless_somebody_says_so() -> None:
    assert EvidenceResult().to_json()["lane"] == "asserted"


def test_every_part_is_written_by_the_schemas_names() -> None:
    result = EvidenceResult(
        lane=Lane.VERIFIED,
        evidence_ref=EvidenceReference("directory:cart.json"),
        evidence_anchor=EvidenceAnchor("image_digest", "sha256:00"),
        signature=EvidenceSignature("ed25519", "key", (0, 255)),
        content_type="application/json",
    )
    assert json.loads(json.dumps(result.to_json())) == {
        "value": None,
        "lane": "verified",
        "error": None,
        "evidence_hash": None,
        "evidence_ref": {"uri": "directory:cart.json"},
        "evidence_anchor": {"anchor_type": "image_digest", "anchor_value": "sha256:00"},
        "signature": {"scheme": "ed25519", "key_id": "key", "signature": [0, 255]},
        "content_type": "application/json",
    }
