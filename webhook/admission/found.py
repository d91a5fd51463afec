"""What was found, in words that hold nothing of the evidence itself, for where its raw values may not be shown.

What is left is the site's own: where statements lie, which configured keys signed, which rule they did not meet.
"""

from collections.abc import Mapping

from webhook.model.evidence import EvidenceResult
from webhook.reasons import ReasonCode

_SPEAKING = "a statement in {place}, signed by {signer}"
_UNSIGNED = "a statement in {place}, signed by no trusted key"
_REFUSED: Mapping[ReasonCode, str] = {
    ReasonCode.EVIDENCE_STALE: "a statement in {place} that is older than MaxEvidenceAge",
    ReasonCode.EVIDENCE_FROM_OTHER_ENVIRONMENT: "a statement in {place} from an environment that does not count here",
    ReasonCode.EVIDENCE_UNTRUSTED: "a statement in {place} signed by no key that may speak for it",
    ReasonCode.EVIDENCE_MALFORMED: "a statement in {place} that does not follow its contract",
}
_ABOUT_OTHERS = "a statement in {place} of another kind, or not about this image"


def undisclosed(evidence: EvidenceResult, reason: ReasonCode, detail: str, signer: str | None) -> str:
    """Says what was found without the content of what was found.

    Args:
        evidence: The provider's answer.
        reason: Why the image got its verdict.
        detail: What was found, with its content.
        signer: Names of the configured keys that signed; None where no statement speaks for the image.

    Returns:
        One clause.
    """
    if evidence.evidence_ref is None:
        # There was no statement at all: the clause is the stores', and there is nothing to hide.
        return detail
    if signer is None:
        text = _REFUSED.get(reason, _ABOUT_OTHERS)
        return text.format(place=evidence.evidence_ref.uri)
    text = _SPEAKING if signer else _UNSIGNED
    return text.format(place=evidence.evidence_ref.uri, signer=signer)
