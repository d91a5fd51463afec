"""A small statement, and envelopes around statements."""

from datetime import UTC, datetime

from tests.attest.keys import private_pem
from tests.attest.made import read
from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.counted import count_execution
from webhook.attest.signing.key import SigningKey
from webhook.attest.signing.statement import KeySigner
from webhook.model.image import ImageReference
from webhook.model.statement import PREDICATE_TYPES

DIGEST = "sha256:" + "ab" * 32
IMAGE = ImageReference.parse(f"registry.example.com/shop/cart@{DIGEST}")
UNTIL = datetime(2026, 11, 24, 6, 36, 35, tzinfo=UTC)


def payload(environment: str = "staging", predicate_type: str = PREDICATE_TYPES[0]) -> bytes:
    """A statement about `DIGEST` with two hot symbols and two call paths."""
    builder = ExecutionEvidenceBuilder(Observation(environment, UNTIL), predicate_type=predicate_type)
    return builder.statement(count_execution(read(b"main;price 30\nmain 10\n")), IMAGE)


def signer(kind: str = "Ed25519", owner: str = "staging") -> KeySigner:
    return KeySigner(SigningKey.from_pem(private_pem(kind, owner=owner)))


def signed_envelope(body: bytes, kind: str = "Ed25519", owner: str = "staging") -> bytes:
    """The bare envelope alone."""
    signed = signer(kind, owner).sign(body).envelope
    assert signed is not None
    return signed
