"""Signed evidence, made from the specifications alone: a second implementation beside the product's `attest`.

Sources: DSSE v1.0.2 protocol.md (PAE), in-toto Statement v1, docs/contracts/execution-evidence-v1.md.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

REPOSITORY = "registry.example.com/shop/cart"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"


def digest_of(name: str) -> str:
    """Names an image of the tests.

    Args:
        name: Any text; the same text is the same image.

    Returns:
        `sha256:` and 64 hexadecimal digits.
    """
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def image_of(name: str) -> str:
    """Gives the pinned reference of an image of the tests.

    Args:
        name: As for `digest_of`.

    Returns:
        Repository and digest.
    """
    return f"{REPOSITORY}@{digest_of(name)}"


def statement(digest: str, **changes: Any) -> dict[str, Any]:
    """Makes a statement that meets the default thresholds.

    Args:
        digest: The image's.
        changes: Members of the predicate that differ.

    Returns:
        An in-toto statement v1.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    predicate = {"environment": "staging", "observedUntil": now, "hotSymbolCount": 42, "uniqueCallPaths": 17}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": REPOSITORY, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": "stella.ops/executionEvidence@v1",
        "predicate": predicate | changes,
    }


def beacon_statement(digest: str, verified: int, expected: int) -> dict[str, Any]:
    """Makes a statement about beacons.

    Args:
        digest: The image's.
        verified: Beacons that were verified.
        expected: Beacons that were expected.

    Returns:
        An in-toto statement v1 (docs/contracts/beacon-attestation-v1.md).
    """
    about = statement(digest)
    members = {name: about["predicate"][name] for name in ("environment", "observedUntil")}
    counts = {"beaconsExpected": expected, "beaconsVerified": verified}
    return about | {"predicateType": "stella.ops/beaconAttestation@v1", "predicate": members | counts}


@dataclass(frozen=True)
class Signer:
    """Somebody with an ECDSA P-256 key."""

    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls) -> "Signer":
        """Makes a key.

        Returns:
            Its holder.
        """
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_pem(self) -> bytes:
        """The public key as PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, content: Mapping[str, Any]) -> str:
        """Signs a statement.

        Args:
            content: The statement.

        Returns:
            The DSSE envelope as JSON text.
        """
        payload = json.dumps(content).encode()
        encoded = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
        signature = self._key.sign(encoded, ec.ECDSA(SHA256()))
        envelope = {
            "payloadType": _PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}],
        }
        return json.dumps(envelope)
