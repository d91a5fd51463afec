"""Answers that were worked out, kept small: a few as they are, many packed.

An answer as it is takes some five kilobytes with all that hangs on it, and a large cluster has a hundred thousand
images. Packed it takes less than a tenth of that, and the garbage collector need not walk it.
"""

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from webhook.limits import LIMITS
from webhook.model.bounded import remember
from webhook.model.canonical import canonical_json
from webhook.model.evidence import (
    EvidenceAnchor,
    EvidenceHash,
    EvidenceReference,
    EvidenceResult,
    EvidenceValue,
    Lane,
)
from webhook.stores.fingerprint import FINGERPRINT_BYTES, fingerprint_of
from webhook.stores.protocol import Found, Platform

_KEY_BYTES = 24
_HEAD = struct.Struct(f"<{FINGERPRINT_BYTES}sqq??I")
"""The basis' fingerprint; since and until in microseconds; sufficient, verified; bytes of the URI."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RAW_DEFLATE = -15
_TYPICAL = (
    b"registry:registry.example.com/@sha256:cluster:executionevidences/directory:.json0123456789abcdef"
    b'{"execution_evidence_detail":"no statement about this digest'
    b'{"execution_evidence_detail":"1 statement in registry:, signed by no key that is trusted'
    b'","execution_evidence_reason":"EvidenceMissing","EvidenceUntrusted","has_execution_evidence":"false"}'
    b'{"execution_evidence_detail":"hot symbols: , call paths:  in registry:, signed by staging, '
    b"observed in 'staging' until 2026-01-01T00:00:00Z"
    b'","execution_evidence_environment":"staging","execution_evidence_hot_symbol_count":"'
    b'","execution_evidence_observed_until":"2026-01-01T00:00:00Z'
    b'","execution_evidence_reason":"EvidenceInsufficient","EvidenceSufficient","execution_evidence_signer":"staging'
    b'","execution_evidence_unique_call_paths":"1","has_execution_evidence":"true"}'
)
"""What answers have in common, most common last (RFC 1950's preset dictionary)."""

_Basis = tuple[tuple[tuple[str, str, Platform | None], ...], tuple[Platform, ...], str | None]
"""What a judgement was made of: each candidate's digest, place and platform, the platforms, and the remark."""


class _AtHand(NamedTuple):
    """An answer as it is; the basis is None where only its fingerprint was ever needed."""

    basis: _Basis | None
    fingerprint: bytes
    answer: "Answer"

    def follows_from(self, found: Found) -> bool:
        if found.fingerprint is not None or self.basis is None:
            return fingerprint_of(found) == self.fingerprint
        return _basis(found) == self.basis


class AnswerKey(NamedTuple):
    """What was asked.

    Attributes:
        image_digest: The image.
        repository: Host and path, or None.
        environment: The target environment.
        asked_all: Whether all stores had been asked; those at hand may be judged before.
    """

    image_digest: str
    repository: str | None
    environment: str
    asked_all: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and for how long and from what it follows.

    Not a time-to-live: the stores are asked at every query, and the answer serves again only if they give the same
    candidates and no statement has turned stale, so that it is the answer that judging anew would give.

    Attributes:
        since: The first instant for which it is known to hold.
        until: The last one.
        sufficient: Whether the evidence suffices.
        result: The answer itself.
    """

    since: datetime
    until: datetime
    sufficient: bool
    result: EvidenceResult


class AnswerCache:
    """Answers by what was asked; the oldest make room."""

    def __init__(self) -> None:
        self._at_hand: dict[AnswerKey, _AtHand] = {}
        self._packed: dict[bytes, bytes] = {}

    def find(self, key: AnswerKey, found: Found, now: datetime) -> Answer | None:
        """Gives an answer that judging anew would give.

        Args:
            key: What is asked.
            found: What the stores give now.
            now: The query's trigger time.

        Returns:
            The answer; the very same object while it is among the few that are kept as they are. None if none holds.
        """
        known = self._at_hand.get(key) or self._unpack(key, found)
        if known is None or not known.follows_from(found):
            return None
        answer = known.answer
        if found.gap is not None and not answer.sufficient:
            # What could not be read might suffice.
            return None
        return answer if answer.since <= now <= answer.until else None

    def keep(self, key: AnswerKey, found: Found, answer: Answer) -> None:
        """Remembers an answer.

        Args:
            key: What was asked.
            found: What it follows from; with a gap only if it suffices.
            answer: The answer, with a value.
        """
        fingerprint = fingerprint_of(found)
        remember(self._at_hand, key, _AtHand(_basis(found), fingerprint, answer), LIMITS.answers_at_hand)
        packed = _pack(answer, fingerprint)
        if len(packed) <= LIMITS.packed_answer_bytes:
            remember(self._packed, _short(key), packed, LIMITS.verdict_cache_entries)

    def _unpack(self, key: AnswerKey, found: Found) -> _AtHand | None:
        packed = self._packed.get(_short(key))
        fingerprint = fingerprint_of(found)
        if packed is None or not packed.startswith(fingerprint):
            return None
        basis = _basis(found) if found.fingerprint is None else None
        known = _AtHand(basis, fingerprint, _unpack(packed, key.image_digest))
        remember(self._at_hand, key, known, LIMITS.answers_at_hand)
        return known


def metadata_result(value: dict[str, str], lane: Lane, uri: str | None, image_digest: str) -> EvidenceResult:
    """Makes the result that has gate metadata as its value.

    Args:
        value: The metadata.
        lane: How far they may be believed.
        uri: Where the statement lies that they are about, or None.
        image_digest: The image that they are about.

    Returns:
        The result, with the hash over the value.
    """
    return _result(value, canonical_json(value), (lane, uri, image_digest))


def _result(value: dict[str, str], canonical: bytes, about: tuple[Lane, str | None, str]) -> EvidenceResult:
    lane, uri, image_digest = about
    return EvidenceResult(
        value=EvidenceValue("json", value, canonical),
        lane=lane,
        evidence_hash=EvidenceHash(hashlib.sha256(canonical).hexdigest()),
        evidence_ref=None if uri is None else EvidenceReference(uri),
        evidence_anchor=EvidenceAnchor("image_digest", image_digest),
        content_type="application/json",
    )


def _basis(found: Found) -> _Basis:
    names = tuple([(entry.digest, entry.uri, entry.platform) for entry in found.candidates])
    return names, found.platforms, found.remark


def _short(key: AnswerKey) -> bytes:
    return hashlib.blake2b(repr(key).encode("utf-8"), digest_size=_KEY_BYTES).digest()


def _pack(answer: Answer, fingerprint: bytes) -> bytes:
    result = answer.result
    uri = b"" if result.evidence_ref is None else result.evidence_ref.uri.encode("utf-8")
    value = b"null" if result.value is None else result.value.canonical or canonical_json(result.value.value)
    since, until = ((instant - _EPOCH) // timedelta.resolution for instant in (answer.since, answer.until))
    verified = result.lane is Lane.VERIFIED
    head = _HEAD.pack(fingerprint, since, until, answer.sufficient, verified, len(uri))
    packer = zlib.compressobj(zlib.Z_BEST_COMPRESSION, wbits=_RAW_DEFLATE, zdict=_TYPICAL)
    return head + packer.compress(uri + value) + packer.flush()


def _unpack(packed: bytes, image_digest: str) -> Answer:
    _, since, until, sufficient, verified, uri_bytes = _HEAD.unpack_from(packed)
    body = zlib.decompressobj(wbits=_RAW_DEFLATE, zdict=_TYPICAL).decompress(packed[_HEAD.size :])
    uri, canonical = body[:uri_bytes].decode("utf-8") or None, body[uri_bytes:]
    lane = Lane.VERIFIED if verified else Lane.ASSERTED
    result = _result(json.loads(canonical), canonical, (lane, uri, image_digest))
    return Answer(_instant(since), _instant(until), sufficient, result)


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
