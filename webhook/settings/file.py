"""The file as it is written: one model a section."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field

from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.policy import Duration, ExecutionEvidencePolicy, PolicyModel
from webhook.limits import LIMITS
from webhook.settings.conditions import GateSettings
from webhook.settings.providers import DisclosureSettings, ProviderSettings
from webhook.settings.records import RecordSettings
from webhook.settings.section import Section
from webhook.settings.stores import PatternText, StoreSettings
from webhook.settings.trust import TrustSettings

WORKLOADS = (
    "Deployment",
    "Rollout",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "Pod",
    "PodTemplate",
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
    beacon_rate: BeaconRatePolicy = Field(default_factory=BeaconRatePolicy)
    """The gate `beacon-rate`."""


def _longer_than_nothing(duration: timedelta) -> timedelta:
    if not timedelta(0) < duration <= timedelta(seconds=LIMITS.break_glass_seconds):
        raise ValueError("write a duration above 0s and up to 8760h")
    return duration


class BreakGlassSettings(Section):
    """Past the gate in an emergency."""

    enabled: Annotated[bool, Field(strict=True)] = False
    """Whether annotations count where the API server says that the user may `bypass` (needs a Kubernetes client)."""
    max_duration: Annotated[Duration, AfterValidator(_longer_than_nothing)] = timedelta(hours=24)
    """How far ahead of a request its `stella.ops/break-glass-expires` may lie."""

    @property
    def content(self) -> dict[str, Any]:
        """The section as canonical JSON can hold it; the duration in whole seconds."""
        return {"enabled": self.enabled, "maxDuration": int(self.max_duration.total_seconds())}


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
    gates: GateSettings = Field(default_factory=GateSettings)
    stores: StoreSettings = Field(default_factory=StoreSettings)
    trust: TrustSettings = Field(default_factory=TrustSettings)
    exempt_images: tuple[PatternText, ...] = ()
    """Repositories whose images need no evidence (`docker.io/library/redis`); none by default."""
    workloads: tuple[WorkloadKind, ...] = ("Deployment", "Rollout")
    """Kinds that are evaluated; a kind that is sent here without standing here is never admitted silently."""
    evaluate_scale_up: Annotated[bool, Field(strict=True)] = False
    """Whether the sub-resource `scale` is evaluated where it starts the first pods of a workload."""
    break_glass: BreakGlassSettings = Field(default_factory=BreakGlassSettings)
    providers: ProviderSettings = Field(default_factory=ProviderSettings)
    disclosure: DisclosureSettings = Field(default_factory=DisclosureSettings)
    records: RecordSettings = Field(default_factory=RecordSettings)
    events: EventSettings = Field(default_factory=EventSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    help_url: Annotated[str, Field(pattern=r"^https?://[!-~]{1,100}$")] | None = None
    """A page of yours that denials point to."""
