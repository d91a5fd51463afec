"""The Sigstore bundle around an envelope that a key has signed.

Source: Sigstore bundle v0.3 (sigstore_bundle.proto), as cosign 3 writes it for a key: without an entry of a log.
"""

import base64
from typing import Any

from webhook.trust.keys import PublicKey

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""Of a Sigstore bundle v0.3."""


def key_bundle(envelope: dict[str, Any], key: PublicKey) -> dict[str, Any]:
    """Wraps an envelope.

    Args:
        envelope: The DSSE envelope, as a JSON object.
        key: Whose private half has signed it.

    Returns:
        The bundle, as a JSON object.
    """
    return {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key_hint(key)}},
        "dsseEnvelope": envelope,
    }


def key_hint(key: PublicKey) -> str:
    """Names a key as cosign does; it helps to find the key, and decides nothing.

    Args:
        key: The key.

    Returns:
        The SHA-256 of its DER SubjectPublicKeyInfo, in standard base64.
    """
    return base64.b64encode(bytes.fromhex(key.key_id.removeprefix("sha256:"))).decode("ascii")
