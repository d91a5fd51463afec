"""What is left of a store's answer when its bytes are no longer held: enough to see that it is still the same."""

import hashlib

from webhook.model.basis import EvidenceBasis, Origin
from webhook.stores.protocol import Found

FINGERPRINT_BYTES = 24
"""192 bits: nobody finds two answers that have the same."""


def basis_of(found: Found) -> EvidenceBasis:
    """Names all that a judgement depends on.

    Args:
        found: A whole answer; whether it has a gap makes no difference.

    Returns:
        Each candidate's digest, place and platform, the platforms, and the remark.
    """
    origins = tuple([Origin(entry.digest, entry.uri, entry.platform) for entry in found.candidates])
    return EvidenceBasis(origins, found.platforms, found.remark)


def fingerprint_of(basis: EvidenceBasis) -> bytes:
    """Tells bases apart.

    Args:
        basis: What a judgement depends on.

    Returns:
        `FINGERPRINT_BYTES` over it, the gap left out.
    """
    names = [tuple(origin) for origin in basis.origins]
    text = repr((names, basis.platforms, basis.remark))
    return hashlib.blake2b(text.encode("utf-8"), digest_size=FINGERPRINT_BYTES).digest()


class FoundShrinker:
    """Makes answers small, for a `FetchCache`: evidence takes kilobytes, and is needed once for each set of rules."""

    def shrink(self, found: Found) -> bytes | None:
        """Makes an outline.

        Args:
            found: The whole answer.

        Returns:
            The outline; None for an answer that is not worth one: nothing was found, or not all could be read.
        """
        return fingerprint_of(basis_of(found)) if found.candidates and found.gap is None else None

    def restore(self, outline: bytes) -> Found:
        """Gives what is left of an answer.

        Args:
            outline: What `shrink` gave.

        Returns:
            An answer without candidates, with their fingerprint.
        """
        return Found((), fingerprint=outline)
