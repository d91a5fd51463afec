"""A transparency log like Rekor, version 1 and 2: entries, proofs, checkpoints and promises.

Sources: RFC 6962, section 2.1 (Merkle trees); C2SP signed-note and tlog-checkpoint; Rekor's types dsse/0.0.1 and
hashedrekord/0.0.2, and its signed entry timestamp.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.simulators.sigstore_certificates import spki
from tests.support.envelopes import IN_TOTO, b64, pae

HOST = "log.example.com"
ORIGINS = {1: f"{HOST} - 1193050959916656506", 2: HOST}
"""How checkpoints call the log, by Rekor's version: sigstore-go tells them apart by the tree's number."""


def root_of(leaves: list[bytes]) -> bytes:
    """The Merkle tree's hash."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    cut = _largest_power_below(len(leaves))
    return hashlib.sha256(b"\1" + root_of(leaves[:cut]) + root_of(leaves[cut:])).digest()


def path_to(index: int, leaves: list[bytes]) -> list[bytes]:
    """The audit path of a leaf, from the leaf upwards."""
    if len(leaves) == 1:
        return []
    cut = _largest_power_below(len(leaves))
    if index < cut:
        return [*path_to(index, leaves[:cut]), root_of(leaves[cut:])]
    return [*path_to(index - cut, leaves[cut:]), root_of(leaves[:cut])]


def _largest_power_below(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def dsse_body(envelope: dict[str, Any], certificate: x509.Certificate) -> bytes:
    """What Rekor 1 keeps of a signed envelope."""
    payload = base64.b64decode(envelope["payload"])
    pem = b64(certificate.public_bytes(Encoding.PEM))
    spec = {
        "envelopeHash": _hash(json.dumps(envelope, separators=(",", ":")).encode()),
        "payloadHash": _hash(payload),
        "signatures": [{"signature": entry["sig"], "verifier": pem} for entry in envelope["signatures"]],
    }
    return _canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})


def hashedrekord_body(envelope: dict[str, Any], certificate: x509.Certificate) -> bytes:
    """What Rekor 2 keeps of a signed envelope."""
    digest = hashlib.sha256(pae(IN_TOTO, base64.b64decode(envelope["payload"]))).digest()
    verifier = {
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "x509Certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
    }
    record = {
        "data": {"algorithm": "SHA2_256", "digest": b64(digest)},
        "signature": {"content": envelope["signatures"][0]["sig"], "verifier": verifier},
    }
    return _canonical({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}})


@dataclass
class TransparencyLog:
    """A log that appends and proves."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    leaves: list[bytes] = field(default_factory=lambda: [b"one before", b"another before", b"and a third"])

    @property
    def log_id(self) -> bytes:
        """32 bytes: the hash of the public key."""
        return hashlib.sha256(spki(self.key)).digest()

    def append(self, body: bytes, at: datetime | None) -> dict[str, Any]:
        """Adds an entry, and gives it as a bundle holds it.

        Args:
            body: The canonical body.
            at: When; the log promises it. None for version 2, which does not.
        """
        index = len(self.leaves)
        self.leaves.append(body)
        header = json.loads(body)
        entry: dict[str, Any] = {
            "logIndex": str(index),
            "logId": {"keyId": b64(self.log_id)},
            "kindVersion": {"kind": header["kind"], "version": header["apiVersion"]},
            "inclusionProof": self.proof(index, 2 if at is None else 1),
            "canonicalizedBody": b64(body),
        }
        if at is not None:
            entry["integratedTime"] = str(int(at.timestamp()))
            entry["inclusionPromise"] = {"signedEntryTimestamp": b64(self.promise(body, index, at))}
        return entry

    def proof(self, index: int, version: int = 1) -> dict[str, Any]:
        """The proof that a leaf is in the tree as it is now."""
        root = root_of(self.leaves)
        return {
            "logIndex": str(index),
            "rootHash": b64(root),
            "treeSize": str(len(self.leaves)),
            "hashes": [b64(node) for node in path_to(index, self.leaves)],
            "checkpoint": {"envelope": self.checkpoint(len(self.leaves), root, version)},
        }

    def checkpoint(self, size: int, root: bytes, version: int = 1) -> str:
        """A signed note about the tree."""
        note = f"{ORIGINS[version]}\n{size}\n{b64(root)}\n"
        signed = self.log_id[:4] + self.key.sign(note.encode(), ec.ECDSA(hashes.SHA256()))
        return f"{note}\n\u2014 {HOST} {b64(signed)}\n"

    def promise(self, body: bytes, index: int, at: datetime) -> bytes:
        """A signed entry timestamp."""
        promised = {
            "body": b64(body),
            "integratedTime": int(at.timestamp()),
            "logID": self.log_id.hex(),
            "logIndex": index,
        }
        return self.key.sign(_canonical(promised), ec.ECDSA(hashes.SHA256()))


def _hash(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _canonical(document: dict[str, Any]) -> bytes:
    # Texts are ASCII and numbers integers, for which this is RFC 8785.
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
