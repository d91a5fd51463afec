"""Who may say that an image was seen running, and where."""

from dataclasses import dataclass, field

from webhook.model.beacon import BEACON_PREDICATE_TYPES, BeaconAttestation
from webhook.model.canonical import canonical_json, sha256_digest
from webhook.model.pattern import RepositoryPattern
from webhook.model.statement import PREDICATE_TYPES, ExecutionEvidence
from webhook.trust.bounds import Bounded
from webhook.trust.identity import TrustedIdentity
from webhook.trust.keys import PublicKey
from webhook.trust.root import TrustedRoot

Evidence = ExecutionEvidence | BeaconAttestation
"""What a statement of ours can say."""


@dataclass(frozen=True, slots=True)
class TrustedKey(Bounded):
    """A key with the bounds of what it may speak for.

    Attributes:
        name: The name that messages and records show.
        key: The public key.
        environments: Names of evidence environments, case-folded; None means any.
        repositories: Patterns of image repositories; None means any.
    """

    name: str
    key: PublicKey
    environments: frozenset[str] | None = None
    repositories: tuple[RepositoryPattern, ...] | None = None


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """All trusted keys and identities, and how many of them must agree.

    Attributes:
        keys: The keys; the same key may stand under several names with different bounds.
        threshold: Distinct signers that there must be, at least 1. A bundle that an identity signed has one
            signature, and so one signer.
        predicate_types: Accepted predicate types of execution evidence, compared exactly (CVE-2022-35930). Those of
            beacon attestations are given, and stay theirs whatever stands here.
        identities: Who may sign with a certificate.
        root: The Sigstore that certifies them; there is one if there are identities.
        digest: `sha256:` and 64 hexadecimal digits over the whole policy; part of every cache key.
    """

    keys: tuple[TrustedKey, ...] = ()
    threshold: int = 1
    predicate_types: frozenset[str] = frozenset(PREDICATE_TYPES)
    identities: tuple[TrustedIdentity, ...] = ()
    root: TrustedRoot | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Computes the policy's own digest.

        Raises:
            ValueError: The threshold is below 1, which would trust everybody; or nobody certifies the identities.
        """
        if self.threshold < 1:
            raise ValueError("the threshold is at least 1")
        if self.identities and self.root is None:
            raise ValueError("identities need a trusted root")
        object.__setattr__(self, "digest", sha256_digest(canonical_json(self._content())))

    def kind_of(self, predicate_type: str) -> type[Evidence] | None:
        """Tells what statements of a predicate type say.

        Args:
            predicate_type: As it stands in the statement; compared exactly.

        Returns:
            The predicate's model, of which there is never more than one; None for the statements of others.
        """
        if predicate_type in BEACON_PREDICATE_TYPES:
            return BeaconAttestation
        return ExecutionEvidence if predicate_type in self.predicate_types else None

    @property
    def statement_types(self) -> frozenset[str]:
        """The predicate types of all statements that are ours."""
        return self.predicate_types.union(BEACON_PREDICATE_TYPES)

    def _content(self) -> dict[str, object]:
        content: dict[str, object] = {
            "keys": [{"name": entry.name, "keyId": entry.key.key_id, **entry.bounds} for entry in self.keys],
            "threshold": self.threshold,
            "predicateTypes": sorted(self.predicate_types),
        }
        if self.identities and self.root is not None:
            # Only then, so that a policy of keys alone keeps the digest that older records name.
            content["identities"] = [entry.content for entry in self.identities]
            content["trustedRoot"] = self.root.digest
        return content
