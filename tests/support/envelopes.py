"""DSSE envelopes and Sigstore bundles, built by hand from DSSE v1.0.2 and sigstore_bundle.proto v0.3."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from tests.support.keys import Signer

IN_TOTO = "application/vnd.in-toto+json"
BUNDLE_V03 = "application/vnd.dev.sigstore.bundle.v0.3+json"


def pae(payload_type: str, body: bytes) -> bytes:
    """The pre-authentication encoding, word by word from protocol.md."""
    kind = payload_type.encode()
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(body)).encode(), body])


def b64(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.standard_b64encode(data).decode()


def signature(body: bytes, signer: Signer, payload_type: str = IN_TOTO) -> dict[str, str]:
    """One entry of `signatures`."""
    return {"keyid": signer.name, "sig": b64(signer.sign(pae(payload_type, body)))}


def envelope(body: bytes, signers: Sequence[Signer]) -> dict[str, Any]:
    """An envelope signed by each signer."""
    return {"payloadType": IN_TOTO, "payload": b64(body), "signatures": [signature(body, one) for one in signers]}


def bundle(dsse: dict[str, Any], media_type: str = BUNDLE_V03) -> dict[str, Any]:
    """A bundle signed by a key, as cosign 3 writes it."""
    return {
        "mediaType": media_type,
        "verificationMaterial": {"publicKey": {"hint": "staging"}},
        "dsseEnvelope": dsse,
    }


def dump(document: Any) -> bytes:
    """A JSON document's bytes."""
    return json.dumps(document).encode()
