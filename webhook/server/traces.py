"""What a decision leaves behind once its answer stands: a metric, an entry in the record log, an Event."""

import logging
import time

from webhook.admission import break_glass
from webhook.admission.decision import Decision
from webhook.admission.pods import workload_kind
from webhook.admission.record import DecisionRecord
from webhook.admission.review import Review
from webhook.kube.events import EventDraft, EventRecorder, Regarding
from webhook.model.gate import Verdict
from webhook.model.printable import printable
from webhook.reasons import ReasonCode
from webhook.records.entry import Decided
from webhook.records.log import RecordLog
from webhook.server.metrics import Metrics
from webhook.settings.loading import Settings

_LOG = logging.getLogger(__name__)

_NOT_EVALUATED = frozenset(
    {ReasonCode.IMAGES_UNCHANGED, ReasonCode.GATE_DISABLED, ReasonCode.ENVIRONMENT_NOT_REQUIRED}
)
_ACTIONS = {Verdict.PASS: "Admitted", Verdict.WARN: "AdmittedWithWarning", Verdict.FAIL: "Denied"}
_IMAGE_CHARACTERS = 300
_USER_CHARACTERS = 128
_NOTE_BYTES = 1024
_OTHER_ENVIRONMENT = "other"


class Traces:
    """Leaves the traces of decisions. Nothing here waits, and nothing here raises into an answer."""

    def __init__(self, metrics: Metrics, records: RecordLog, recorder: EventRecorder | None) -> None:
        """Binds the places.

        Args:
            metrics: Counts verdicts.
            records: Takes the decisions.
            recorder: Takes Events; None where there is no Kubernetes client.
        """
        self._metrics = metrics
        self._records = records
        self._recorder = recorder

    def leave(
        self, decision: Decision, review: Review, record: DecisionRecord, settings: Settings, seconds: float
    ) -> None:
        """Leaves all traces of one decision.

        Args:
            decision: The decision.
            review: The request.
            record: The decision's record.
            settings: The snapshot in force.
            seconds: Time from request to answer.
        """
        reason = decision.reasons[0]
        known = settings.names(decision.environment)
        environment = decision.environment.casefold() if known else _OTHER_ENVIRONMENT
        self._metrics.review(environment, decision.verdict, reason, seconds)
        self._records.put(decided(decision, review, record, seconds))
        self._tell_break_glass(decision, review, environment)
        if self._recorder is None or not settings.file.events.enabled:
            return
        if not review.dry_run and reason not in _NOT_EVALUATED:
            self._recorder.record(event_draft(decision, review, record.digest))

    def _tell_break_glass(self, decision: Decision, review: Review, environment: str) -> None:
        """Counts each claim to be let past the gate, and is loud about each one that is."""
        glass = decision.break_glass
        if glass is None:
            return
        self._metrics.break_glass.labels(environment, "honoured" if glass.honoured else "refused").inc()
        if glass.honoured:
            _LOG.warning(
                "break-glass",
                extra={
                    "uid": review.uid,
                    "user": printable(review.user_info.username, _USER_CHARACTERS),
                    "object": printable(f"{review.namespace}/{review.object_name}", 2 * _USER_CHARACTERS),
                    "kind": printable(workload_kind(review).kind, _USER_CHARACTERS),
                    "environment": environment,
                    "reason": glass.claim.reason,
                    "expires": glass.claim.expires,
                    "dry_run": bool(review.dry_run),
                },
            )


def decided(decision: Decision, review: Review, record: DecisionRecord, seconds: float) -> Decided:
    """Takes from a decision what the record log needs of it.

    Args:
        decision: The decision.
        review: The request.
        record: The decision's record.
        seconds: Time from request to answer.

    Returns:
        Plain data; writing the line is left to the sinks' threads.
    """
    reasons = ",".join(decision.reasons)
    return Decided(time.time(), review.uid, decision.verdict.value, reasons, seconds, record.digest, record.content)


def event_draft(decision: Decision, review: Review, digest: str) -> EventDraft:
    """Writes the Event of a decision.

    Args:
        decision: An evaluated decision.
        review: The request.
        digest: The record's.

    Returns:
        The Event's content. A denied CREATE names no uid: the object never comes to exist.
    """
    workload = review.object
    metadata = workload.metadata if workload is not None else None
    denied_create = decision.verdict is Verdict.FAIL and review.operation == "CREATE"
    about = workload_kind(review)
    group, version = about.group, about.version
    return EventDraft(
        regarding=Regarding(
            api_version=f"{group}/{version}" if group else version,
            kind=about.kind,
            namespace=review.namespace,
            name=review.object_name,
            uid=None if denied_create or metadata is None or not metadata.uid else metadata.uid,
        ),
        type="Normal" if decision.verdict is Verdict.PASS else "Warning",
        reason=decision.reasons[0],
        action=_ACTIONS[decision.verdict],
        note=_note(decision, review),
        decision=digest,
    )


def _note(decision: Decision, review: Review) -> str:
    """Image, message, who; the image that made the verdict speaks, others are counted."""
    verdict = decision.verdict
    user = printable(review.user_info.username, _USER_CHARACTERS) or "an unknown user"
    if decision.bypassed and decision.break_glass is not None:
        note = f"{break_glass.RESULT.message} {decision.break_glass.found}; by {user}"
        return _cut(f"{note}; overruled: {_overruled(decision)}")
    speaking = next(decision.speaking(verdict), None)
    if speaking is not None:
        entry, ruling = speaking
        others = sum(other.result.result is verdict for other in decision.images) - 1
        image = printable(entry.image.text, _IMAGE_CHARACTERS)
        more = f" (and {others} more images)" if others else ""
        note = f"{image}{more}: {ruling.result.message}; {ruling.found}; by {user}"
    else:
        found = decision.overall.found if decision.overall is not None else ""
        note = f"{decision.results[0].message}; {found}; by {user}"
    return _cut(note)


def _overruled(decision: Decision) -> str:
    """What break-glass lets pass, as far as there is room."""
    if decision.overall is not None:
        return f"{decision.overall.result.message}; {decision.overall.found}"
    images = [
        f"{entry.image.text} ({ruling.result.reason.value})" for entry, ruling in decision.speaking(Verdict.FAIL)
    ]
    return ", ".join(images)


def _cut(note: str) -> str:
    return printable(note, _NOTE_BYTES).encode("utf-8")[:_NOTE_BYTES].decode("utf-8", "ignore")
