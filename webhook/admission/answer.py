"""What the user reads: the answer to an AdmissionReview in words, and in the fields that programs read.

Source: admission.k8s.io/v1 AdmissionResponse; the API server's limits for warnings (120 characters each, 4,096
together).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from webhook.admission import break_glass
from webhook.admission.break_glass import BreakGlass
from webhook.admission.decision import Decision, ImageDecision
from webhook.limits import LIMITS
from webhook.model.gate import GateResult, Verdict
from webhook.model.printable import printable
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings
from webhook.stores.registry.guidance import NOT_ALLOWED

_IMAGE_CHARACTERS = 400
_CONTAINERS = 8
_CAUSES = LIMITS.containers
"""One for each place of an image; where several gates and conditions refuse each of hundreds, not for every pair."""
_FOUND_CHARACTERS = 800
_NAME_CHARACTERS = 63
_TAGGED_CHARACTERS = 50
_SHORT_DIGEST = len("sha256:") + 12
_ANNOTATION_CHARACTERS = 4096

_ATTEST = "run it in {environments} with profiling on, then `evidence-gate attest`"
_NEXT: Mapping[ReasonCode, str] = {
    ReasonCode.EVIDENCE_INSUFFICIENT: "exercise it longer in {environments} with profiling on, then attest again",
    ReasonCode.EVIDENCE_UNTRUSTED: "attest with a key that is trusted for {environments} and this repository",
    ReasonCode.EVIDENCE_MALFORMED: "see why with `evidence-gate verify`, then attest again",
    ReasonCode.EVIDENCE_STALE: "run it again in {environments} with profiling on, then `evidence-gate attest`",
    ReasonCode.EVIDENCE_UNAVAILABLE: "try again; if it stays, ask the platform team to look at the gate's stores",
    ReasonCode.BEACON_DATA_MISSING: "let its beacons be counted in {environments}, then attach the signed statement",
    ReasonCode.BEACON_RATE_INSUFFICIENT: "find out in {environments} why beacons are lost, then count again",
    ReasonCode.CONDITION_NOT_MET: "do what the condition asks for, then try again",
    ReasonCode.CONDITION_UNKNOWN: "ask the platform team to look at the condition and its provider",
    ReasonCode.BREAK_GLASS: "attest the image, and remove the annotations",
    ReasonCode.ROLLBACK: "run it again in {environments} with profiling on, then `evidence-gate attest`",
    ReasonCode.IMAGE_NOT_PINNED: "name the image by digest: `image: REPOSITORY@sha256:…`",
    ReasonCode.IMAGE_REFERENCE_INVALID: "correct the image reference",
    ReasonCode.WORKLOAD_NOT_SUPPORTED: "add the kind to the gate's `workloads`, or deploy a kind that it can read",
}
_ALLOW = "add the repository to `stores.registry.allow`, so that its evidence is looked for"


@dataclass(frozen=True, slots=True)
class Advice:
    """What the `next:` line can mention.

    Attributes:
        environments: The environments whose evidence counts, for people.
        help_url: The site's own page, or None.
    """

    environments: str
    help_url: str | None

    @classmethod
    def of(cls, settings: Settings, environment: str) -> "Advice":
        """Takes the advice from the settings.

        Args:
            settings: The snapshot in force.
            environment: The target environment.

        Returns:
            The advice.
        """
        policy = settings.policy.for_environment(environment)
        return cls(" or ".join(policy.evidence_environments) or "an accepted environment", settings.file.help_url)

    def step(self, reason: ReasonCode, found: str) -> str:
        """Says what to do next.

        Args:
            reason: Why the image did not pass.
            found: The same in one clause; empty if nobody has said it.

        Returns:
            One clause, without the help URL.
        """
        if found.endswith(NOT_ALLOWED):
            return _ALLOW
        return _NEXT.get(reason, _ATTEST).format(environments=self.environments)


def build_response(uid: str, decision: Decision, record_digest: str, settings: Settings) -> dict[str, Any]:
    """Builds the AdmissionReview that answers a request.

    Args:
        uid: The request's uid.
        decision: The decision.
        record_digest: The digest of its record.
        settings: The snapshot it was made with.

    Returns:
        The AdmissionReview as a JSON object.
    """
    verdict = decision.verdict
    response: dict[str, Any] = {
        "uid": uid,
        "allowed": verdict is not Verdict.FAIL,
        "auditAnnotations": _audit_annotations(decision, record_digest),
    }
    if verdict is Verdict.FAIL:
        response["status"] = _status(decision, Advice.of(settings, decision.environment))
    elif decision.is_warned_of:
        response["warnings"] = warning_texts(decision, Advice.of(settings, decision.environment))
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}


def denial_text(decision: Decision, advice: Advice) -> str:
    """Writes why a review was denied, one fact a line.

    Args:
        decision: A failing decision.
        advice: What the user may be told.

    Returns:
        Lines, at most `LIMITS.message_characters`; digests are whole.
    """
    lines: list[str] = []
    if decision.break_glass is not None:
        # First, so that it is not cut off: it is what the user counts on.
        lines.append(f"{break_glass.GATE_ID}: not honoured, since {decision.break_glass.problem}")
    if decision.overall is not None:
        lines += _lines(decision.overall.result, decision.overall.found, advice)
    for entry, ruling in decision.speaking(Verdict.FAIL):
        if sum(map(len, lines)) > LIMITS.message_characters:
            # What follows is cut off: thousands of rulings must not be put into words for that.
            break
        image = f"{_image(entry)} ({_containers(entry)})"
        if entry.resolved is not None:
            image += f"\n  tag:   points to {entry.resolved} now, and may move"
        lines += _lines(ruling.result, ruling.found, advice, image)
        if entry.rollback is not None:
            lines.append(f"  rollback: {printable(entry.rollback.found, _FOUND_CHARACTERS)}")
    text = "\n".join(lines)
    if len(text) > LIMITS.message_characters:
        text = text[: LIMITS.message_characters - 40].rsplit("\n", 1)[0] + "\n  … and more; see the audit log"
    return text


def _status(decision: Decision, advice: Advice) -> dict[str, Any]:
    code, reason = (503, "ServiceUnavailable") if decision.unavailable else (403, "Forbidden")
    every = (
        {"reason": ruling.result.reason.value, "message": ruling.result.message, "field": use.field}
        for entry, ruling in decision.speaking(Verdict.FAIL)
        for use in entry.image.uses
    )
    return {
        "status": "Failure",
        "code": code,
        "reason": reason,
        # The API server writes "denied the request: " before it; the first fact begins a line of its own.
        "message": "\n" + denial_text(decision, advice),
        "details": {"causes": list(islice(every, _CAUSES))},
    }


def _lines(result: GateResult, found: str, advice: Advice, image: str = "") -> list[str]:
    return [
        f"{result.gate}: {result.message}",
        *([f"  image: {image}"] if image else []),
        f"  found: {printable(found, _FOUND_CHARACTERS)} ({result.reason.value})",
        f"  next:  {advice.step(result.reason, found)}" + (f"; see {advice.help_url}" if advice.help_url else ""),
    ]


def warning_texts(decision: Decision, advice: Advice) -> list[str]:
    """Writes the warnings of a decision that is warned of: what is missing, and which tags may move.

    Args:
        decision: The decision.
        advice: What the user may be told.

    Returns:
        Texts of at most `LIMITS.warning_characters`, `LIMITS.warnings_characters` together, none twice.
    """
    texts: dict[str, None] = {}
    if decision.bypassed and decision.break_glass is not None:
        texts |= dict.fromkeys(_bypass_texts(decision, decision.break_glass))
    elif decision.overall is not None:
        texts |= dict.fromkeys(_lines(decision.overall.result, decision.overall.found, advice))
    for entry, ruling in decision.speaking(Verdict.WARN):
        result = ruling.result
        texts[f"{result.gate}: {result.message}"] = None
        texts[f"image {_short_image(entry)}: {result.reason.value}: {ruling.found}"] = None
        if entry.rollback is not None:
            texts[f"rollback: {entry.rollback.found}"] = None
        texts[f"next: {advice.step(result.reason, ruling.found)}"] = None
    for entry in decision.by_tag:
        name = printable(entry.image.text, _TAGGED_CHARACTERS)
        digest = (entry.resolved or "")[:_SHORT_DIGEST]
        texts[f"image {name}: its tag points to {digest}… now, and may move"] = None
    if advice.help_url and decision.verdict is Verdict.WARN:
        # A warning of its own: cut off, a link is of no use.
        texts[f"see {advice.help_url}"] = None
    return list(_fitting(texts))


def _bypass_texts(decision: Decision, glass: BreakGlass) -> Iterator[str]:
    """Says that the glass is broken, and what it lets pass."""
    yield f"{break_glass.GATE_ID}: {break_glass.RESULT.message} {glass.found}"
    if decision.overall is not None:
        yield f"overruled: {decision.overall.result.reason.value}: {decision.overall.found}"
    for entry, ruling in decision.speaking(Verdict.FAIL):
        yield f"overruled: image {_short_image(entry)}: {ruling.result.reason.value}: {ruling.found}"
    yield f"next: {_NEXT[ReasonCode.BREAK_GLASS]}"


def _fitting(texts: Iterable[str]) -> Iterator[str]:
    left = LIMITS.warnings_characters
    for text in texts:
        warning = printable(text.strip(), LIMITS.warning_characters)
        left -= len(warning.encode("utf-8"))
        if left < 0:
            return
        yield warning


def _audit_annotations(decision: Decision, record_digest: str) -> dict[str, str]:
    # Only what follows the grammar is quoted: other text could write entries of its own. The record has it all.
    images = ",".join(f"{_audited(entry)}={entry.result.reason.value}" for entry in decision.images)
    glass = decision.break_glass
    if glass is None:
        told = {}
    else:
        told = {"breakGlass": f"honoured {glass.found}" if glass.honoured else f"not honoured, since {glass.problem}"}
    return told | {
        "verdict": decision.verdict.value,
        "reasons": ",".join(decision.reasons),
        "images": printable(images, _ANNOTATION_CHARACTERS),
        "decision": record_digest,
    }


def _audited(entry: ImageDecision) -> str:
    if entry.image.reference is None:
        return "(invalid)"
    return entry.image.text if entry.resolved is None else f"{entry.image.text}@{entry.resolved}"


def _image(entry: ImageDecision) -> str:
    return printable(entry.image.text, _IMAGE_CHARACTERS) or "(none)"


def _short_image(entry: ImageDecision) -> str:
    reference = entry.image.reference
    if reference is None or reference.digest is None:
        return printable(entry.image.text, _NAME_CHARACTERS) or "(none)"
    name = reference.path.rsplit("/", 1)[-1]
    return f"{name[:32]}@{reference.digest[:_SHORT_DIGEST]}…"


def _containers(entry: ImageDecision) -> str:
    names = [printable(use.name, _NAME_CHARACTERS) for use in entry.image.uses]
    more = f" and {len(names) - _CONTAINERS} more" if len(names) > _CONTAINERS else ""
    return ("container " if len(names) == 1 else "containers ") + ", ".join(names[:_CONTAINERS]) + more
