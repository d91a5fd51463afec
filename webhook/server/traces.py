"""What a decision leaves behind once its answer stands: a metric, one log line, an Event."""

import json
from datetime import UTC, datetime

from webhook.admission.answer import printable
from webhook.admission.decision import Decision, DecisionRecord
from webhook.admission.review import Review
from webhook.kube.events import EventDraft, EventRecorder, Regarding
from webhook.model.gate import Verdict
from webhook.reasons import ReasonCode
from webhook.server.logs import LineWriter
from webhook.server.metrics import Metrics
from webhook.settings.loading import Settings

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

    def __init__(self, metrics: Metrics, writer: LineWriter, recorder: EventRecorder | None) -> None:
        """Binds the places.

        Args:
            metrics: Counts verdicts.
            writer: Takes the decision lines.
            recorder: Takes Events; None where there is no Kubernetes client.
        """
        self._metrics = metrics
        self._writer = writer
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
        known = settings.policy.requires(decision.environment)
        environment = decision.environment.casefold() if known else _OTHER_ENVIRONMENT
        self._metrics.review(environment, decision.verdict, reason, seconds)
        self._writer.put(decision_line(decision, review, record, seconds))
        if self._recorder is None or not settings.file.events.enabled:
            return
        if not review.dry_run and reason not in _NOT_EVALUATED:
            self._recorder.record(event_draft(decision, review))


def decision_line(decision: Decision, review: Review, record: DecisionRecord, seconds: float) -> bytes:
    """Writes the log line of a decision, with the record inside, byte for byte.

    Built by hand around the record's own bytes: the digest must be reproducible from the line.

    Args:
        decision: The decision.
        review: The request.
        record: The decision's record.
        seconds: Time from request to answer.

    Returns:
        One JSON object without line break.
    """
    # The uid is the caller's; everything else is ours and needs no escaping.
    head = (
        f'{{"timestamp": "{datetime.now(UTC).isoformat()}", "level": "INFO", "message": "decision", '
        f'"uid": {json.dumps(review.uid)}, "verdict": "{decision.verdict.value}", '
        f'"reasons": "{",".join(decision.reasons)}", "seconds": {seconds:.6f}, "decision": "{record.digest}", '
    )
    return b'%b"record": %b}' % (head.encode("ascii"), record.content)


def event_draft(decision: Decision, review: Review) -> EventDraft:
    """Writes the Event of a decision.

    Args:
        decision: An evaluated decision.
        review: The request.

    Returns:
        The Event's content. A denied CREATE names no uid: the object never comes to exist.
    """
    workload = review.object
    metadata = workload.metadata if workload is not None else None
    denied_create = decision.verdict is Verdict.FAIL and review.operation == "CREATE"
    group, version = review.kind.group, review.kind.version
    return EventDraft(
        regarding=Regarding(
            api_version=f"{group}/{version}" if group else version,
            kind=review.kind.kind,
            namespace=review.namespace,
            name=review.object_name,
            uid=None if denied_create or metadata is None or not metadata.uid else metadata.uid,
        ),
        type="Normal" if decision.verdict is Verdict.PASS else "Warning",
        reason=decision.reasons[0],
        action=_ACTIONS[decision.verdict],
        note=_note(decision, review),
    )


def _note(decision: Decision, review: Review) -> str:
    """Image, message, who; the image that made the verdict speaks, others are counted."""
    verdict = decision.verdict
    user = printable(review.user_info.username, _USER_CHARACTERS) or "an unknown user"
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
    return printable(note, _NOTE_BYTES).encode("utf-8")[:_NOTE_BYTES].decode("utf-8", "ignore")
