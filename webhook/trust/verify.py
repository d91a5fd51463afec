"""The one way from bytes to a statement that may be believed.

Every discovery route ends here (policy-controller #1971 had a second way). Nothing else makes a
`VerifiedStatement`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from webhook.errors import EvidenceError, UntrustedError
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.model.evidence import Lane
from webhook.model.statement import Statement
from webhook.reasons import ReasonCode
from webhook.trust.certificate import CertificateIdentity
from webhook.trust.dsse import Envelope
from webhook.trust.identity import TrustedIdentity
from webhook.trust.keyless import verify_certified
from webhook.trust.policy import Evidence, TrustedKey, TrustPolicy

OTHER_TYPE = "a statement of another predicate type"
"""The detail of what says something else than what is asked for."""


class _Signer(NamedTuple):
    """Somebody trusted who has signed.

    Attributes:
        who: What the signer is, whatever it is called: the key id, or whom the certificate names.
        entry: The entry of the policy, with name and bounds.
    """

    who: str | CertificateIdentity
    entry: TrustedKey | TrustedIdentity


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """What one statement says about one image digest, and who vouches for it.

    Attributes:
        evidence: The predicate's summary; its type is that of the statement's predicate type, exactly.
        signers: Names of the trusted keys or identities that signed and may speak for it, sorted; empty in the lane
            `asserted`.
        envelope_digest: `sha256:` and 64 hexadecimal digits over the envelope's bytes as they were found.
        lane: `verified` if the trust policy was met; `asserted` only from `open_assertion`.
        identity: Whom the certificate names, if one of the signers is an identity: an entry of the policy can mean
            many.
    """

    evidence: Evidence
    signers: tuple[str, ...]
    envelope_digest: str
    lane: Lane
    identity: CertificateIdentity | None = None

    @property
    def signed_by(self) -> str:
        """The signers, and whom the certificate names, for people; empty without signers."""
        names = ", ".join(self.signers)
        if self.identity is None:
            return names
        return self.identity.shown if names == self.identity.subject else f"{names} as {self.identity.shown}"


@dataclass(frozen=True, slots=True)
class OpenedEnvelope:
    """An envelope after all steps that depend on its bytes alone; what costs is done, and can be kept.

    Attributes:
        envelope_digest: `sha256:` and 64 hexadecimal digits over the bytes as they were found.
        lane: `verified` if the signatures met the policy's threshold, `asserted` if nobody looked at them.
        kind: What the statement says, by its predicate type alone.
    """

    envelope_digest: str
    lane: Lane
    kind: type[Evidence]
    _signers: tuple[_Signer, ...]
    _threshold: int
    _subjects: frozenset[str]
    _evidence: Evidence | EvidenceError

    def about(self, image_digest: str, repository: str | None) -> VerifiedStatement:
        """Takes the steps 5 to 7 of `verify`, which depend on the image.

        Args:
            image_digest: `sha256:` and 64 hexadecimal digits.
            repository: The image's host and path, or None if it is not known.

        Returns:
            The statement, in the envelope's lane.

        Raises:
            EvidenceError: As `verify`.
        """
        if image_digest not in self._subjects:  # (5)
            raise EvidenceError(ReasonCode.EVIDENCE_MISSING, "a statement about other images")
        if isinstance(self._evidence, EvidenceError):  # (6)
            raise EvidenceError(self._evidence.reason, self._evidence.detail)
        if self.lane is Lane.ASSERTED:
            return VerifiedStatement(self._evidence, (), self.envelope_digest, self.lane)
        environment = self._evidence.environment  # (7)
        entitled = [signer for signer in self._signers if signer.entry.may_speak_for(environment, repository)]
        names = ", ".join(sorted({signer.entry.name for signer in self._signers}))
        nobody = f"signed by {names}, which may not speak for environment '{environment}' and this repository"
        _require(entitled, self._threshold, nobody)
        signers = tuple(sorted({signer.entry.name for signer in entitled}))
        certified = next((signer.who for signer in entitled if isinstance(signer.who, CertificateIdentity)), None)
        return VerifiedStatement(self._evidence, signers, self.envelope_digest, self.lane, certified)

    def as_assertion(self) -> "OpenedEnvelope":
        """Gives the same envelope as anybody's word, for `MinLane: Asserted`.

        Returns:
            The envelope in the lane `asserted`.
        """
        return replace(self, lane=Lane.ASSERTED, _signers=())


def verify(raw: bytes, image_digest: str, repository: str | None, policy: TrustPolicy) -> VerifiedStatement:
    """Verifies an envelope, or a bundle that holds one, for one image.

    The steps, in an order in which nothing is parsed that no trusted key has signed:

    0. The size is capped, the envelope is read strictly, and its payload type is in-toto's.
    1. Each signature is checked against every trusted key over the pre-authentication encoding; the key id in
       the envelope is ignored. A bundle that names a certificate instead is verified as `trust.keyless` says, and
       by nothing else; its signer is the issuer and subject of the certificate. Distinct signers are counted by what
       they are, not by their names.
    2. At least `threshold` distinct signers have signed.
    3. The payload is an in-toto statement.
    4. Its predicate type is one of ours, exactly; it alone says what the predicate is read as.
    5. One of its subjects is this image digest.
    6. The predicate follows its contract.
    7. At least `threshold` of the signers may speak for the statement's environment and the image's repository.

    `open_envelope` takes the steps 0 to 4, `OpenedEnvelope.about` the others.

    Args:
        raw: The bytes as a store gave them.
        image_digest: `sha256:` and 64 hexadecimal digits.
        repository: The image's host and path, or None if it is not known.
        policy: The trusted keys and identities.

    Returns:
        The verified statement, in the lane `verified`.

    Raises:
        EvidenceError: With the reason EvidenceMalformed, EvidenceUntrusted, or EvidenceMissing when the
            statement is about something else.
    """
    return open_envelope(raw, policy).about(image_digest, repository)


def open_envelope(raw: bytes, policy: TrustPolicy) -> OpenedEnvelope:
    """Takes the steps 0 to 4 of `verify`: everything that costs, and nothing that depends on the image.

    Args:
        raw: The bytes as a store gave them.
        policy: The trusted keys and identities.

    Returns:
        The envelope, in the lane `verified`.

    Raises:
        EvidenceError: As `verify`.
    """
    envelope = Envelope.parse(raw)  # (0)
    signers = _signers(envelope, policy) if envelope.material is None else _certified(envelope, policy)  # (1)
    _require(signers, policy.threshold, "signed by no key that is trusted")  # (2)
    return _open(raw, envelope, tuple(signers), policy, Lane.VERIFIED)


def open_assertion(raw: bytes, policy: TrustPolicy) -> OpenedEnvelope:
    """Reads an envelope without asking who signed it, for `MinLane: Asserted`.

    Args:
        raw: The bytes as a store gave them.
        policy: Only its predicate types matter.

    Returns:
        The envelope, in the lane `asserted`.

    Raises:
        EvidenceError: As `verify`, for the steps 0, 3 and 4.
    """
    return _open(raw, Envelope.parse(raw), (), policy, Lane.ASSERTED)


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


def _certified(envelope: Envelope, policy: TrustPolicy) -> list[_Signer]:
    identity, meant = verify_certified(envelope, policy)
    return [_Signer(identity, entry) for entry in meant]


def _signers(envelope: Envelope, policy: TrustPolicy) -> list[_Signer]:
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
    return [_Signer(entry.key.key_id, entry) for entry in policy.keys if valid[entry.key.key_id]]


def _require(signers: Sequence[_Signer], threshold: int, nobody: str) -> None:
    distinct = len({signer.who for signer in signers})
    if distinct >= threshold:
        return
    if distinct and threshold > 1:
        raise UntrustedError(f"signed by {distinct} of {threshold} trusted keys that are needed")
    raise UntrustedError(nobody)


def _open(
    raw: bytes, envelope: Envelope, signers: tuple[_Signer, ...], policy: TrustPolicy, lane: Lane
) -> OpenedEnvelope:
    statement = Statement.parse(envelope.payload)  # (3)
    kind = policy.kind_of(statement.predicate_type)  # (4)
    if kind is None:
        raise EvidenceError(ReasonCode.EVIDENCE_MISSING, OTHER_TYPE)
    evidence: Evidence | EvidenceError
    try:
        evidence = statement.read_predicate(kind).summary()
    except EvidenceError as error:
        evidence = error.without_history()
    return OpenedEnvelope(sha256_digest(raw), lane, kind, signers, policy.threshold, statement.digests(), evidence)
