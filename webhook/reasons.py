"""The reason codes: why a verdict is what it is, in words that programs may rely on.

A code never changes its meaning and is never removed before 1.0 without a line in CHANGELOG.md.
docs/reasons.md says for each one what a user should do next.
"""

from enum import StrEnum


class ReasonCode(StrEnum):
    """Why an image, or a whole review, got its verdict."""

    EVIDENCE_SUFFICIENT = "EvidenceSufficient"
    """Trusted evidence about this digest meets the thresholds."""
    ENVIRONMENT_NOT_REQUIRED = "EnvironmentNotRequired"
    """The environment is not in `RequiredEnvironments`."""
    GATE_DISABLED = "GateDisabled"
    """`Enabled` is false."""
    EVIDENCE_MISSING = "EvidenceMissing"
    """No store holds a statement of our type about this digest."""
    EVIDENCE_INSUFFICIENT = "EvidenceInsufficient"
    """Trusted evidence exists, but a count lies below its threshold."""
    EVIDENCE_UNTRUSTED = "EvidenceUntrusted"
    """A statement exists, but not enough trusted keys signed it for this image and environment."""
    EVIDENCE_MALFORMED = "EvidenceMalformed"
    """A statement exists, but its bytes do not follow the specification."""
    EVIDENCE_STALE = "EvidenceStale"
    """A trusted statement exists, but it is older than `MaxEvidenceAge`."""
    EVIDENCE_FROM_OTHER_ENVIRONMENT = "EvidenceFromOtherEnvironment"
    """A trusted statement exists, but its environment is not in `EvidenceEnvironments`."""
    EVIDENCE_UNAVAILABLE = "EvidenceUnavailable"
    """A store could not be asked, so nobody knows whether evidence exists."""
    IMAGE_NOT_PINNED = "ImageNotPinned"
    """The image is named by a tag that is not resolved, or that leads to no digest."""
    IMAGE_REFERENCE_INVALID = "ImageReferenceInvalid"
    """The image reference cannot be read, so it cannot be looked up."""
    BREAK_GLASS = "BreakGlass"
    """An authorised user bypassed the gate."""
    IMAGE_EXEMPT = "ImageExempt"
    """The image's repository matches `exemptImages`."""
    IMAGES_UNCHANGED = "ImagesUnchanged"
    """The change brings no image that the object did not already run."""
    WORKLOAD_NOT_SUPPORTED = "WorkloadNotSupported"
    """The object holds no list of images that the gate can read."""
