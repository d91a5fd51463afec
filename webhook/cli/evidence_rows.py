"""One candidate statement: what it says, or why it does not count.

Without a configuration, what counts is what a trusted key vouches for. With one, a statement is judged as the gate
judges it, by the policy of each environment that requires evidence; it counts if it suffices in one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webhook.errors import EvidenceError
from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.policy import ExecutionEvidencePolicy, MinLane
from webhook.model.beacon import BeaconAttestation
from webhook.model.evidence import Lane
from webhook.model.image import ImageReference
from webhook.model.statement import ExecutionEvidence
from webhook.providers.judgement import why_not
from webhook.providers.kinds import EXECUTION_EVIDENCE, StatementKind, beacon_attestation
from webhook.providers.opening import EnvelopeOpener, read_about
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings
from webhook.stores.protocol import Candidate
from webhook.trust.policy import Evidence, TrustPolicy
from webhook.trust.verify import VerifiedStatement

_BELOW = "below a threshold of the gate"

Kinds = Mapping[type[Evidence], StatementKind[Any]]
"""What each kind of statement means, by its model."""


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate statement.

    Attributes:
        store: The name of the store that holds it.
        candidate: Its bytes, and where they lie.
        statement: What may be believed of it; None if nothing may.
        reason: Why it counts or does not, by the gate's policy; None if it is verified and there is no policy.
        detail: The same in one clause; None if it counts.
    """

    store: str
    candidate: Candidate
    statement: VerifiedStatement | None
    reason: ReasonCode | None
    detail: str | None

    @property
    def counts(self) -> bool:
        """Whether it counts."""
        return self.detail is None

    @property
    def verified(self) -> bool:
        """Whether trusted signers vouch for it."""
        return self.statement is not None and self.statement.lane is Lane.VERIFIED


class Examiner:
    """Judges candidates about one image."""

    def __init__(self, image: ImageReference, trust: TrustPolicy, settings: Settings | None, now: datetime) -> None:
        """Binds everything that the judgement depends on.

        Args:
            image: The image, with its digest.
            trust: Who is believed.
            settings: The gate's configuration, or None.
            now: The instant for which is asked.
        """
        self._image = image
        self._opener = EnvelopeOpener(trust)
        self._now = now
        self._policies = _policies(settings)
        self.kinds = kinds_by(settings)

    async def examine(self, store: str, candidate: Candidate) -> Row:
        """Judges one candidate.

        Args:
            store: The name of the store that holds it.
            candidate: The candidate.

        Returns:
            The row. Where no environment lets it count, the reason is the first one's.
        """
        if not self._policies:
            outcome = await self._outcome(candidate, assertions_count=False)
            if isinstance(outcome, EvidenceError):
                return Row(store, candidate, None, outcome.reason, outcome.detail)
            return Row(store, candidate, outcome, None, None)
        rows = [await self._under(policy, store, candidate) for policy in self._policies]
        # Of equals, `max` takes the first.
        return max(rows, key=lambda row: row.counts)

    async def _under(self, policy: ExecutionEvidencePolicy, store: str, candidate: Candidate) -> Row:
        outcome = await self._outcome(candidate, assertions_count=policy.min_lane is MinLane.ASSERTED)
        if isinstance(outcome, EvidenceError):
            return Row(store, candidate, None, outcome.reason, outcome.detail)
        kind = self.kinds[type(outcome.evidence)]
        objection = why_not(outcome, policy, self._now, kind)
        if objection is not None:
            reason = kind.reasons.get(objection.reason, objection.reason)
            return Row(store, candidate, outcome, reason, objection.detail)
        enough = kind.suffices(outcome.evidence, policy)
        reason = ReasonCode.EVIDENCE_SUFFICIENT if enough else ReasonCode.EVIDENCE_INSUFFICIENT
        return Row(store, candidate, outcome, kind.reasons.get(reason, reason), None if enough else _BELOW)

    async def _outcome(self, candidate: Candidate, *, assertions_count: bool) -> VerifiedStatement | EvidenceError:
        opened = await self._opener.open(candidate, assertions_count=assertions_count)
        if isinstance(opened, EvidenceError):
            return opened
        digest = self._image.digest if candidate.platform is None else candidate.platform.digest
        assert digest is not None  # noqa: S101 - whoever makes an examiner has resolved the tag
        return read_about(opened, digest, self._image.repository, assertions_count=assertions_count)


def required_environments(settings: Settings) -> Sequence[str]:
    """Lists the environments in which a gate asks for statements.

    Args:
        settings: The gate's configuration.

    Returns:
        Their names, each once, in the file's order.
    """
    beacons = settings.file.policy_gates.beacon_rate
    return [
        *dict.fromkeys(
            [*settings.policy.required_environments, *(beacons.required_environments if beacons.enabled else ())]
        )
    ]


def kinds_by(settings: Settings | None) -> Kinds:
    """Describes the kinds of statements by a configuration.

    Args:
        settings: The gate's configuration, or None for its defaults.

    Returns:
        The descriptions, by the predicate's model.
    """
    beacons = BeaconRatePolicy() if settings is None else settings.file.policy_gates.beacon_rate
    return {ExecutionEvidence: EXECUTION_EVIDENCE, BeaconAttestation: beacon_attestation(beacons)}


def _policies(settings: Settings | None) -> Sequence[ExecutionEvidencePolicy]:
    """Gives the policy of each environment; the general one where none requires evidence."""
    if settings is None:
        return ()
    policy = settings.policy
    return [policy.for_environment(name) for name in required_environments(settings) or ("",)]
