"""Everything the package raises on purpose.

Two roots carry the product's main distinction: `EvidenceError` says that the evidence is at fault,
`UnavailableError` says that we could not find out. The first leads to the verdict of missing evidence, the
second to `UnavailableEvidenceAction`. The others concern input that is no evidence at all.

Messages are our own sentences. They may be shown to users, so they never hold another exception's text.
"""

from typing import Self

from webhook.reasons import ReasonCode


class EvidenceError(Exception):
    """A statement was found, but it does not count.

    Attributes:
        reason: The stable code.
        detail: One lower-case clause without a full stop, fit for `found: …` in a user's message.
    """

    def __init__(self, reason: ReasonCode, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail

    def without_history(self) -> Self:
        """Makes the error fit to be kept: what led to it would keep alive whatever was read, and all made of it.

        Returns:
            The same error, changed: without traceback and causes.
        """
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


class MalformedError(EvidenceError):
    """The bytes do not follow the specification that they claim to follow."""

    def __init__(self, detail: str) -> None:
        super().__init__(ReasonCode.EVIDENCE_MALFORMED, detail)


class UntrustedError(EvidenceError):
    """Not enough trusted keys signed these bytes."""

    def __init__(self, detail: str) -> None:
        super().__init__(ReasonCode.EVIDENCE_UNTRUSTED, detail)


class UnavailableError(Exception):
    """Evidence could not be looked for, so its absence is not known.

    Attributes:
        detail: One lower-case clause that names the part that failed and how, without secrets.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ConfigurationError(Exception):
    """A file of the person who runs the gate (configuration, key, certificate) cannot be used.

    The text names the file or the setting and what to change.
    """


class ImageReferenceError(ValueError):
    """An image reference that no container runtime would accept, or whose digest is not sha256."""


class ReviewError(ValueError):
    """A request body that is no AdmissionReview; answered with HTTP 400."""
