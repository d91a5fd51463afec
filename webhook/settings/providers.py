"""The sections `disclosure` and `providers`: who answers evidence queries, and what of the answers may be shown."""

from typing import Annotated

from pydantic import Field

from webhook.settings.section import Section


class DisclosureSettings(Section):
    """Whether raw values may be shown: this allows it, and the provider itself does where that is required."""

    allow_raw_values: Annotated[bool, Field(strict=True)] = False
    """Whether any raw value may be shown."""
    require_provider_opt_in: Annotated[bool, Field(strict=True)] = True
    """Whether the provider's own `allowRaw` is needed besides."""


class StatementProviderSettings(Section):
    """A provider that answers from signed statements."""

    allow_raw: Annotated[bool, Field(strict=True)] = False
    """Whether its raw values may be shown."""


class ProviderSettings(Section):
    """Who answers evidence queries; the providers that need no settings are always there."""

    execution_evidence: StatementProviderSettings = Field(default_factory=StatementProviderSettings)
    """The provider `execution-evidence`."""
    beacon_rate: StatementProviderSettings = Field(default_factory=StatementProviderSettings)
    """The provider `beacon-rate`."""
