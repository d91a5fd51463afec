"""The `evidence_query` contract: a query, its context, and the result, as the second seed's schemas have them.

Plain immutable values: the admission path makes a few per review, and the schemas' strict reading belongs to the
surfaces that take them from outside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from webhook.model.basis import EvidenceBasis
from webhook.model.canonical import canonical_text
from webhook.model.canonical_value import canonical_value


class Lane(StrEnum):
    """How far a result may be believed."""

    VERIFIED = "verified"
    """A configured key signed the evidence."""
    ASSERTED = "asserted"
    """Somebody said so."""


class TriggerTime(NamedTuple):
    """The only clock of a provider.

    Attributes:
        kind: `unix_millis` or `logical`.
        value: Milliseconds since 1970, or a logical counter ≥ 0.
    """

    kind: Literal["unix_millis", "logical"]
    value: int


class EvidenceQuery(NamedTuple):
    """What is asked.

    Attributes:
        provider_id: Who answers, for example `execution-evidence`.
        check_id: The provider's check, for example `metadata`.
        params: Any JSON value that the check takes; None equals absent.
    """

    provider_id: str
    check_id: str
    params: Any = None


@dataclass(frozen=True, slots=True)
class PullIdentity:
    """Whose pull secrets may be used: those of the pod whose image is asked about.

    Attributes:
        namespace: The pod's namespace.
        service_account: The name of its ServiceAccount.
        pull_secrets: The names in its `imagePullSecrets`.
    """

    namespace: str
    service_account: str
    pull_secrets: tuple[str, ...]


class EvidenceContext(NamedTuple):
    """On whose behalf and when it is asked; `pull` and `workload_namespace` are on no wire and in no record."""

    tenant_id: int
    namespace_id: int
    run_id: str
    scenario_id: str
    stage_id: str
    trigger_id: str
    trigger_time: TriggerTime
    correlation_id: str | None = None
    pull: PullIdentity | None = None
    workload_namespace: str | None = None


@dataclass(frozen=True, slots=True)
class EvidenceValue:
    """A value with its kind; `EvidenceValue("json", None)` is a null that is present.

    Attributes:
        kind: What the value is.
        value: The value.
        canonical: The value as canonical JSON where somebody has encoded it already, for nobody to do it twice.
    """

    kind: Literal["json", "bytes"]
    value: Any
    canonical: bytes | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class EvidenceHash:
    """SHA-256 over the canonical JSON of the inner value, or over the raw bytes."""

    value: str
    algorithm: Literal["sha256"] = "sha256"


@dataclass(frozen=True, slots=True)
class EvidenceReference:
    """Where the evidence lies."""

    uri: str


@dataclass(frozen=True, slots=True)
class EvidenceAnchor:
    """What the evidence is about."""

    anchor_type: str
    anchor_value: str


@dataclass(frozen=True, slots=True)
class EvidenceSignature:
    """A provider's signature over the hash."""

    scheme: str
    key_id: str
    signature: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EvidenceProblem:
    """Why there is no value; `code` is stable, `message` is ours and safe to show."""

    code: str
    message: str
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class EvidenceResult:
    """The answer; all eight members are always written.

    Attributes:
        basis: The envelopes that it was made of, for records; on no wire. None where the provider has none.
    """

    value: EvidenceValue | None = None
    lane: Lane = Lane.ASSERTED
    error: EvidenceProblem | None = None
    evidence_hash: EvidenceHash | None = None
    evidence_ref: EvidenceReference | None = None
    evidence_anchor: EvidenceAnchor | None = None
    signature: EvidenceSignature | None = None
    content_type: str | None = None
    basis: EvidenceBasis | None = field(default=None, compare=False, repr=False)

    @property
    def canonical(self) -> bytes:
        """The result as canonical JSON, which is `to_json` encoded."""
        value, where, anchor, digest = self.value, self.evidence_ref, self.evidence_anchor, self.evidence_hash
        if self.error is not None or self.signature is not None:
            return canonical_value(self.to_json())
        content_type = "null" if self.content_type is None else canonical_text(self.content_type)
        # By hand, members in order: it is encoded for every image that is new to a webhook, or was packed away.
        head = (
            f'{{"content_type":{content_type},"error":null,"evidence_anchor":{_anchor_text(anchor)},'
            f'"evidence_hash":{_hash_text(digest)},"evidence_ref":{_reference_text(where)},'
            f'"lane":"{self.lane.value}","signature":null,"value":'
        )
        return b"%b%b}" % (head.encode("utf-8"), b"null" if value is None else _value_bytes(value))

    def to_json(self) -> dict[str, Any]:
        """Gives the result as the seed's output schema writes it.

        Returns:
            A JSON object with exactly the eight members.
        """
        value, error, anchor = self.value, self.error, self.evidence_anchor
        signature = self.signature
        return {
            "value": None if value is None else {"kind": value.kind, "value": value.value},
            "lane": self.lane.value,
            "error": None
            if error is None
            else {"code": error.code, "message": error.message, "details": error.details},
            "evidence_hash": None
            if self.evidence_hash is None
            else {"algorithm": self.evidence_hash.algorithm, "value": self.evidence_hash.value},
            "evidence_ref": None if self.evidence_ref is None else {"uri": self.evidence_ref.uri},
            "evidence_anchor": None
            if anchor is None
            else {"anchor_type": anchor.anchor_type, "anchor_value": anchor.anchor_value},
            "signature": None
            if signature is None
            else {
                "scheme": signature.scheme,
                "key_id": signature.key_id,
                "signature": list(signature.signature),
            },
            "content_type": self.content_type,
        }


def _value_bytes(value: EvidenceValue) -> bytes:
    canonical = canonical_value(value.value) if value.canonical is None else value.canonical
    return b'{"kind":"%b","value":%b}' % (value.kind.encode("ascii"), canonical)


def _anchor_text(anchor: EvidenceAnchor | None) -> str:
    if anchor is None:
        return "null"
    kind, value = canonical_text(anchor.anchor_type), canonical_text(anchor.anchor_value)
    return f'{{"anchor_type":{kind},"anchor_value":{value}}}'


def _hash_text(digest: EvidenceHash | None) -> str:
    if digest is None:
        return "null"
    return f'{{"algorithm":"{digest.algorithm}","value":{canonical_text(digest.value)}}}'


def _reference_text(reference: EvidenceReference | None) -> str:
    return "null" if reference is None else f'{{"uri":{canonical_text(reference.uri)}}}'
