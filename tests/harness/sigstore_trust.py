"""The documents that tell clients of a Sigstore where it is and by what to know it.

Source: sigstore_trustroot.proto (protobuf-specs v0.5): TrustedRoot 0.1, SigningConfig 0.2, ClientTrustConfig 0.1.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_OPERATOR = "test-sigstore"
_NOTE_ED25519 = b"\x01"


@dataclass(frozen=True)
class SigstoreAddresses:
    """Where the services listen, as URLs without a path."""

    fulcio: str
    rekor: str
    tsa: str
    ct_log: str
    issuer: str


def trusted_root(
    addresses: SigstoreAddresses,
    chain: Sequence[x509.Certificate],
    ct_log: ec.EllipticCurvePublicKey,
    rekor: tuple[str, ed25519.Ed25519PublicKey],
    tsa_chain: Sequence[x509.Certificate],
) -> dict[str, Any]:
    """Writes down by what the services are known.

    Args:
        addresses: Where they are.
        chain: Fulcio's certificates, its own first and the root last.
        ct_log: The key of the log of certificates.
        rekor: The name that Rekor signs its checkpoints with, and its key.
        tsa_chain: The timestamp authority's certificates, in the same order as `chain`.

    Returns:
        A TrustedRoot.
    """
    origin, key = rekor
    log = _log(addresses.rekor, _key(key), "PKIX_ED25519", _note_key_id(origin, key))
    ct_id = hashlib.sha256(_key(ct_log)).digest()  # RFC 6962, section 3.2.
    return {
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [log],
        "certificateAuthorities": [_authority(addresses.fulcio, chain)],
        "ctlogs": [_log(addresses.ct_log, _key(ct_log), "PKIX_ECDSA_P256_SHA_256", ct_id)],
        "timestampAuthorities": [_authority(addresses.tsa, tsa_chain)],
    }


def signing_config(addresses: SigstoreAddresses) -> dict[str, Any]:
    """Writes down whom to ask for what.

    Args:
        addresses: Where the services are.

    Returns:
        A SigningConfig: certificates by Fulcio's API v1, a log with Rekor's API v2, timestamps.
    """
    return {
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [_service(addresses.fulcio, 1)],
        "oidcUrls": [_service(addresses.issuer, 1)],
        "rekorTlogUrls": [_service(addresses.rekor, 2)],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": [_service(f"{addresses.tsa}/api/v1/timestamp", 1)],
        "tsaConfig": {"selector": "ANY"},
    }


def client_trust_config(root: dict[str, Any], services: dict[str, Any]) -> dict[str, Any]:
    """Puts both into one document.

    Args:
        root: A TrustedRoot.
        services: A SigningConfig.

    Returns:
        A ClientTrustConfig.
    """
    media_type = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
    return {"mediaType": media_type, "trustedRoot": root, "signingConfig": services}


def _log(url: str, key: bytes, details: str, log_id: bytes) -> dict[str, Any]:
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {"rawBytes": _base64(key), "keyDetails": details, "validFor": _since_yesterday()},
        "logId": {"keyId": _base64(log_id)},
    }


def _authority(url: str, chain: Sequence[x509.Certificate]) -> dict[str, Any]:
    return {
        "subject": {"organization": _OPERATOR, "commonName": chain[-1].subject.rfc4514_string()},
        "uri": url,
        "certChain": {"certificates": [{"rawBytes": _base64(one.public_bytes(Encoding.DER))} for one in chain]},
        "validFor": _since_yesterday(),
    }


def _service(url: str, version: int) -> dict[str, Any]:
    return {"url": url, "majorApiVersion": version, "validFor": _since_yesterday(), "operator": _OPERATOR}


def _since_yesterday() -> dict[str, str]:
    return {"start": (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}


def _key(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _note_key_id(origin: str, key: ed25519.Ed25519PublicKey) -> bytes:
    """Names a log's key as signed-note (C2SP) does, whole instead of its first four bytes."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(origin.encode() + b"\n" + _NOTE_ED25519 + raw).digest()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
