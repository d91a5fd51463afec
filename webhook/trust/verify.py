"""The one way from bytes to a statement that may be believed.

Every discovery route ends here (policy-controller #1971 had a second way). Nothing else makes a
`VerifiedStatement`.
"""

from dataclasses import dataclass

from webhook.errors import EvidenceError, UntrustedError
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.model.evidence import Lane
from webhook.model.statement import ExecutionEvidence, Statement
from webhook.reasons import ReasonCode
from webhook.trust.dsse import Envelope
from webhook.trust.policy import TrustedKey, TrustPolicy


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """Execution evidence about one image digest, and who vouches for it.

    Attributes:
        evidence: The predicate's summary.
        signers: Names of the trusted keys that signed and may speak for it, sorted; empty in the lane `asserted`.
        envelope_digest: `sha256:` and 64 hexadecimal digits over the envelope's bytes as they were found.
        lane: `verified` if the trust policy was met; `asserted` only from `read_assertion`.
    """

    evidence: ExecutionEvidence
    signers: tuple[str, ...]
    envelope_digest: str
    lane: Lane


def verify(raw: bytes, image_digest: str, repository: str | None, policy: TrustPolicy) -> VerifiedStatement:
    """Verifies an envelope, or a bundle that holds one, for one image.

    The steps, in an order in which nothing is parsed that no trusted key has signed:

    0. The size is capped, the envelope is read strictly, and its payload type is in-toto's.
    1. Each signature is checked against every trusted key over the pre-authentication encoding; the key id in the
       envelope is ignored. Distinct keys are counted by what they are, not by their names.
    2. At least `threshold` distinct keys have signed.
    3. The payload is an in-toto statement.
    4. Its predicate type is one of ours, exactly.
    5. One of its subjects is this image digest.
    6. The predicate follows its contract.
    7. At least `threshold` of the keys may speak for the statement's environment and the image's repository.

    Args:
        raw: The bytes as a store gave them.
        image_digest: `sha256:` and 64 hexadecimal digits.
        repository: The image's host and path, or None if it is not known.
        policy: The trusted keys.

    Returns:
        The verified statement, in the lane `verified`.

    Raises:
        EvidenceError: With the reason EvidenceMalformed, EvidenceUntrusted, or EvidenceMissing when the statement
            is about something else.
    """
    envelope = Envelope.parse(raw)  # (0)
    signers = _signers(envelope, policy)  # (1)
    _require(signers, policy.threshold, "signed by no key that is trusted")  # (2)
    evidence = _read_evidence(envelope, image_digest, policy)  # (3) to (6)
    entitled = [key for key in signers if key.may_speak_for(evidence.environment, repository)]  # (7)
    names = ", ".join(sorted({key.name for key in signers}))
    _require(
        entitled,
        policy.threshold,
        f"signed by {names}, which may not speak for environment '{evidence.environment}' and this repository",
    )
    signer_names = tuple(sorted({key.name for key in entitled}))
    return VerifiedStatement(evidence, signer_names, sha256_digest(raw), Lane.VERIFIED)


def read_assertion(raw: bytes, image_digest: str, policy: TrustPolicy) -> VerifiedStatement:
    """Reads an envelope without asking who signed it, for `MinLane: Asserted`.

    Args:
        raw: The bytes as a store gave them.
        image_digest: `sha256:` and 64 hexadecimal digits.
        policy: Only its predicate types matter.

    Returns:
        The statement, in the lane `asserted`, without signers.

    Raises:
        EvidenceError: As `verify`, for steps 0 and 3 to 6.
    """
    envelope = Envelope.parse(raw)
    evidence = _read_evidence(envelope, image_digest, policy)
    return VerifiedStatement(evidence, (), sha256_digest(raw), Lane.ASSERTED)


def subject_digests(raw: bytes) -> frozenset[str]:
    """Reads which images an envelope claims to be about, to file it under them. It proves nothing.

    Args:
        raw: The bytes as a store gave them.

    Returns:
        Digests, each `sha256:` and 64 hexadecimal digits.

    Raises:
        EvidenceError: The bytes are no envelope with a statement.
    """
    return Statement.parse(Envelope.parse(raw).payload).digests()


def _signers(envelope: Envelope, policy: TrustPolicy) -> list[TrustedKey]:
    message = envelope.pae()
    pairs = len(envelope.signatures) * len({entry.key.key_id for entry in policy.keys})
    if pairs > LIMITS.verification_pairs or pairs * len(message) > LIMITS.verification_work:
        raise UntrustedError("more signatures than can be checked in an envelope of its size")
    valid: dict[str, bool] = {}
    for entry in policy.keys:
        if entry.key.key_id not in valid:
            valid[entry.key.key_id] = any(
                entry.key.verifies(signature.value, message) for signature in envelope.signatures
            )
    return [entry for entry in policy.keys if valid[entry.key.key_id]]


def _require(keys: list[TrustedKey], threshold: int, nobody: str) -> None:
    distinct = len({entry.key.key_id for entry in keys})
    if distinct >= threshold:
        return
    if distinct and threshold > 1:
        raise UntrustedError(f"signed by {distinct} of {threshold} trusted keys that are needed")
    raise UntrustedError(nobody)


def _read_evidence(envelope: Envelope, image_digest: str, policy: TrustPolicy) -> ExecutionEvidence:
    statement = Statement.parse(envelope.payload)
    if statement.predicate_type not in policy.predicate_types:
        raise EvidenceError(ReasonCode.EVIDENCE_MISSING, "a statement of another predicate type")
    if image_digest not in statement.digests():
        raise EvidenceError(ReasonCode.EVIDENCE_MISSING, "a statement about other images")
    return statement.execution_evidence().summary()
