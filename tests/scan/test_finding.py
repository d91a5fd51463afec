"""What becomes of a ruling, and which of a workload's findings speaks."""

from dataclasses import replace

import pytest

from webhook.admission.decision import Decision, ImageDecision, Ruling
from webhook.admission.images import WorkloadImage
from webhook.model.evidence import EvidenceProblem, EvidenceResult
from webhook.model.gate import GateResult, Verdict
from webhook.reasons import ReasonCode
from webhook.scan.finding import Finding, Outcome, Place, Scanned, findings_of

PLACE = Place("shop", "uid", "production")
ASKED = EvidenceResult(error=EvidenceProblem("evidence_unavailable", "nobody answers"))


def ruling(verdict: Verdict, reason: ReasonCode, evidence: EvidenceResult | None = None) -> Ruling:
    return Ruling(GateResult("gate", verdict, "Said", reason), "found", evidence)


def decided(*rulings: Ruling) -> tuple[Finding, ...]:
    image = WorkloadImage("registry.example.com/cart:1", None, "", ())
    return findings_of(Decision("production", (ImageDecision(image, rulings),)))


# What could not be found out is an error whatever the action makes of it; all else is what admission makes of it.
RULINGS = [
    (Verdict.PASS, ReasonCode.EVIDENCE_SUFFICIENT, None, Outcome.PASS),
    (Verdict.PASS, ReasonCode.IMAGE_EXEMPT, None, Outcome.SKIP),
    (Verdict.WARN, ReasonCode.EVIDENCE_MISSING, None, Outcome.WARN),
    (Verdict.FAIL, ReasonCode.EVIDENCE_MISSING, None, Outcome.FAIL),
    (Verdict.FAIL, ReasonCode.IMAGE_NOT_PINNED, None, Outcome.FAIL),
    (Verdict.WARN, ReasonCode.EVIDENCE_UNAVAILABLE, None, Outcome.ERROR),
    (Verdict.FAIL, ReasonCode.EVIDENCE_UNAVAILABLE, None, Outcome.ERROR),
    (Verdict.FAIL, ReasonCode.CONDITION_NOT_MET, None, Outcome.FAIL),
    (Verdict.FAIL, ReasonCode.CONDITION_UNKNOWN, ASKED, Outcome.ERROR),
    (Verdict.WARN, ReasonCode.CONDITION_UNKNOWN, None, Outcome.ERROR),
    (Verdict.FAIL, ReasonCode.CONDITION_UNKNOWN, EvidenceResult(), Outcome.FAIL),
]


@pytest.mark.parametrize(("verdict", "reason", "evidence", "outcome"), RULINGS)
def test_a_ruling_becomes_a_result(
    verdict: Verdict, reason: ReasonCode, evidence: EvidenceResult | None, outcome: Outcome
) -> None:
    [finding] = decided(ruling(verdict, reason, evidence))
    assert finding == Finding(outcome, "gate", reason, "registry.example.com/cart:1", "Said: found")


def test_a_workload_whose_images_cannot_be_read_has_a_finding_too() -> None:
    overall = ruling(Verdict.FAIL, ReasonCode.WORKLOAD_NOT_SUPPORTED)
    [finding] = findings_of(Decision("production", (), overall))
    assert (finding.outcome, finding.image) == (Outcome.FAIL, "")


def scanned(*outcomes: Outcome) -> Scanned:
    findings = [Finding(outcome, "gate", ReasonCode.EVIDENCE_MISSING, "", "") for outcome in outcomes]
    return Scanned(PLACE, "v1", "Pod", "cart", "uid", tuple(findings))


FAIL, ERROR, WARN, PASS, SKIP = Outcome


@pytest.mark.parametrize(
    ("outcomes", "today", "if_block"),
    [
        ((PASS,), PASS, PASS),
        ((SKIP, PASS), PASS, PASS),
        ((SKIP,), SKIP, SKIP),
        ((PASS, WARN), WARN, FAIL),
        ((WARN, ERROR), ERROR, FAIL),
        ((PASS, ERROR), ERROR, ERROR),
        ((ERROR, FAIL), FAIL, FAIL),
    ],
)
def test_the_finding_that_matters_most_speaks(
    outcomes: tuple[Outcome, ...], today: Outcome, if_block: Outcome
) -> None:
    found = scanned(*outcomes)
    assert (found.outcome, found.if_block) == (today, if_block)


def test_what_others_wrote_cannot_steer_a_terminal() -> None:
    image = WorkloadImage("cart\x1b[2J\n", None, "", ())
    bad = replace(ruling(Verdict.FAIL, ReasonCode.IMAGE_REFERENCE_INVALID), found="red\x1b[31m")
    [finding] = findings_of(Decision("production", (ImageDecision(image, (bad,)),)))
    assert (finding.image + finding.message).isprintable()
