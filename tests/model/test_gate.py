"""What goes into a gate and what comes out."""

from dataclasses import FrozenInstanceError

import pytest

from webhook.limits import LIMITS
from webhook.model import gate
from webhook.model.gate import GateContext, GateResult, Verdict
from webhook.model.image import ImageReference
from webhook.model.pattern import RepositoryPattern
from webhook.reasons import ReasonCode


def test_verdicts_are_three_and_no_other() -> None:
    # kyverno #15705, ratify #116: nil or a time-out meant OK.
    assert [verdict.value for verdict in Verdict] == ["Pass", "Warn", "Fail"]
    for text in ["", "OK", "pass", "Unknown"]:
        with pytest.raises(ValueError, match="not a valid Verdict"):
            Verdict(text)


def test_verdicts_are_ordered_by_severity() -> None:
    assert sorted(Verdict, key=lambda verdict: verdict.severity) == [Verdict.PASS, Verdict.WARN, Verdict.FAIL]


def test_metadata_keys_are_the_specifications() -> None:
    assert gate.HAS_EVIDENCE == "has_execution_evidence"
    assert gate.HOT_SYMBOL_COUNT == "execution_evidence_hot_symbol_count"
    assert gate.UNIQUE_CALL_PATHS == "execution_evidence_unique_call_paths"


def test_reason_codes_are_the_documented_ones() -> None:
    assert {code.value for code in ReasonCode} == {
        "EvidenceSufficient",
        "EnvironmentNotRequired",
        "GateDisabled",
        "EvidenceMissing",
        "EvidenceInsufficient",
        "EvidenceUntrusted",
        "EvidenceMalformed",
        "EvidenceStale",
        "EvidenceFromOtherEnvironment",
        "EvidenceUnavailable",
        "BeaconRateSufficient",
        "BeaconDataMissing",
        "BeaconRateInsufficient",
        "ConditionMet",
        "ConditionNotMet",
        "ConditionUnknown",
        "ImageNotPinned",
        "ImageReferenceInvalid",
        "BreakGlass",
        "Rollback",
        "ImageExempt",
        "ImagesUnchanged",
        "WorkloadNotSupported",
    }


@pytest.mark.parametrize(
    ("record", "member"),
    [
        (GateContext("production", {}), "environment"),
        (GateResult("execution-evidence", Verdict.FAIL, "", ReasonCode.EVIDENCE_MISSING), "result"),
        (LIMITS, "count_maximum"),
        (ImageReference.parse("redis"), "digest"),
        (RepositoryPattern.parse("ghcr.io/*"), "text"),
    ],
)
def test_record_cannot_be_changed(record: object, member: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, member, "other")
