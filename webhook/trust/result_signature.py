"""The signature of an evidence result: who vouches for its value.

Source: Decision Gate, `verify_signature`: Ed25519 over the canonical JSON of the digest object. It covers the value
alone: neither the query, nor the context, nor the time, so a signed answer can be shown again for another question.
Nor its kind: the hash of bytes is that of the JSON value that is written so, and each can be shown as the other.
"""

from collections.abc import Mapping
from typing import Final

from webhook.errors import UntrustedError
from webhook.model.canonical import canonical_json
from webhook.model.evidence import EvidenceHash, EvidenceResult
from webhook.trust.keys import PublicKey

SCHEME: Final = "ed25519"


def signed_bytes(digest: EvidenceHash) -> bytes:
    """Gives what a provider signs.

    Args:
        digest: The hash of the value.

    Returns:
        `{"algorithm":…,"value":…}`, canonical.
    """
    return canonical_json({"algorithm": digest.algorithm, "value": digest.value})


def verify_result(result: EvidenceResult, keys: Mapping[str, PublicKey]) -> None:
    """Checks that a result is signed by one of some keys.

    Args:
        result: The result; that its hash is the value's has been checked.
        keys: Key id, as the signature names it, to Ed25519 key. The id chooses the key, as the provider's word of
            which it used; a signature counts only if that key made it.

    Raises:
        UntrustedError: It is not: there is no hash to sign or no signature, by another scheme, by an unknown key,
            or not over this hash.
    """
    digest, signature = result.evidence_hash, result.signature
    if digest is None:
        raise UntrustedError("the answer has no value that could be signed")
    if signature is None:
        raise UntrustedError("the answer is not signed")
    if signature.scheme != SCHEME:
        raise UntrustedError("the answer is signed by a scheme that is not known")
    key = keys.get(signature.key_id)
    if key is None or not key.is_ed25519:
        raise UntrustedError("the answer is signed by a key that is not trusted")
    if not key.verifies(bytes(signature.signature), signed_bytes(digest)):
        raise UntrustedError("the answer's signature is not valid")
