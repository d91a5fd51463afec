"""The observer's own file: what it watches, whom it asks, with what it signs, and where evidence goes.

What suffices, and who is trusted, is said by the gate's configuration, which the file names: there are no second
thresholds that could come to differ.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.gates.policy import Duration, EnvironmentNames
from webhook.limits import LIMITS
from webhook.observer.sources.settings import SourceSettings
from webhook.settings.loading import Settings, load_settings
from webhook.settings.section import Section
from webhook.settings.text import describe_errors, parse_text

_LONGEST_WINDOW = timedelta(hours=24)
_REFRESH = timedelta(hours=24)
_NAMESPACE = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
_LABEL_KEY = r"^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"


def _window(duration: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= duration <= _LONGEST_WINDOW:
        raise ValueError("write a duration from 1m to 24h")
    return duration


def _positive(duration: timedelta) -> timedelta:
    if not duration:
        raise ValueError("write a duration above 0s")
    return duration


Namespace = Annotated[str, Field(strict=True, pattern=_NAMESPACE)]
Namespaces = Annotated[tuple[Namespace, ...], Field(max_length=LIMITS.remote_namespaces)]


class KeylessSettings(Section):
    """Signing as whom an identity token names, by a Sigstore."""

    identity_token_file: Path
    """An OpenID Connect token whose audience is `sigstore`; read anew for each run."""
    trust_config: Path | None = None
    """Where that Sigstore is and whom it is known by (`ClientTrustConfig`); by default the public one."""


class SigningSettings(Section):
    """Who vouches for what was observed."""

    key_file: Path | None = None
    """A private key, as `evidence-gate attest --key` takes one; relative to this file."""
    passphrase_file: Path | None = None
    """What it is encrypted with."""
    keyless: KeylessSettings | None = None
    """Instead of a key."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.key_file is None) == (self.keyless is None):
            raise ValueError("name `keyFile` or `keyless`, one of both")
        if self.passphrase_file is not None and self.key_file is None:
            raise ValueError("`passphraseFile` opens a `keyFile`; leave it out")
        return self


class RegistryPublishSettings(Section):
    """Evidence beside the images, in the registries of the gate's `stores.registry`."""

    layout: Literal["referrer", "cosign"] = "referrer"
    """How it is attached: `referrer` or `cosign`."""
    docker_config: Path | None = None
    """A Docker configuration with logins that may push; by default that of `stores.registry`."""


class PublishSettings(Section):
    """Where evidence goes."""

    cluster: Annotated[bool, Field(strict=True)] = True
    """Whether it becomes an ExecutionEvidence resource of this cluster."""
    registry: RegistryPublishSettings | None = None
    """Whether it is attached to the image in its registry."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.cluster and self.registry is None:
            raise ValueError("evidence that goes nowhere helps nobody; set `cluster` or `registry`")
        return self


class ObserverFile(Section):
    """The file as it is written."""

    gate: Path = Path("config.yaml")
    """The gate's configuration file; relative to this one."""
    environments: EnvironmentNames = ("staging",)
    """Environments that are watched."""
    environment_label: Annotated[str, Field(strict=True, pattern=_LABEL_KEY)] = "stella.ops/environment"
    """Label whose value is a namespace's environment."""
    namespaces: Annotated[Namespaces, Field(min_length=1)] | None = None
    """Namespaces that are watched, as far as they are labelled so; by default all that are."""
    excluded_namespaces: Namespaces = ()
    """Namespaces that are not."""
    window: Annotated[Duration, AfterValidator(_window)] = timedelta(hours=1)
    """How far a run looks back."""
    refresh_after: Annotated[Duration, AfterValidator(_positive)] | None = None
    """The age at which evidence is made anew; by default half of the shortest `MaxEvidenceAge`, and 24h at most."""
    timeout_seconds: Annotated[int, Field(strict=True, ge=10, le=86_400)] = 600
    """What a run may take."""
    multi_platform: Annotated[bool, Field(strict=True)] = True
    """Whether an index of several platforms is attested, although it is not known which of them ran."""
    source: SourceSettings
    """Who has the profiles."""
    signing: SigningSettings
    """Who vouches."""
    publish: PublishSettings = Field(default_factory=PublishSettings)
    """Where evidence goes."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        registry = self.publish.registry
        if self.signing.keyless is not None and registry is not None and registry.layout == "cosign":
            raise ValueError("`publish.registry.layout: cosign` has no room for a certificate; take `referrer`")
        return self

    @field_validator("environments")
    @classmethod
    def _names_one(cls, value: EnvironmentNames) -> EnvironmentNames:
        if not value:
            raise ValueError("name at least one")
        return value

    def watches(self, environment: str) -> bool:
        """Tells whether an environment is watched.

        Args:
            environment: A namespace's label; compared without case.

        Returns:
            True if it is one of `environments`.
        """
        return environment.casefold() in {name.casefold() for name in self.environments}


@dataclass(frozen=True, slots=True)
class ObserverSettings:
    """What an observation works with.

    Attributes:
        file: The observer's file.
        folder: What its relative paths are relative to.
        gate: The gate's configuration.
        refresh_after: The age at which evidence is made anew.
    """

    file: ObserverFile
    folder: Path
    gate: Settings
    refresh_after: timedelta

    def targets(self, environment: str) -> tuple[str, ...]:
        """Finds for whom evidence is made.

        Args:
            environment: Where an image was watched.

        Returns:
            The environments that require evidence and accept it from there, in the configuration's order.
        """
        policy = self.gate.policy
        required = dict.fromkeys(policy.required_environments)
        return tuple(name for name in required if policy.for_environment(name).accepts_evidence_from(environment))


def load_observer_settings(path: Path) -> ObserverSettings:
    """Reads the observer's file and the gate's.

    Args:
        path: YAML or JSON, at most `LIMITS.settings_bytes`.

    Returns:
        The settings.

    Raises:
        ConfigurationError: Anything is wrong; the text names the file, the key and what to change, one line each.
    """
    try:
        content = read_capped(path, LIMITS.settings_bytes)
    except (OSError, ValueError):
        raise ConfigurationError(f"{path}: cannot be read, or is larger than 1 MiB") from None
    try:
        file = ObserverFile.model_validate(parse_text(content, path))
    except ValidationError as error:
        raise ConfigurationError(describe_errors(error, ObserverFile, path)) from None
    gate = load_settings(path.parent / file.gate)
    settings = ObserverSettings(file, path.parent, gate, file.refresh_after or _refresh_after(gate))
    _check(settings, path)
    return settings


def _check(settings: ObserverSettings, path: Path) -> None:
    file, gate = settings.file, settings.gate
    for environment in file.environments:
        if not settings.targets(environment):
            raise ConfigurationError(
                f"{path}: environments: no environment of {gate.path} that requires evidence takes it from "
                f"{environment!r}; see RequiredEnvironments and EvidenceEnvironments"
            )
    stores = gate.file.stores
    for place, wanted, store in (
        ("registry", file.publish.registry is not None, stores.registry),
        ("cluster", file.publish.cluster, stores.cluster),
    ):
        if wanted and store is None:
            # Nobody would find it, the observer neither: it would attest the same again and again.
            raise ConfigurationError(f"{path}: publish.{place}: {gate.path} has no stores.{place}")


def _refresh_after(gate: Settings) -> timedelta:
    """Leaves evidence half of its life to be made anew: a server that is down for a day stops no deployment."""
    policies = [gate.policy.for_environment(name) for name in gate.policy.required_environments]
    ages = [policy.max_evidence_age for policy in policies if policy.max_evidence_age is not None]
    return min([_REFRESH, *(age / 2 for age in ages)])
