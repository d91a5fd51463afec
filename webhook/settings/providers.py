"""The sections `disclosure` and `providers`: who answers evidence queries, and what of the answers may be shown."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from webhook.limits import LIMITS
from webhook.settings.remote import RemoteHost, RemoteProviderSettings, check_remotes
from webhook.settings.section import Section

VariableName = Annotated[str, Field(pattern=rf"^[ -<>-~]{{1,{LIMITS.variable_name_bytes}}}$")]
"""Printable ASCII without `=`, as Kubernetes has it."""


_BUILT_IN = frozenset({"execution-evidence", "beacon-rate", "env"})
"""Ids of the providers that are part of this program, whether they are configured or not."""


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


class EnvSettings(Section):
    """The provider `env`: variables of this process' environment."""

    allowlist: Annotated[tuple[VariableName, ...], Field(min_length=1, max_length=LIMITS.variables)]
    """Variables that may be asked for, by their exact names."""
    denylist: Annotated[tuple[VariableName, ...], Field(max_length=LIMITS.variables)] = ()
    """Variables that may not, also where they are allowed."""
    allow_raw: Annotated[bool, Field(strict=True)] = False
    """Whether raw values may be shown."""

    @property
    def content(self) -> list[str]:
        """What a verdict can depend on: the variables that may be asked for, sorted."""
        return sorted({*self.allowlist} - {*self.denylist})


class ProviderSettings(Section):
    """Who answers evidence queries; the providers that need no settings are always there."""

    execution_evidence: StatementProviderSettings = Field(default_factory=StatementProviderSettings)
    """The provider `execution-evidence`."""
    beacon_rate: StatementProviderSettings = Field(default_factory=StatementProviderSettings)
    """The provider `beacon-rate`."""
    env: EnvSettings | None = None
    """The provider `env`; without this section there is none."""
    remote_hosts: Annotated[tuple[RemoteHost, ...], Field(max_length=LIMITS.remotes)] = ()
    """Hosts, `host` or `host:port`, that remotes may lie on."""
    remote: Annotated[tuple[RemoteProviderSettings, ...], Field(max_length=LIMITS.remotes)] = ()
    """Providers elsewhere."""

    @field_validator("remote")
    @classmethod
    def _fit_together(
        cls, value: tuple[RemoteProviderSettings, ...], info: ValidationInfo
    ) -> tuple[RemoteProviderSettings, ...]:
        # Hosts that are wrong themselves have been complained of already.
        hosts = info.data.get("remote_hosts")
        check_remotes(value, [remote.authority for remote in value] if hosts is None else hosts, _BUILT_IN)
        return value

    @property
    def opted_in(self) -> frozenset[str]:
        """Ids of the providers whose raw values may be shown."""
        return frozenset(name for name, provider in self._named.items() if provider.allow_raw)

    @property
    def ids(self) -> frozenset[str]:
        """Ids of all providers that answer."""
        return frozenset(self._named)

    @property
    def _named(self) -> dict[str, StatementProviderSettings | EnvSettings | RemoteProviderSettings]:
        named = {"execution-evidence": self.execution_evidence, "beacon-rate": self.beacon_rate, "env": self.env}
        own = {name: provider for name, provider in named.items() if provider is not None}
        return {**own, **{remote.id: remote for remote in self.remote}}
