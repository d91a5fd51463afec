"""What rules on an image: each gate and each condition, bound to one snapshot of the settings.

A gate asks its provider about the image's digest. A condition may ask about anything, so it is asked even about an
image whose digest nobody knows.
"""

from typing import Any, NamedTuple, Protocol

from webhook.admission.decision import Ruling
from webhook.model.evidence import EvidenceContext
from webhook.reasons import ReasonCode


class Subject(NamedTuple):
    """The image that is ruled on.

    Attributes:
        digest: `sha256:` and 64 hexadecimal digits; None if it is not known.
        repository: Host and path; None if the reference cannot be read.
    """

    digest: str | None
    repository: str | None


class Asking(NamedTuple):
    """One review, as rulers see it.

    Attributes:
        environment: The target environment.
        context: On whose behalf and when providers are asked.
        kind: The object's kind.
        name: The object's name, or its `generateName`.
        deadline: When all must be ruled on, on `time.monotonic`'s scale, seconds.
        shared: What rulers have worked out for this review, by keys of their own; new for each review.
    """

    environment: str
    context: EvidenceContext
    kind: str
    name: str
    deadline: float
    shared: dict[Any, Any]


class Ruler(Protocol):
    """One gate, or one condition."""

    needs_digest: bool
    """Whether there is nothing to ask about an image without a digest."""

    def active(self, environment: str) -> bool:
        """Tells whether it has a say in an environment.

        Args:
            environment: The target environment; compared without case.

        Returns:
            True if it has.
        """

    def passed_before(self, subject: Subject, environment: str) -> bool:
        """Tells whether an image passed lately, so that the answer about it is most likely at hand.

        Args:
            subject: The image.
            environment: The target environment.

        Returns:
            True if it did.
        """

    def without_evidence(self, environment: str, reason: ReasonCode, found: str) -> Ruling:
        """Rules on what cannot be looked up.

        Args:
            environment: The target environment.
            reason: Why it cannot.
            found: The same in one clause.

        Returns:
            Warn or Fail; never Pass.
        """

    def unavailable(self, environment: str, found: str) -> Ruling:
        """Rules where nothing could be found out.

        Args:
            environment: The target environment.
            found: Why, in one clause.

        Returns:
            Warn or Fail; never Pass.
        """

    async def rule(self, subject: Subject, asking: Asking) -> Ruling:
        """Rules on an image.

        Args:
            subject: The image; its digest is known where `needs_digest` is set.
            asking: The review.

        Returns:
            The ruling. A provider's failure is a ruling too, never an exception.
        """
