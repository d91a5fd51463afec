"""The result of an evidence query, as its schema writes it."""

import json

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
