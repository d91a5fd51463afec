"""What a signer gives, whoever signs: a key, or an identity without one."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SignedEvidence:
    """A signed statement, in the forms in which it can be stored.

    Attributes:
        payload: The statement, as it was signed.
        digests: The images that it is about, each `sha256:` and 64 hexadecimal digits, sorted; at least one.
        envelope: A bare DSSE envelope, UTF-8 JSON with a final line feed. None if a certificate says who signed: a
            bare envelope would lose it.
        bundle: A Sigstore bundle v0.3, UTF-8 JSON with a final line feed.
    """

    payload: bytes
    digests: tuple[str, ...]
    envelope: bytes | None
    bundle: bytes


class Signer(Protocol):
    """Somebody who vouches for statements."""

    def sign(self, payload: bytes) -> SignedEvidence:
        """Signs a statement, and verifies the result as the gate will before anybody gets it. It may block.

        Args:
            payload: The statement's bytes.

        Returns:
            The evidence.

        Raises:
            EvidenceError: The gate would not accept it; the detail names the part at fault.
            UnavailableError: Somebody who is needed to sign does not answer.
        """
        ...
