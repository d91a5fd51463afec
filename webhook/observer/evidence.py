"""Evidence about what was observed: built, signed, held against the gate's own trust, brought to where it looks."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.counted import Counted
from webhook.attest.signing.signed import SignedEvidence, Signer
from webhook.model.image import ImageReference
from webhook.model.statement import Tracer
from webhook.observer.images import Watched
from webhook.observer.running import Window
from webhook.trust.policy import TrustPolicy
from webhook.trust.verify import open_envelope


class Publisher(Protocol):
    """A place where the gate looks."""

    async def publish(self, evidence: SignedEvidence, image: ImageReference) -> str:
        """Brings evidence there.

        Args:
            evidence: What was signed.
            image: The image, with the digest that ran.

        Returns:
            Where it lies, for people.

        Raises:
            UnavailableError: It could not be brought there.
        """


@dataclass(frozen=True, slots=True)
class Attestor:
    """Who vouches, who must believe it, and where it goes.

    Attributes:
        builder: Makes the statement.
        signer: Who vouches.
        trust: Whom the gate trusts.
        publishers: Where evidence goes, one after the other.
        tracer: The server that had the profiles.
    """

    builder: Callable[[Observation], ExecutionEvidenceBuilder]
    signer: Signer
    trust: TrustPolicy
    publishers: Sequence[Publisher]
    tracer: Tracer

    async def attest(self, watched: Watched, counted: Counted, window: Window, digests: Sequence[str]) -> str:
        """Makes evidence, and publishes it if the gate would count it.

        Args:
            watched: The image.
            counted: What was seen.
            window: When.
            digests: What is attested; the one that ran is among them.

        Returns:
            Where it lies, for people.

        Raises:
            EvidenceError: The gate would not count it; nothing was published.
            UnavailableError: It could not be signed, or could not be brought to some place.
        """
        observation = Observation(watched.environment, window.end, window.start, self.tracer)
        others = [digest for digest in digests if digest != watched.image.digest]
        payload = self.builder(observation).statement(counted, watched.image, others)
        evidence = await asyncio.to_thread(self._sign, payload, watched.image.repository)
        return ", ".join([await publisher.publish(evidence, watched.image) for publisher in self.publishers])

    def _sign(self, payload: bytes, repository: str) -> SignedEvidence:
        evidence = self.signer.sign(payload)
        for form in (evidence.envelope, evidence.bundle):
            if form is not None:
                opened = open_envelope(form, self.trust)
                for digest in evidence.digests:
                    opened.about(digest, repository)
        return evidence
