"""The caps hold together: the largest input that they allow still costs little.

CVE-2023-46737, CVE-2023-33957, CVE-2023-42816, CVE-2024-45395: endless data. Anybody who may push to a registry
may lay such an envelope beside an image, so it must not use up a review's deadline.
"""

import pytest

from tests.support.deadline import at_most
from tests.support.envelopes import IN_TOTO, b64, dump
from tests.support.keys import ed25519_key
from tests.support.statements import IMAGE, statement, subject
from tests.support.verdicts import MALFORMED, UNTRUSTED, trusting, verdict
from webhook.limits import LIMITS
from webhook.model.statement import Statement
from webhook.trust.policy import TrustPolicy

ROOM = LIMITS.envelope_bytes - 1024
SECONDS = LIMITS.deadline_default / 4
"""What one envelope may take at most on a slow machine."""


def test_largest_envelope_with_most_signatures_is_checked_against_most_keys_in_time() -> None:
    # Real signatures over other bytes: random ones would be refused before any hashing.
    stranger = ed25519_key("stranger")
    signatures = [{"sig": b64(stranger.sign(b"%d" % number))} for number in range(LIMITS.signatures)]
    payload = b64(b" " * ((ROOM - len(dump(signatures))) // 4 * 3))
    raw = dump({"payloadType": IN_TOTO, "payload": payload, "signatures": signatures})
    policy = trusting(*(ed25519_key(f"key {number}") for number in range(LIMITS.trusted_keys)))
    assert len(raw) <= LIMITS.envelope_bytes
    with at_most(SECONDS):
        assert verdict(raw, policy) == UNTRUSTED


@pytest.mark.parametrize(
    ("unit", "end"),
    [(b"[", b""), (b'{"a":', b""), (b"[],", b"0"), (b"1,", b"1"), (b'"\\u0041",', b"1"), (b"{},", b"{}")],
    ids=["open lists", "open objects", "lists", "integers", "escapes", "objects"],
)
def test_largest_document_is_refused_in_time(unit: bytes, end: bytes) -> None:
    raw = b"[" + unit * (ROOM // len(unit)) + end + b"]"
    with at_most(SECONDS):
        assert verdict(raw, TrustPolicy()) == MALFORMED


def test_object_with_most_names_is_refused_in_time() -> None:
    raw = b"{" + b",".join(b'"%06x":0' % number for number in range(ROOM // 12)) + b"}"
    with at_most(SECONDS):
        assert verdict(raw, TrustPolicy()) == MALFORMED


@pytest.mark.parametrize("literal", [b"9" * ROOM, b"0." + b"1" * ROOM, b"1e" + b"9" * ROOM, b"-" + b"1" * ROOM])
def test_longest_number_is_read_in_time(literal: bytes) -> None:
    with at_most(SECONDS):
        assert verdict(literal[:ROOM], TrustPolicy()) == MALFORMED


def test_statement_with_most_subjects_is_read_in_time() -> None:
    body = statement(subject=[subject(IMAGE, "n" * 2048)] * LIMITS.subjects)
    with at_most(SECONDS):
        assert Statement.parse(body).digests() == {IMAGE}
