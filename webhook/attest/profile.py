"""A profile: which call stacks were seen, and how often.

Every format's parser yields a `Profile`; counting and building know no format.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Stack = tuple[str, ...]
"""The symbols of one call stack, outermost caller first, at least one. The last one, the leaf, was running."""


class ProfileError(ValueError):
    """The bytes are no profile that counts can be made from; the text says where and why, and is ours."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A parsed profile.

    Attributes:
        samples: Distinct stacks with their samples, each at least 1; not empty.
        digest: `sha256:` and 64 hexadecimal digits over the profile's bytes.
        media_type: The format of these bytes.
    """

    samples: Mapping[Stack, int]
    digest: str
    media_type: str

    @property
    def sample_count(self) -> int:
        """All samples together."""
        return sum(self.samples.values())
