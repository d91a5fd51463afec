"""What an Event says, and how often it was said: plain data in the API server's terms.

Source: the validation of events.k8s.io/v1 (pkg/apis/core/validation/events.go), whose lengths are bytes: reason and
action 1 to 128, reporting instance 1 to 128, note up to 1024; the Event's namespace is the object's, or `default`
for one without; `eventTime` has microseconds; a series has a count of at least 2. The object need not exist, and
needs neither uid nor name.
"""

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

CONTROLLER = "execution-evidence-gate"
DECISION_ANNOTATION = "stella.ops/decision"
"""Names the record of the latest decision that the Event tells of."""

_NOTE_BYTES = 1024
_WORD_BYTES = 128
_ELLIPSIS = "…"
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAME_CHARACTERS = 253
_STEM_CHARACTERS = _NAME_CHARACTERS - len(".0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object that an Event is about; it need not exist.

    Attributes:
        api_version: For example `apps/v1`.
        kind: For example `Deployment`.
        namespace: Its namespace, or "" if it lies in none.
        name: Its name, or "" if it has none yet (`generateName`).
        uid: Its uid, or None if it has none yet.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An Event to be recorded. Equal drafts within a while are one Event with a count.

    Attributes:
        regarding: The object.
        type: `Normal` or `Warning`.
        reason: A reason code; cut to 128 bytes.
        action: What was done, for example `Admit`; cut to 128 bytes.
        note: A sentence for people; cut to 1024 bytes.
        decision: The digest of the decision record; None for none. Repeats are equal whatever theirs is.
    """

    regarding: Regarding
    type: Literal["Normal", "Warning"]
    reason: str
    action: str
    note: str
    decision: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Cuts what is too long, so that a thousand drafts that wait take little memory."""
        object.__setattr__(self, "reason", _cut(self.reason, _WORD_BYTES))
        object.__setattr__(self, "action", _cut(self.action, _WORD_BYTES))
        object.__setattr__(self, "note", _cut(self.note, _NOTE_BYTES))

    @property
    def postable(self) -> bool:
        """False if the API server could only refuse it."""
        about = self.regarding
        words = (about.api_version, about.kind, about.name, about.uid or "")
        if not (self.reason and self.action) or max(map(len, words)) > _NAME_CHARACTERS:
            return False
        return not about.namespace or _NAMESPACE.fullmatch(about.namespace) is not None


class Series:
    """One Event in the API server and its repeats.

    Args:
        draft: What it says.
        now: Seconds of the monotonic clock.

    Attributes:
        draft: What it says.
        count: How often it was recorded.
        reported: How many of these the API server has been told of; 0 while the Event is not there.
        seen: Seconds of the monotonic clock when it was last recorded.
    """

    __slots__ = ("_decision", "_first", "_last", "_name", "count", "draft", "reported", "seen")

    def __init__(self, draft: EventDraft, now: float) -> None:
        self.draft = draft
        self.count = 1
        self.reported = 0
        self.seen = now
        self._decision = draft.decision
        self._first = self._last = datetime.now(UTC)
        self._name = _event_name(draft.regarding.name)

    def repeat(self, now: float, decision: str | None = None) -> None:
        """Counts one more.

        Args:
            now: Seconds of the monotonic clock.
            decision: Of the repeat; the Event names the latest.
        """
        self._decision = decision
        self.count += 1
        self.seen = now
        self._last = datetime.now(UTC)

    def renew(self) -> None:
        """Lets the next report create a new Event, since the old one is gone."""
        self.reported = 0
        self._name = _event_name(self.draft.regarding.name)

    @property
    def collection(self) -> str:
        """The path of the collection that the Event belongs to."""
        return f"/apis/events.k8s.io/v1/namespaces/{self.draft.regarding.namespace or 'default'}/events"

    @property
    def path(self) -> str:
        """The Event's own path."""
        return f"{self.collection}/{self._name}"

    def patch(self) -> dict[str, Any]:
        """Gives what changes with a repeat.

        Returns:
            A JSON merge patch.
        """
        annotations = self._annotations()
        return {**self._repeats(), **({"metadata": annotations} if annotations else {})}

    def body(self, instance: str) -> dict[str, Any]:
        """Gives the whole Event.

        Args:
            instance: Which process reports, for example the pod's name.

        Returns:
            An Event of events.k8s.io/v1.
        """
        draft, regarding = self.draft, self.draft.regarding
        reference = {
            "apiVersion": regarding.api_version,
            "kind": regarding.kind,
            "namespace": regarding.namespace,
            "name": regarding.name,
            "uid": regarding.uid,
        }
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": self._name,
                "namespace": regarding.namespace or "default",
                **self._annotations(),
            },
            "eventTime": _micro_time(self._first),
            "reportingController": CONTROLLER,
            "reportingInstance": _cut(instance, _WORD_BYTES) or CONTROLLER,
            "action": draft.action,
            "reason": draft.reason,
            "type": draft.type,
            "note": draft.note,
            "regarding": {name: value for name, value in reference.items() if value},
            **(self._repeats() if self.count > 1 else {}),
        }

    def _repeats(self) -> dict[str, Any]:
        return {"series": {"count": self.count, "lastObservedTime": _micro_time(self._last)}}

    def _annotations(self) -> dict[str, Any]:
        return {} if self._decision is None else {"annotations": {DECISION_ANNOTATION: self._decision}}


def _event_name(name: str) -> str:
    """Names an Event after its object where the API server allows it; the random part is what makes it unique."""
    fits = len(name) <= _STEM_CHARACTERS and _SUBDOMAIN.fullmatch(name)
    return f"{name if fits else CONTROLLER}.{secrets.token_hex(8)}"


def _micro_time(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _cut(text: str, size: int) -> str:
    data = text.encode("utf-8", "replace")
    if len(data) <= size:
        return data.decode()
    return data[: size - len(_ELLIPSIS.encode())].decode("utf-8", "ignore") + _ELLIPSIS
