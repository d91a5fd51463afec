"""What is left of a store's answer when its bytes are no longer held: enough to see that it is still the same."""

import hashlib

from webhook.stores.protocol import Found

FINGERPRINT_BYTES = 24
"""192 bits: nobody finds two answers that have the same."""


def fingerprint_of(found: Found) -> bytes:
    """Tells answers apart by all that a judgement depends on.

    Args:
        found: An answer without a gap, or its outline.

    Returns:
        `FINGERPRINT_BYTES` over each candidate's digest, place and platform, the platforms, and the remark.
    """
    if found.fingerprint is not None:
        return found.fingerprint
    names = [(entry.digest, entry.uri, entry.platform) for entry in found.candidates]
    basis = repr((names, found.platforms, found.remark))
    return hashlib.blake2b(basis.encode("utf-8"), digest_size=FINGERPRINT_BYTES).digest()


class FoundShrinker:
    """Makes answers small, for a `FetchCache`: evidence takes kilobytes, and is needed once for each set of rules."""

    def shrink(self, found: Found) -> bytes | None:
        """Makes an outline.

        Args:
            found: The whole answer.

        Returns:
            The outline; None for an answer that is not worth one: nothing was found, or not all could be read.
        """
        return fingerprint_of(found) if found.candidates and found.gap is None else None

    def restore(self, outline: bytes) -> Found:
        """Gives what is left of an answer.

        Args:
            outline: What `shrink` gave.

        Returns:
            An answer without candidates, with their fingerprint.
        """
        return Found((), fingerprint=outline)
