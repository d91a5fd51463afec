"""What a review comes to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from webhook.admission import break_glass
from webhook.admission.break_glass import BreakGlass
from webhook.admission.images import WorkloadImage
from webhook.model.canonical import canonical_text
from webhook.model.evidence import EvidenceResult
from webhook.model.gate import GateResult, Verdict
from webhook.reasons import ReasonCode


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
        """The ruling as canonical JSON; encoded once, since a warm ruling serves many reviews.

        The basis stands beside the evidence, which has the contract's eight members and no other.
        """
        result = self.result
        rest = (
            f'"found":{canonical_text(self.found)},"result":{{"gate":{canonical_text(result.gate)},'
            f'"message":{canonical_text(result.message)},"reason":"{result.reason.value}",'
            f'"result":"{result.result.value}"}}}}'
        )
        known = self.evidence
        evidence = b"null" if known is None else known.canonical
        basis = b"null" if known is None or known.basis is None else known.basis.canonical
        return b'{"basis":%b,"evidence":%b,%b' % (basis, evidence, rest.encode("utf-8"))


def worst(rulings: Sequence[Ruling]) -> Ruling:
    """Finds the ruling that decides.

    Args:
        rulings: At least one.

    Returns:
        The most severe; of equals the first.
    """
    return rulings[0] if len(rulings) == 1 else max(rulings, key=_severity_of)


class Revision(NamedTuple):
    """A ReplicaSet of a workload's history that had an image.

    Attributes:
        name: Its name.
        uid: Its uid.
        created: When the API server made it, Unix milliseconds.
    """

    name: str
    uid: str
    created: int


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a workload's history says of an image whose evidence has become stale.

    Attributes:
        revision: The ReplicaSet at whose creation the image would have been admitted; None if there is none.
        found: The same in one clause, or why there is none.
        overruled: The rulings in whose place others stand; empty if there is no such ReplicaSet.
    """

    revision: Revision | None
    found: str
    overruled: tuple[Ruling, ...] = ()

    @property
    def canonical(self) -> bytes:
        """The record's member `rollback`, as canonical JSON."""
        made = b"null"
        if self.revision is not None:
            name, uid, created = self.revision
            text = f'{{"created":{created},"name":{canonical_text(name)},"uid":{canonical_text(uid)}}}'
            made = text.encode("utf-8")
        overruled = b",".join([ruling.canonical for ruling in self.overruled])
        found = canonical_text(self.found).encode("utf-8")
        return b'{"found":%b,"overruled":[%b],"revision":%b}' % (found, overruled, made)


class ImageDecision(NamedTuple):
    """What is ruled about one image of a workload.

    Attributes:
        image: The image and where it stands.
        rulings: What each gate and condition says; never empty.
        resolved: The digest that the image's tag pointed to and that was ruled on; None if it is named by digest, or
            was not looked up.
        rollback: What the workload's history says; None if nobody had to ask.
    """

    image: WorkloadImage
    rulings: tuple[Ruling, ...]
    resolved: str | None = None
    rollback: Rollback | None = None

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
        break_glass: What came of a claim to be let past the gate; None if there was none, or none was needed.
    """

    environment: str
    images: tuple[ImageDecision, ...]
    overall: Ruling | None = None
    break_glass: BreakGlass | None = None

    @property
    def bypassed(self) -> bool:
        """Whether break-glass admits what the rulings do not."""
        return self.break_glass is not None and self.break_glass.honoured

    @cached_property
    def results(self) -> tuple[GateResult, ...]:
        """The results that count; never empty. Break-glass speaks alone, and changes no ruling."""
        if self.bypassed:
            return (break_glass.RESULT,)
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
    def is_warned_of(self) -> bool:
        """Whether the user gets warnings: where something is missing, or a pass has come by a tag."""
        return self.verdict is Verdict.WARN or (self.verdict is Verdict.PASS and bool(self.by_tag))

    @property
    def unavailable(self) -> bool:
        """True if it fails only because evidence could not be looked up, so that trying again may help."""
        return self.verdict is Verdict.FAIL and self.reasons == (ReasonCode.EVIDENCE_UNAVAILABLE,)


def _severity_of(ruling: Ruling) -> int:
    return ruling.result.result.severity


def _severity(verdict: Verdict) -> int:
    return verdict.severity
