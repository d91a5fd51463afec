"""Evidence about what was observed: built, signed, held against the gate's own trust, brought to where it looks."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.counted import Counted
from webhook.attest.signing.signed import SignedEvidence, Signer
from webhook.errors import UnavailableError
from webhook.model.image import ImageReference
from webhook.model.statement import Tracer
from webhook.observer.images import Report
from webhook.observer.running import Window
from webhook.trust.policy import TrustPolicy
from webhook.trust.verify import open_envelope


class Publisher(Protocol):
    """A place where the gate looks."""

    async def publish(self, evidence: SignedEvidence, image: ImageReference, digests: Sequence[str]) -> "Published":
        """Brings evidence there.

        Args:
            evidence: What was signed.
            image: The image, with the digest that ran.
            digests: Those of the evidence's digests that lack some, where each has its own place.

        Returns:
            What became of it; a place that fails keeps it from no other.
        """


@dataclass(frozen=True, slots=True)
class Published:
    """What became of evidence.

    Attributes:
        places: Where it lies, for people.
        failures: Why it does not lie elsewhere, one clause each.
    """

    places: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


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

    async def attest(self, report: Report, counted: Counted, window: Window, lacking: Sequence[str]) -> str:
        """Makes evidence, and publishes it if the gate would count it.

        Args:
            report: The image, and its digests.
            counted: What was seen.
            window: When.
            lacking: Those of its digests that have no evidence. The others get no more of it, which would pile up
                beside them while one of these cannot be written.

        Returns:
            Where it lies, for people.

        Raises:
            EvidenceError: The gate would not count it; nothing was published.
            UnavailableError: It could not be signed, or could not be brought to some place.
        """
        watched = report.watched
        observation = Observation(watched.environment, window.end, window.start, self.tracer)
        others = [digest for digest in report.digests if digest != watched.image.digest]
        payload = self.builder(observation).statement(counted, watched.image, others)
        evidence = await asyncio.to_thread(self._sign, payload, watched.image.repository)
        published = [await publisher.publish(evidence, watched.image, lacking) for publisher in self.publishers]
        places = ", ".join(place for one in published for place in one.places)
        failures = [failure for one in published for failure in one.failures]
        if failures:
            raise UnavailableError("; ".join([*failures, *([f"it lies in {places}"] if places else [])]))
        return places

    def _sign(self, payload: bytes, repository: str) -> SignedEvidence:
        evidence = self.signer.sign(payload)
        for form in (evidence.envelope, evidence.bundle):
            if form is not None:
                opened = open_envelope(form, self.trust)
                for digest in evidence.digests:
                    opened.about(digest, repository)
        return evidence
