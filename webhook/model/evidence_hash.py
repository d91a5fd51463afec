"""The hash of an evidence value, as Decision Gate computes it, so that one that came over a wire can be checked."""

import hashlib

from webhook.model.canonical_value import canonical_value
from webhook.model.evidence import EvidenceHash, EvidenceValue


def hash_value(value: EvidenceValue) -> EvidenceHash:
    """Computes the hash: SHA-256 over the canonical form of JSON, or over bytes as they are.

    Args:
        value: JSON as `strict_json.parse_json` gives it, or integers from 0 to 255.

    Returns:
        The hash.

    Raises:
        ValueError: The value has none: NaN, infinity, an integer beyond 64 bits, a lone surrogate.
    """
    data = bytes(value.value) if value.kind == "bytes" else canonical_value(value.value)
    return EvidenceHash(hashlib.sha256(data).hexdigest())
