"""ExecutionEvidence objects for the tests of everything that follows them."""

import base64
import hashlib
import json
from typing import Any

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def digest(word: str) -> str:
    """Names an image that does not exist.

    Args:
        word: Any word.

    Returns:
        `sha256:` and 64 hexadecimal digits.
    """
    return "sha256:" + hashlib.sha256(word.encode()).hexdigest()


def envelope(*images: str, hot_symbols: int = 42) -> dict[str, Any]:
    """Writes an envelope around evidence about images. Its signature is nonsense, which no store looks at.

    Args:
        images: Digests.
        hot_symbols: Its count, to tell envelopes apart.

    Returns:
        A DSSE envelope.
    """
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "stella.ops/executionEvidence@v1",
        "subject": [{"name": "cart", "digest": {"sha256": image.removeprefix("sha256:")}} for image in images],
        "predicate": {
            "environment": "staging",
            "observedUntil": "2026-11-24T06:36:35Z",
            "hotSymbolCount": hot_symbols,
            "uniqueCallPaths": 17,
        },
    }
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return {"payloadType": PAYLOAD_TYPE, "payload": payload, "signatures": [{"keyid": "k", "sig": "bm9uc2Vuc2U="}]}


def bundle(*images: str) -> str:
    """Writes a Sigstore bundle, signed with a key.

    Args:
        images: Digests.

    Returns:
        JSON text, with white space that a canonical writer would not leave.
    """
    content = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "k"}},
        "dsseEnvelope": envelope(*images),
    }
    return json.dumps(content, indent=2) + "\n"


def resource(name: str, spec: Any) -> dict[str, Any]:
    """Writes a manifest.

    Args:
        name: The object's name.
        spec: Its spec.

    Returns:
        An ExecutionEvidence.
    """
    return {
        "apiVersion": "stella.ops/v1alpha1",
        "kind": "ExecutionEvidence",
        "metadata": {"name": name},
        "spec": spec,
    }


def stored(name: str, spec: Any, second: int = 0, **metadata: Any) -> dict[str, Any]:
    """Writes an object as the API server gives it.

    Args:
        name: Its name.
        spec: Its spec.
        second: When it was created, in seconds after midnight.
        metadata: More metadata.

    Returns:
        An ExecutionEvidence.
    """
    created = f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    full = {"name": name, "uid": f"uid-{name}", "generation": 1, "creationTimestamp": created, **metadata}
    return {"metadata": full, "spec": spec}
