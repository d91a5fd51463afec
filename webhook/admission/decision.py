"""What a review comes to, and the record that lets anybody come to it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhook.admission.images import WorkloadImage
from webhook.admission.review import Review
from webhook.model.canonical import canonical_json, sha256_digest
from webhook.model.evidence import EvidenceResult, TriggerTime
from webhook.model.gate import GateResult, Verdict
from webhook.reasons import ReasonCode
from webhook.settings import Settings, policy_content

RECORD_VERSION = "stella.ops/v1alpha1"


@dataclass(frozen=True, slots=True)
class ImageDecision:
    """The verdict about one image.

    Attributes:
        image: The image and where it stands.
        result: The gate's result; its reason says most precisely why.
        found: One clause: what was found. Empty where nothing was looked for.
        evidence: The provider's answer that the verdict rests on; None where none was asked for.
    """

    image: WorkloadImage
    result: GateResult
    found: str
    evidence: EvidenceResult | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict about one review.

    Attributes:
        environment: The target environment.
        images: One decision for each image that was evaluated.
        overall: The result that holds for the review when no image was evaluated (nothing new, not readable).
        found: What `overall` rests on.
    """

    environment: str
    images: tuple[ImageDecision, ...]
    overall: GateResult | None = None
    found: str = ""

    @property
    def results(self) -> tuple[GateResult, ...]:
        """All results; never empty."""
        if self.overall is not None:
            return (self.overall,)
        return tuple(entry.result for entry in self.images)

    @property
    def verdict(self) -> Verdict:
        """The most severe result. Without any result the review fails: `max` of nothing is no pass."""
        return max((entry.result for entry in self.results), key=_severity, default=Verdict.FAIL)

    @property
    def reasons(self) -> tuple[ReasonCode, ...]:
        """Distinct reasons of the results that made the verdict, sorted."""
        verdict = self.verdict
        return tuple(sorted({entry.reason for entry in self.results if entry.result is verdict}))

    @property
    def unavailable(self) -> bool:
        """True if it fails only because evidence could not be looked up, so that trying again may help."""
        return self.verdict is Verdict.FAIL and self.reasons == (ReasonCode.EVIDENCE_UNAVAILABLE,)


def _severity(verdict: Verdict) -> int:
    return verdict.severity


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision with everything that it rests on, as canonical JSON.

    Attributes:
        content: The canonical bytes.
        digest: `sha256:` and 64 hexadecimal digits over them.
    """

    content: bytes
    digest: str


def record_decision(
    decision: Decision, review: Review, settings: Settings, trigger_time: TriggerTime
) -> DecisionRecord:
    """Writes the record of a decision.

    The policy in force, the clock, and each evidence result are in it, so a replay needs nothing else.

    Args:
        decision: The decision.
        review: The request it answers.
        settings: The snapshot it was made with.
        trigger_time: The clock it was made with.

    Returns:
        The record.
    """
    content = canonical_json(
        {
            "apiVersion": RECORD_VERSION,
            "kind": "DecisionRecord",
            "request": _request(review),
            "environment": decision.environment,
            "triggerTime": {"kind": trigger_time.kind, "value": trigger_time.value},
            "settings": settings.digest,
            "policy": policy_content(settings.policy.for_environment(decision.environment)),
            "images": [_image(entry) for entry in decision.images],
            "overall": None if decision.overall is None else _result(decision.overall),
            "verdict": decision.verdict,
            "reasons": decision.reasons,
        }
    )
    return DecisionRecord(content, sha256_digest(content))


def _request(review: Review) -> Mapping[str, Any]:
    workload = review.object
    return {
        "uid": review.uid,
        "operation": review.operation,
        "kind": review.kind.kind,
        "group": review.kind.group,
        "version": review.kind.version,
        "namespace": review.namespace,
        "name": review.name or (workload.metadata.generate_name if workload is not None else ""),
        "subResource": review.sub_resource,
        "user": review.user_info.username,
        "dryRun": bool(review.dry_run),
    }


def _image(entry: ImageDecision) -> Mapping[str, Any]:
    return {
        "image": entry.image.text,
        "fields": [use.field for use in entry.image.uses],
        "result": _result(entry.result),
        "evidence": None if entry.evidence is None else entry.evidence.to_json(),
    }


def _result(result: GateResult) -> Mapping[str, str]:
    return {
        "gate": result.gate,
        "result": result.result.value,
        "message": result.message,
        "reason": result.reason.value,
    }
