"""Calls the code under test and names the outcome in one word, for tables."""

from collections.abc import Callable, Sequence

from tests.support.keys import Signer
from tests.support.statements import IMAGE, REPOSITORY
from webhook.errors import EvidenceError
from webhook.trust.keys import PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.verify import verify

VERIFIED = "verified"
MALFORMED = "EvidenceMalformed"
UNTRUSTED = "EvidenceUntrusted"
MISSING = "EvidenceMissing"


def trusting(*signers: Signer, threshold: int = 1) -> TrustPolicy:
    """A policy that trusts each signer for everything."""
    keys = tuple(TrustedKey(one.name, PublicKey.from_pem(one.pem)) for one in signers)
    return TrustPolicy(keys, threshold)


def verdict(raw: bytes, policy: TrustPolicy, image: str = IMAGE, repository: str | None = REPOSITORY) -> str:
    """`verified`, or the reason code."""
    try:
        verify(raw, image, repository, policy)
    except EvidenceError as error:
        return error.reason.value
    return VERIFIED


def reason_of(call: Callable[[], object]) -> str:
    """The reason code that a call raises, or `accepted`."""
    try:
        call()
    except EvidenceError as error:
        return error.reason.value
    return "accepted"


def names(rows: Sequence[tuple[object, ...]]) -> list[str]:
    """Test ids from each row's first column."""
    return [str(row[0])[:60] for row in rows]
