"""What a scan says of a workload, small enough to be kept by the thousand."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from webhook.admission.decision import Decision, ImageDecision, Ruling
from webhook.model.gate import Verdict
from webhook.model.printable import printable
from webhook.reasons import ReasonCode

_IMAGE_CHARACTERS = 400
_MESSAGE_CHARACTERS = 400


class Outcome(StrEnum):
    """A result as reports name it (openreports.io, wgpolicyk8s.io)."""

    FAIL = "fail"
    """Admission would deny it."""
    ERROR = "error"
    """Nobody knows: it could not be found out."""
    WARN = "warn"
    """Admission would admit it with a warning; it would be denied if everything blocked."""
    PASS = "pass"  # noqa: S105 - no password
    """Admission would admit it."""
    SKIP = "skip"
    """Exempt: no evidence is asked for."""

    @property
    def rank(self) -> int:
        """0 for what matters most."""
        return _RANKS[self]


_RANKS = {outcome: rank for rank, outcome in enumerate(Outcome)}
_CERTAIN = {Verdict.FAIL: Outcome.FAIL, Verdict.WARN: Outcome.WARN, Verdict.PASS: Outcome.PASS}


class Place(NamedTuple):
    """A namespace whose workloads are evaluated.

    Attributes:
        namespace: Its name.
        uid: Its uid.
        environment: The value of its environment label.
    """

    namespace: str
    uid: str
    environment: str


class Finding(NamedTuple):
    """What one gate or condition says of one image, or of a workload whose images cannot be read.

    Attributes:
        outcome: The result.
        gate: The id of the gate or condition.
        reason: The reason code.
        image: The image as it is written; empty if it speaks of the workload.
        message: Its sentence, and what was found, as disclosure allows it.
    """

    outcome: Outcome
    gate: str
    reason: ReasonCode
    image: str
    message: str


class Scanned(NamedTuple):
    """A workload, evaluated.

    Attributes:
        place: Where it is.
        api_version: Its API version.
        kind: Its kind.
        name: Its name.
        uid: Its uid.
        findings: At least one.
    """

    place: Place
    api_version: str
    kind: str
    name: str
    uid: str
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        """What would become of it today: of all findings the one that matters most."""
        return min((finding.outcome for finding in self.findings), key=_RANKS.__getitem__)

    @property
    def if_block(self) -> Outcome:
        """What would become of it if every action were Block: a warning would then be a denial."""
        outcomes = {Outcome.FAIL if entry.outcome is Outcome.WARN else entry.outcome for entry in self.findings}
        return min(outcomes, key=_RANKS.__getitem__)


def findings_of(decision: Decision) -> tuple[Finding, ...]:
    """Takes from a decision what a scan says.

    Args:
        decision: The decision about a CREATE.

    Returns:
        One finding for each ruling; never empty.
    """
    if decision.overall is not None:
        return (_finding(decision.overall, ""),)
    return tuple(_findings(decision.images))


def unreadable(message: str) -> Finding:
    """Makes the finding about a workload that admission could not even read.

    Args:
        message: Why, in one clause.

    Returns:
        The finding.
    """
    return Finding(Outcome.ERROR, "admission", ReasonCode.WORKLOAD_NOT_SUPPORTED, "", message)


def _findings(images: Iterable[ImageDecision]) -> Iterable[Finding]:
    for entry in images:
        image = printable(entry.image.text, _IMAGE_CHARACTERS)
        for ruling in entry.rulings:
            yield _finding(ruling, image)


def _finding(ruling: Ruling, image: str) -> Finding:
    result = ruling.result
    text = f"{result.message}: {ruling.found}" if ruling.found else result.message
    return Finding(_outcome(ruling), result.gate, result.reason, image, printable(text, _MESSAGE_CHARACTERS))


def _outcome(ruling: Ruling) -> Outcome:
    result = ruling.result
    if result.result is Verdict.PASS:
        return Outcome.SKIP if result.reason is ReasonCode.IMAGE_EXEMPT else Outcome.PASS
    if result.reason is ReasonCode.EVIDENCE_UNAVAILABLE:
        return Outcome.ERROR
    not_asked = ruling.evidence is None or ruling.evidence.error is not None
    if result.reason is ReasonCode.CONDITION_UNKNOWN and not_asked:
        # Its provider could not be asked.
        return Outcome.ERROR
    return _CERTAIN[result.result]
