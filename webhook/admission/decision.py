"""What a review comes to, and the record that lets anybody come to it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from webhook.admission.images import WorkloadImage
from webhook.admission.review import Review
from webhook.gates.registry import GATES
from webhook.model.canonical import canonical_text, sha256_digest
from webhook.model.evidence import EvidenceResult, TriggerTime
from webhook.model.gate import GateResult, Verdict
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings


@dataclass(frozen=True)
class Ruling:
    """What a gate or a condition makes of what is known about an image, wherever the image stands.

    Attributes:
        result: Its result; the reason says most precisely why.
        found: One clause: what was found, as it may be shown.
        evidence: The provider's answer that the verdict rests on, as it may be shown; None where none was asked for.
    """

    result: GateResult
    found: str
    evidence: EvidenceResult | None = None

    @cached_property
    def canonical(self) -> bytes:
        """The ruling as canonical JSON; encoded once, since a warm ruling serves many reviews."""
        result = self.result
        rest = (
            f'"found":{canonical_text(self.found)},"result":{{"gate":{canonical_text(result.gate)},'
            f'"message":{canonical_text(result.message)},"reason":"{result.reason.value}",'
            f'"result":"{result.result.value}"}}}}'
        )
        evidence = b"null" if self.evidence is None else self.evidence.canonical
        return b'{"evidence":%b,%b' % (evidence, rest.encode("utf-8"))


def worst(rulings: Sequence[Ruling]) -> Ruling:
    """Finds the ruling that decides.

    Args:
        rulings: At least one.

    Returns:
        The most severe; of equals the first.
    """
    return rulings[0] if len(rulings) == 1 else max(rulings, key=_severity_of)


class ImageDecision(NamedTuple):
    """What is ruled about one image of a workload.

    Attributes:
        image: The image and where it stands.
        rulings: What each gate and condition says; never empty.
        resolved: The digest that the image's tag pointed to and that was ruled on; None if it is named by digest, or
            was not looked up.
    """

    image: WorkloadImage
    rulings: tuple[Ruling, ...]
    resolved: str | None = None

    @property
    def ruling(self) -> Ruling:
        """The most severe ruling; of equals the first."""
        return worst(self.rulings)

    @property
    def result(self) -> GateResult:
        """The most severe result."""
        return self.ruling.result

    @property
    def found(self) -> str:
        """What was found there."""
        return self.ruling.found


@dataclass(frozen=True)
class Decision:
    """The verdict about one review.

    Attributes:
        environment: The target environment.
        images: One decision for each image that was evaluated.
        overall: What holds for the review when no image was evaluated (nothing new, not readable); else None.
    """

    environment: str
    images: tuple[ImageDecision, ...]
    overall: Ruling | None = None

    @cached_property
    def results(self) -> tuple[GateResult, ...]:
        """All results; never empty."""
        if self.overall is not None:
            return (self.overall.result,)
        return tuple([ruling.result for entry in self.images for ruling in entry.rulings])

    @cached_property
    def verdict(self) -> Verdict:
        """The most severe result. Without any result the review fails: `max` of nothing is no pass."""
        return max((entry.result for entry in self.results), key=_severity, default=Verdict.FAIL)

    @cached_property
    def reasons(self) -> tuple[ReasonCode, ...]:
        """Distinct reasons of the results that made the verdict, sorted."""
        verdict = self.verdict
        return tuple(sorted({entry.reason for entry in self.results if entry.result is verdict}))

    def speaking(self, verdict: Verdict) -> Iterator[tuple[ImageDecision, Ruling]]:
        """Finds the rulings with one verdict.

        Args:
            verdict: The verdict.

        Yields:
            Each image with each of its rulings that has it.
        """
        for entry in self.images:
            for ruling in entry.rulings:
                if ruling.result.result is verdict:
                    yield entry, ruling

    @property
    def by_tag(self) -> list[ImageDecision]:
        """Images that were named by a tag and ruled on by the digest that it pointed to."""
        return [entry for entry in self.images if entry.resolved is not None]

    @property
    def unavailable(self) -> bool:
        """True if it fails only because evidence could not be looked up, so that trying again may help."""
        return self.verdict is Verdict.FAIL and self.reasons == (ReasonCode.EVIDENCE_UNAVAILABLE,)


def _severity_of(ruling: Ruling) -> int:
    return ruling.result.result.severity


def _severity(verdict: Verdict) -> int:
    return verdict.severity


class DecisionRecord(NamedTuple):
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
    content = _RECORD % {
        b"decision": _summary(decision, settings, trigger_time),
        b"images": b",".join([_image(entry) for entry in decision.images]),
        b"overall": b"null" if decision.overall is None else decision.overall.canonical,
        b"policy": _policies(settings, decision.environment),
        b"request": _request(review),
    }
    return DecisionRecord(content, sha256_digest(content))


# Canonical JSON by hand, members in order: it is written for every review, and building a tree first, only to sort
# and encode it, costs three times as much. A test holds each record against what the rfc8785 package makes of it.
_RECORD = (
    b'{"apiVersion":"stella.ops/v1alpha1","decision":%(decision)b,"images":[%(images)b],"kind":"DecisionRecord",'
    b'"overall":%(overall)b,"policy":%(policy)b,"request":%(request)b}'
)


def _policies(settings: Settings, environment: str) -> bytes:
    """Writes each gate's policy as it holds for the environment, by gate id."""
    section = settings.file.policy_gates
    entries = [
        b'"%b":%b' % (gate_id.encode(), gate.policy(section).for_environment(environment).canonical)
        for gate_id, gate in sorted(GATES.items())
    ]
    return b"{%b}" % b",".join(entries)


def _request(review: Review) -> bytes:
    name = review.object_name
    return (
        f'{{"dryRun":{"true" if review.dry_run else "false"},"group":{canonical_text(review.kind.group)},'
        f'"kind":{canonical_text(review.kind.kind)},"name":{canonical_text(name)},"namespace":{canonical_text(review.namespace)},'
        f'"operation":"{review.operation}","subResource":{canonical_text(review.sub_resource)},"uid":{canonical_text(review.uid)},'
        f'"user":{canonical_text(review.user_info.username)},"version":{canonical_text(review.kind.version)}}}'
    ).encode()


def _summary(decision: Decision, settings: Settings, trigger_time: TriggerTime) -> bytes:
    reasons = ",".join([f'"{reason.value}"' for reason in decision.reasons])
    return (
        f'{{"environment":{canonical_text(decision.environment)},"reasons":[{reasons}],"settings":"{settings.digest}",'
        f'"triggerTime":{{"kind":"{trigger_time.kind}","value":{trigger_time.value}}},'
        f'"verdict":"{decision.verdict.value}"}}'
    ).encode()


def _image(entry: ImageDecision) -> bytes:
    fields = ",".join([canonical_text(use.field) for use in entry.image.uses])
    resolved = "null" if entry.resolved is None else f'"{entry.resolved}"'
    place = f'{{"fields":[{fields}],"image":{canonical_text(entry.image.text)},"resolved":{resolved}}}'
    rulings = b",".join([ruling.canonical for ruling in entry.rulings])
    return b'{"place":%b,"rulings":[%b]}' % (place.encode(), rulings)
