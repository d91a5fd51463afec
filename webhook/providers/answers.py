"""Answers that were worked out, kept small: a few as they are, many packed.

An answer as it is takes some five kilobytes with all that hangs on it, and a large cluster has a hundred thousand
images. Packed it takes less than a tenth of that, and the garbage collector need not walk it.
"""

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from webhook.limits import LIMITS
from webhook.model.basis import EvidenceBasis, Origin, Platform
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
from webhook.stores.fingerprint import basis_of, fingerprint_of
from webhook.stores.protocol import Found

_KEY_BYTES = 24
_SHA256 = "sha256:"
_DIGEST_BYTES = 32
_HEAD = struct.Struct("<qq??HII")
"""Since and until in microseconds; sufficient, verified; envelopes; bytes of the URI and of the basis' rest."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RAW_DEFLATE = -15
_TYPICAL = (
    b'{"beacon_detail":"no statement about this digest","beacon_reason":"BeaconDataMissing","has_beacon_data":"false'
    b'{"beacon_detail":"beacons verified:  of  in registry:","beacon_environment":"staging","beacon_expected_count":"'
    b'","beacon_observed_until":"2026-","beacon_reason":"BeaconRateInsufficient","BeaconRateSufficient'
    b'","beacon_signer":"staging","beacon_verified_count":"1","has_beacon_data":"true"}'
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


class _AtHand(NamedTuple):
    """An answer as it is."""

    basis: EvidenceBasis
    fingerprint: bytes
    answer: "Answer"

    def follows_from(self, found: Found) -> bool:
        if found.fingerprint is not None:
            return found.fingerprint == self.fingerprint
        # Not `basis_of`: for a comparison plain tuples do, and every warm review makes one.
        names = tuple([(entry.digest, entry.uri, entry.platform) for entry in found.candidates])
        return (names, found.platforms, found.remark, None) == self.basis


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
        known = self._at_hand.get(key) or self._unpack(key)
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
        basis = basis_of(found)
        remember(self._at_hand, key, _AtHand(basis, fingerprint_of(basis), answer), LIMITS.answers_at_hand)
        packed = _pack(answer, basis)
        if len(packed) <= LIMITS.packed_answer_bytes:
            remember(self._packed, _short(key), packed, LIMITS.verdict_cache_entries)

    def _unpack(self, key: AnswerKey) -> _AtHand | None:
        packed = self._packed.get(_short(key))
        if packed is None:
            return None
        answer, basis = _unpack(packed, key.image_digest)
        known = _AtHand(basis, fingerprint_of(basis), answer)
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


def _short(key: AnswerKey) -> bytes:
    return hashlib.blake2b(repr(key).encode("utf-8"), digest_size=_KEY_BYTES).digest()


def _pack(answer: Answer, basis: EvidenceBasis) -> bytes:
    result = answer.result
    uri = "" if result.evidence_ref is None else result.evidence_ref.uri
    value = b"null" if result.value is None else result.value.canonical or canonical_json(result.value.value)
    since, until = ((instant - _EPOCH) // timedelta.resolution for instant in (answer.since, answer.until))
    verified = result.lane is Lane.VERIFIED
    place, rest = uri.encode("utf-8"), _pack_rest(basis, uri)
    head = _HEAD.pack(since, until, answer.sufficient, verified, len(basis.origins), len(place), len(rest))
    # Digests as they are: they are random, and as text they would take more, also packed.
    digests = b"".join([bytes.fromhex(origin.digest.removeprefix(_SHA256)) for origin in basis.origins])
    packer = zlib.compressobj(zlib.Z_BEST_COMPRESSION, wbits=_RAW_DEFLATE, zdict=_TYPICAL)
    return head + digests + packer.compress(place + rest + value) + packer.flush()


def _unpack(packed: bytes, image_digest: str) -> tuple[Answer, EvidenceBasis]:
    since, until, sufficient, verified, origins, uri_bytes, rest_bytes = _HEAD.unpack_from(packed)
    begin = _HEAD.size + origins * _DIGEST_BYTES
    digests = [_SHA256 + packed[at : at + _DIGEST_BYTES].hex() for at in range(_HEAD.size, begin, _DIGEST_BYTES)]
    body = zlib.decompressobj(wbits=_RAW_DEFLATE, zdict=_TYPICAL).decompress(packed[begin:])
    uri, rest = body[:uri_bytes].decode("utf-8"), body[uri_bytes : uri_bytes + rest_bytes]
    canonical = body[uri_bytes + rest_bytes :]
    lane = Lane.VERIFIED if verified else Lane.ASSERTED
    result = _result(json.loads(canonical), canonical, (lane, uri or None, image_digest))
    basis = _unpack_rest(rest, digests, uri)
    return Answer(_instant(since), _instant(until), sufficient, replace(result, basis=basis)), basis


def _pack_rest(basis: EvidenceBasis, uri: str) -> bytes:
    """Packs what of a basis is not in its digests; nothing in the usual case, which is one envelope that speaks."""
    if basis == EvidenceBasis(tuple([Origin(origin.digest, uri) for origin in basis.origins])):
        return b""
    places = [(origin.uri, _plain(origin.platform)) for origin in basis.origins]
    return canonical_json([places, [_plain(platform) for platform in basis.platforms], basis.remark])


def _unpack_rest(rest: bytes, digests: list[str], uri: str) -> EvidenceBasis:
    if not rest:
        return EvidenceBasis(tuple([Origin(digest, uri) for digest in digests]))
    places, platforms, remark = json.loads(rest)
    pairs = zip(digests, places, strict=True)
    origins = [Origin(digest, place, platform and Platform(*platform)) for digest, (place, platform) in pairs]
    return EvidenceBasis(tuple(origins), tuple([Platform(*platform) for platform in platforms]), remark)


def _plain(platform: Platform | None) -> tuple[str, str] | None:
    return None if platform is None else (platform.name, platform.digest)


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
