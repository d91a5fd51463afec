"""A record, read back: strictly, and nothing of it believed that can be computed."""

import json
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from webhook.admission.break_glass import Access
from webhook.admission.panel import LATE
from webhook.admission.rule import NOT_RESOLVED
from webhook.limits import LIMITS
from webhook.model.basis import EvidenceBasis, Origin, Platform
from webhook.model.canonical import sha256_digest
from webhook.model.canonical_value import canonical_value
from webhook.model.gate import Verdict
from webhook.reasons import ReasonCode


class RecordError(ValueError):
    """A document is no decision record; the text is ours, one lower-case clause."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class _Platform(_Part):
    name: str
    digest: str


class _Candidate(_Part):
    digest: _Digest
    uri: str
    platform: _Platform | None


class _Basis(_Part):
    candidates: list[_Candidate]
    platforms: list[_Platform]
    remark: str | None
    gap: str | None

    def read(self) -> EvidenceBasis:
        """Gives it as the provider had it."""
        origins = [Origin(entry.digest, entry.uri, _platform(entry.platform)) for entry in self.candidates]
        platforms = tuple([Platform(entry.name, entry.digest) for entry in self.platforms])
        return EvidenceBasis(tuple(origins), platforms, self.remark, self.gap)


def _platform(platform: _Platform | None) -> Platform | None:
    return None if platform is None else Platform(platform.name, platform.digest)


class RecordedResult(_Part):
    """A gate's result."""

    gate: str
    message: str
    reason: ReasonCode
    result: Verdict


class RecordedRuling(_Part):
    """One ruling; `evidence` is still as the record has it."""

    basis: _Basis | None
    evidence: dict[str, Any] | None
    found: str
    result: RecordedResult

    @property
    def made_of(self) -> EvidenceBasis | None:
        """The envelopes that the answer was made of; None where the provider has none."""
        return None if self.basis is None else self.basis.read()

    @property
    def redacted(self) -> bool:
        """Whether there was a value that is not shown."""
        evidence = self.evidence or {}
        return evidence.get("value") is None and evidence.get("evidence_hash") is not None

    @property
    def found_nothing_out(self) -> bool:
        """Whether nobody could be asked, or answered in time."""
        return self.evidence is None and self.result.reason is ReasonCode.EVIDENCE_UNAVAILABLE


class _Place(_Part):
    fields: list[str]
    image: str
    resolved: _Digest | None


class _Revision(_Part):
    created: int
    name: str
    uid: str


class RecordedRollback(_Part):
    """What the workload's history said of a stale image."""

    found: str
    overruled: list[RecordedRuling]
    revision: _Revision | None


class RecordedImage(_Part):
    """One image with its rulings."""

    place: _Place
    rollback: RecordedRollback | None
    rulings: Annotated[list[RecordedRuling], Field(min_length=1)]

    @property
    def at_first(self) -> list[RecordedRuling]:
        """The rulings before the workload's history was asked."""
        overruled = iter(self.rollback.overruled if self.rollback is not None else ())
        return [
            next(overruled, ruling) if ruling.result.reason is ReasonCode.ROLLBACK else ruling
            for ruling in self.rulings
        ]

    @property
    def late(self) -> bool:
        """Whether the deadline overtook it."""
        return all(ruling.found_nothing_out and ruling.found == LATE for ruling in self.rulings)

    @property
    def unresolved(self) -> str | None:
        """Why nobody could say where its tag pointed; None if that is not what happened."""
        founds = {ruling.found for ruling in self.rulings}
        found = next(iter(founds))
        if len(founds) > 1 or not found.startswith(NOT_RESOLVED):
            return None
        return found.removeprefix(NOT_RESOLVED) if self.rulings[0].found_nothing_out else None

    @property
    def exempt(self) -> bool:
        """Whether the configuration exempted it."""
        return self.rulings[0].result.reason is ReasonCode.IMAGE_EXEMPT


class _TriggerTime(_Part):
    kind: Literal["unix_millis"]
    value: int


class _Decision(_Part):
    environment: str
    reasons: list[str]
    settings: _Digest
    software: str
    trigger_time: Annotated[_TriggerTime, Field(alias="triggerTime")]
    trust: _Digest
    verdict: Verdict


class RecordedRequest(_Part):
    """Who asked for what."""

    dry_run: Annotated[bool, Field(alias="dryRun")]
    group: str
    kind: str
    name: str
    namespace: str
    operation: Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
    sub_resource: Annotated[str, Field(alias="subResource")]
    uid: str
    user: str
    version: str


class _User(_Part):
    groups: list[str]
    uid: str
    username: str


class RecordedBreakGlass(_Part):
    """What came of a claim to be let past the gate."""

    access: Access
    expires: str | None
    honoured: bool
    max_duration: Annotated[int, Field(alias="maxDuration", ge=0, le=LIMITS.break_glass_seconds)]
    problem: str
    reason: str | None
    user: _User


class Content(_Part):
    """A whole record."""

    api_version: Annotated[Literal["stella.ops/v1alpha1"], Field(alias="apiVersion")]
    break_glass: Annotated[RecordedBreakGlass | None, Field(alias="breakGlass")]
    conditions: list[dict[str, Any]]
    decision: _Decision
    images: list[RecordedImage]
    kind: Literal["DecisionRecord"]
    overall: RecordedRuling | None
    policy: dict[str, dict[str, Any]]
    request: RecordedRequest


class Recorded(NamedTuple):
    """A record that can be read.

    Attributes:
        content: Its members.
        document: The same as plain JSON.
        canonical: The same as canonical JSON.
        digest: `sha256:` and 64 hexadecimal digits over that.
    """

    content: Content
    document: dict[str, Any]
    canonical: bytes
    digest: str


def read_record(document: Any) -> Recorded:
    """Reads a record, however its JSON was laid out.

    Args:
        document: A value as `strict_json.parse_json` gives it.

    Returns:
        The record.

    Raises:
        RecordError: It is none, or one of another version of the schema.
    """
    if not isinstance(document, dict) or document.get("kind") != "DecisionRecord":
        raise RecordError("it is no DecisionRecord")
    canonical = canonical_value(document)
    try:
        content = Content.model_validate_json(canonical)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise RecordError(f"its member {json.dumps(place)} is not what the schema has there") from None
    return Recorded(content, document, canonical, sha256_digest(canonical))
