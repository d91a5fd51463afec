"""Who may say that an image was seen running, and where."""

from dataclasses import dataclass, field

from webhook.model.beacon import BEACON_PREDICATE_TYPES, BeaconAttestation
from webhook.model.canonical import canonical_json, sha256_digest
from webhook.model.pattern import RepositoryPattern
from webhook.model.statement import PREDICATE_TYPES, ExecutionEvidence
from webhook.trust.keys import PublicKey

Evidence = ExecutionEvidence | BeaconAttestation
"""What a statement of ours can say."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
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

    def may_speak_for(self, environment: str, repository: str | None) -> bool:
        """Tells whether the key's word counts for an environment and an image.

        Args:
            environment: The environment that the statement names.
            repository: The image's host and path; None if nobody knows it, which no bound key accepts.

        Returns:
            True if both bounds hold.
        """
        if self.environments is not None and environment.casefold() not in self.environments:
            return False
        if self.repositories is None:
            return True
        return repository is not None and any(pattern.matches(repository) for pattern in self.repositories)


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """All trusted keys and how many of them must agree.

    Attributes:
        keys: The keys; the same key may stand under several names with different bounds.
        threshold: Distinct keys that must have signed, at least 1.
        predicate_types: Accepted predicate types of execution evidence, compared exactly (CVE-2022-35930). Those of
            beacon attestations are given, and stay theirs whatever stands here.
        digest: `sha256:` and 64 hexadecimal digits over the whole policy; part of every cache key.
    """

    keys: tuple[TrustedKey, ...] = ()
    threshold: int = 1
    predicate_types: frozenset[str] = frozenset(PREDICATE_TYPES)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Computes the policy's own digest.

        Raises:
            ValueError: The threshold is below 1, which would trust everybody.
        """
        if self.threshold < 1:
            raise ValueError("the threshold is at least 1")
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
        return {
            "keys": [
                {
                    "name": entry.name,
                    "keyId": entry.key.key_id,
                    "environments": None if entry.environments is None else sorted(entry.environments),
                    "repositories": (
                        None if entry.repositories is None else [pattern.text for pattern in entry.repositories]
                    ),
                }
                for entry in self.keys
            ],
            "threshold": self.threshold,
            "predicateTypes": sorted(self.predicate_types),
        }
