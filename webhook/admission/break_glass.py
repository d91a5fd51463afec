"""Past the gate in an emergency: what a request claims, whether that can count, and what came of it.

Two annotations on the object say why and until when. They prove nothing: whoever makes *this* request must have the
right to `bypass`, by the API server's word, whoever wrote the annotations and whenever (CVE-2024-48921: an exception
that anybody could write for himself). Pure but for reading the body; `bypass.py` asks.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from webhook.admission.pods import SCALE
from webhook.admission.review import Review
from webhook.gates.policy import format_duration
from webhook.limits import LIMITS
from webhook.model.canonical_value import canonical_value
from webhook.model.gate import GateResult, Verdict
from webhook.model.timestamp import format_rfc3339, parse_rfc3339
from webhook.reasons import ReasonCode

REASON = "stella.ops/break-glass"
EXPIRES = "stella.ops/break-glass-expires"
GATE_ID = "break-glass"
"""What results call it; it is no gate of the configuration."""
RESULT = GateResult(GATE_ID, Verdict.WARN, "An authorised user bypassed the gate", ReasonCode.BREAK_GLASS)

_MARK = b'"stella.ops/break-glass'
_INSTANT_CHARACTERS = 64


class Access(StrEnum):
    """What the API server said of the right to bypass."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"
    """It could not be asked."""
    NOT_ASKED = "notAsked"
    """The claim could not count, whoever makes it."""


class _Part(BaseModel):
    # Values are looked at one by one: an annotation of another type is a claim that does not count.
    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel, frozen=True)


class Requester(_Part):
    """Who made the request, as completely as the API server says it: rights may hang on any of it."""

    username: str = ""
    uid: str = ""
    groups: Annotated[tuple[str, ...], Field(max_length=LIMITS.requester_groups, strict=False)] | None = None
    extra: Annotated[dict[str, list[str]], Field(max_length=LIMITS.requester_groups)] | None = None


class Claim(NamedTuple):
    """A request that wants past the gate.

    Attributes:
        reason: What `stella.ops/break-glass` says; None if it is missing or no text.
        expires: What `stella.ops/break-glass-expires` says; the same.
        requester: Who makes this very request.
        namespace: Of the object.
    """

    reason: str | None
    expires: str | None
    requester: Requester
    namespace: str


@dataclass(frozen=True)
class BreakGlass:
    """What came of a claim.

    Attributes:
        claim: The claim.
        access: What the API server said of the requester's right.
        problem: Why it does not count, in one clause; empty where it does.
        max_duration: How far ahead the end might lie.
    """

    claim: Claim
    access: Access
    problem: str
    max_duration: timedelta

    @property
    def honoured(self) -> bool:
        """Whether the request is let past the gate."""
        return not self.problem

    @property
    def found(self) -> str:
        """Until when and why, for people; the reason is whole, printable and the requester's own."""
        return f"until {self.claim.expires}: {self.claim.reason}"

    @cached_property
    def canonical(self) -> bytes:
        """The record's member `breakGlass`, as canonical JSON."""
        who = self.claim.requester
        user = {"username": who.username, "uid": who.uid, "groups": list(who.groups or ())}
        return canonical_value(
            {
                "access": self.access.value,
                "expires": self.claim.expires,
                "honoured": self.honoured,
                "maxDuration": int(self.max_duration.total_seconds()),
                "problem": self.problem,
                "reason": self.claim.reason,
                "user": user,
            }
        )


class _Annotations(_Part):
    reason: Any = Field(None, alias=REASON)
    expires: Any = Field(None, alias=EXPIRES)


class _Metadata(_Part):
    annotations: _Annotations | None = None


class _Object(_Part):
    metadata: _Metadata | None = None


class _Request(_Part):
    object: _Object | None = None
    user_info: Requester = Field(default_factory=Requester)


class _Body(_Part):
    request: _Request


def read_claim(review: Review, body: bytes) -> Claim | None:
    """Finds out whether a request wants past the gate.

    Only the new object counts, and only the workload itself: neither what the old one said, nor a pod template, nor
    a Scale, in which annotations are kept nowhere. A second reading of the body, so that others need not pay for it.

    Args:
        review: The request.
        body: The bytes that it was decoded from.

    Returns:
        The claim, which need not count; None if there is none that can be read.
    """
    if _MARK not in body or review.sub_resource == SCALE:
        return None
    try:
        request = _Body.model_validate_json(body).request
    except ValidationError:
        return None
    metadata = request.object.metadata if request.object is not None else None
    annotations = metadata.annotations if metadata is not None else None
    if annotations is None or not annotations.model_fields_set:
        return None
    reason = _text(annotations.reason, LIMITS.break_glass_characters)
    return Claim(reason, _text(annotations.expires, _INSTANT_CHARACTERS), request.user_info, review.namespace)


def objection(claim: Claim, now: datetime, max_duration: timedelta) -> str:
    """Says why a claim cannot count, whoever makes it.

    Args:
        claim: The claim.
        now: The review's trigger time.
        max_duration: How far ahead the end may lie.

    Returns:
        One clause; empty if it can.
    """
    reason, most = claim.reason or "", LIMITS.break_glass_characters
    if not reason.strip() or not reason.isprintable() or len(reason) > most:
        return f"the annotation {REASON} must give a reason, 1 to {most} printable characters"
    try:
        expires = parse_rfc3339(claim.expires or "")
    except ValueError:
        return f"the annotation {EXPIRES} must be an RFC 3339 time with a zone, such as 2026-11-24T18:00:00Z"
    if expires <= now:
        return f"it expired at {format_rfc3339(expires)}"
    if expires - now > max_duration:
        return f"it expires at {format_rfc3339(expires)}, more than {format_duration(max_duration)} ahead"
    if not claim.namespace or not claim.requester.username:
        return "the request names no user or no namespace"
    return ""


def _text(value: Any, most: int) -> str | None:
    """Keeps a text, and one character more of it than it may have, so that it stays recognisably too long."""
    return value[: most + 1] if isinstance(value, str) else None
