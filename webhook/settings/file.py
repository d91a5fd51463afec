"""The file as it is written: one model a section."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field

from webhook.gates.policy import EnvironmentNames, ExecutionEvidencePolicy, PolicyModel
from webhook.limits import LIMITS
from webhook.settings.providers import DisclosureSettings, ProviderSettings
from webhook.settings.records import RecordSettings
from webhook.settings.section import Section
from webhook.settings.stores import PatternText, StoreSettings

WORKLOADS = (
    "Deployment",
    "Rollout",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "Pod",
)
"""Kinds that the gate can read."""


def _workload(kind: str) -> str:
    if kind not in WORKLOADS:
        raise ValueError(f"not one of {', '.join(WORKLOADS)}")
    return kind


WorkloadKind = Annotated[str, AfterValidator(_workload)]


class PolicyGates(PolicyModel):
    """The section `PolicyGates`: one entry a gate."""

    execution_evidence: ExecutionEvidencePolicy = Field(default_factory=ExecutionEvidencePolicy)
    """The gate `execution-evidence`."""


class TrustedKeySettings(Section):
    """One trusted key."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    """Shown in messages, Events and records."""
    file: Path
    """PEM public key; relative to the configuration file."""
    environments: EnvironmentNames | None = None
    """Environments that the key may speak for; any by default."""
    repositories: tuple[PatternText, ...] | None = None
    """Image repositories that the key may speak for (`registry.example.com/shop/*`); any by default."""


class TrustSettings(Section):
    """Who is believed."""

    keys: Annotated[tuple[TrustedKeySettings, ...], Field(max_length=LIMITS.trusted_keys)] = ()
    threshold: Annotated[int, Field(strict=True, ge=1)] = 1
    """Distinct keys that must have signed."""
    predicate_types: tuple[Annotated[str, Field(min_length=1)], ...] | None = None
    """Accepted predicate types, compared exactly; by default the two spellings of ours."""


class EventSettings(Section):
    """Kubernetes Events."""

    enabled: Annotated[bool, Field(strict=True)] = True
    """Whether each evaluated review leaves an Event (needs a Kubernetes client)."""


class ServerSettings(Section):
    """The server's own behaviour."""

    drain_seconds: Annotated[float, Field(strict=True, ge=0, le=600)] = 20.0
    """Seconds that a stopping server still answers, until every API server has gone elsewhere."""


class SettingsFile(Section):
    """The file as it is written."""

    policy_gates: Annotated[PolicyGates, Field(validation_alias=AliasChoices("PolicyGates", "policyGates"))] = Field(
        default_factory=PolicyGates
    )
    stores: StoreSettings = Field(default_factory=StoreSettings)
    trust: TrustSettings = Field(default_factory=TrustSettings)
    exempt_images: tuple[PatternText, ...] = ()
    """Repositories whose images need no evidence (`docker.io/library/redis`); none by default."""
    workloads: tuple[WorkloadKind, ...] = ("Deployment", "Rollout")
    """Kinds that are evaluated; a kind that is sent here without standing here is never admitted silently."""
    providers: ProviderSettings = Field(default_factory=ProviderSettings)
    disclosure: DisclosureSettings = Field(default_factory=DisclosureSettings)
    records: RecordSettings = Field(default_factory=RecordSettings)
    events: EventSettings = Field(default_factory=EventSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    help_url: Annotated[str, Field(pattern=r"^https?://[!-~]{1,100}$")] | None = None
    """A page of yours that denials point to."""
