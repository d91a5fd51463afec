"""The section `trust`: who is believed."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from webhook.gates.policy import EnvironmentNames
from webhook.limits import LIMITS
from webhook.model.beacon import BEACON_PREDICATE_TYPES
from webhook.settings.section import Section
from webhook.settings.stores import PatternText


def _not_beacons(predicate_type: str) -> str:
    # CVE-2022-35930: what is signed for one purpose must not pass for another, not even by configuration.
    if predicate_type in BEACON_PREDICATE_TYPES:
        raise ValueError("the type of beacon attestations, which are no execution evidence")
    return predicate_type


EvidenceType = Annotated[str, Field(min_length=1), AfterValidator(_not_beacons)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
ExactText = Annotated[str, Field(pattern=r"^[!-~]{1,1024}$")]
PatternOfText = Annotated[str, Field(min_length=1, max_length=1024)]


class TrustedKeySettings(Section):
    """One trusted key."""

    name: Name
    """Shown in messages, Events and records."""
    file: Path
    """PEM public key; relative to the configuration file."""
    environments: EnvironmentNames | None = None
    """Environments that the key may speak for; any by default."""
    repositories: tuple[PatternText, ...] | None = None
    """Image repositories that the key may speak for (`registry.example.com/shop/*`); any by default."""


class TrustedIdentitySettings(Section):
    """One trusted identity: somebody who signs with a short-lived certificate."""

    name: Name
    """Shown in messages, Events and records."""
    issuer: ExactText | None = None
    """Who has authenticated it: an OpenID Connect issuer's URL."""
    issuer_reg_exp: PatternOfText | None = None
    """Instead of `issuer`: a regular expression (RE2) that matches the whole of it."""
    subject: ExactText | None = None
    """What the issuer knows it as: a mail address, a workflow's URL, a user's name."""
    subject_reg_exp: PatternOfText | None = None
    """Instead of `subject`: a regular expression (RE2) that matches the whole of it."""
    environments: EnvironmentNames | None = None
    """Environments that the identity may speak for; any by default."""
    repositories: tuple[PatternText, ...] | None = None
    """Image repositories that the identity may speak for; any by default."""

    @model_validator(mode="after")
    def _one_of_each_pair(self) -> Self:
        pairs: tuple[tuple[str, Any, Any], ...] = (
            ("issuer", self.issuer, self.issuer_reg_exp),
            ("subject", self.subject, self.subject_reg_exp),
        )
        for name, exact, pattern in pairs:
            if (exact is None) == (pattern is None):
                raise ValueError(f"needs either `{name}` or `{name}RegExp`")
        return self


class TrustSettings(Section):
    """Who is believed."""

    keys: Annotated[tuple[TrustedKeySettings, ...], Field(max_length=LIMITS.trusted_keys)] = ()
    identities: Annotated[tuple[TrustedIdentitySettings, ...], Field(max_length=LIMITS.trusted_keys)] = ()
    trusted_root: Path | None = None
    """The Sigstore that certifies identities: its `trusted_root.json`; relative to the configuration file."""
    threshold: Annotated[int, Field(strict=True, ge=1)] = 1
    """Distinct keys that must have signed."""
    predicate_types: tuple[EvidenceType, ...] | None = None
    """Accepted predicate types of execution evidence, compared exactly; by default the two spellings of ours."""

    def files(self, folder: Path) -> list[Path]:
        """Gives what the section names.

        Args:
            folder: Where relative paths begin.

        Returns:
            The keys, and the trusted root if there is one.
        """
        root = [] if self.trusted_root is None else [folder / self.trusted_root]
        return [folder / entry.file for entry in self.keys] + root
