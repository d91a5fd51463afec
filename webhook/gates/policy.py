"""The configuration section `PolicyGates.ExecutionEvidence`.

The first seed's five options with its defaults, and our additions. PascalCase as the seed writes them; camelCase
is read too.
"""

import re
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel, to_pascal
from pydantic.aliases import AliasChoices, AliasGenerator

from webhook.limits import LIMITS
from webhook.model.canonical import canonical_json

_LONGEST_SECONDS = 10**13
"""More than the longest duration that can be written."""
_DURATION = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
_ENVIRONMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


class Action(StrEnum):
    """What happens when evidence does not count."""

    WARN = "Warn"
    BLOCK = "Block"


class TagPolicy(StrEnum):
    """What happens to an image that is named by a tag."""

    REQUIRE_DIGEST = "RequireDigest"
    RESOLVE = "Resolve"


class RollbackPolicy(StrEnum):
    """What happens to an image that the workload ran before, and whose evidence has become stale since."""

    GATE = "Gate"
    """As to any other image."""
    ALLOW_PREVIOUSLY_ADMITTED = "AllowPreviouslyAdmitted"
    """It is admitted, with a warning."""


class MinLane(StrEnum):
    """Whose word counts."""

    VERIFIED = "Verified"
    """A trusted key's."""
    ASSERTED = "Asserted"
    """Anybody's: signatures are not needed. For trying out only."""


def _duration(value: Any) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match or not value:
        raise ValueError("write a duration such as `720h`, `30m` or `1h30m`")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """Writes a duration as the configuration has it.

    Args:
        duration: Whole seconds, not negative.

    Returns:
        For example `720h`, `1h30m` or `45s`.
    """
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def is_environment(name: str) -> bool:
    """Tells whether an environment can be called so.

    Args:
        name: Any text.

    Returns:
        True for what can be a namespace label's value and a part of the webhook's URL.
    """
    return _ENVIRONMENT.fullmatch(name) is not None


def _environment(name: str) -> str:
    if not is_environment(name):
        raise ValueError("an environment's name has 1 to 63 of the characters A-Z a-z 0-9 . _ -")
    return name


Threshold = Annotated[int, Field(strict=True, ge=0, le=LIMITS.count_maximum)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
EnvironmentName = Annotated[str, Field(strict=True), AfterValidator(_environment)]
EnvironmentNames = tuple[EnvironmentName, ...]

_SPELLINGS = AliasGenerator(
    validation_alias=lambda name: AliasChoices(to_pascal(name), to_camel(name)), serialization_alias=to_pascal
)


class PolicyModel(BaseModel):
    """Base of the section's models: frozen, unknown keys refused, both spellings."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_SPELLINGS, validate_by_name=False)


class PolicyOverrides(PolicyModel):
    """What one environment sets differently; what is not set comes from the section."""

    enabled: Annotated[bool, Field(strict=True)] | None = None
    missing_evidence_action: Action | None = None
    min_hot_symbol_count: Threshold | None = None
    min_unique_call_paths: Threshold | None = None
    evidence_environments: EnvironmentNames | None = None
    max_evidence_age: Duration | None = None
    unavailable_evidence_action: Action | None = None
    min_lane: MinLane | None = None
    tag_policy: TagPolicy | None = None
    rollback: RollbackPolicy | None = None


class ExecutionEvidencePolicy(PolicyModel):
    """The section `PolicyGates.ExecutionEvidence`."""

    enabled: Annotated[bool, Field(strict=True)] = False
    """Whether the gate is active (opt-in)."""
    missing_evidence_action: Action = Action.WARN
    """What happens when no evidence counts: `Warn` or `Block`."""
    required_environments: EnvironmentNames = ("production",)
    """Environments that require evidence, compared without case."""
    min_hot_symbol_count: Threshold = 3
    """Minimum hot symbols for sufficient trace quality."""
    min_unique_call_paths: Threshold = 1
    """Minimum unique call paths for sufficient trace quality."""
    evidence_environments: EnvironmentNames = ("staging",)
    """Whose evidence counts, compared without case."""
    max_evidence_age: Duration | None = None
    """The oldest observation that counts (`720h`); by default any age does."""
    unavailable_evidence_action: Action | None = None
    """What happens when a store cannot be asked; by default as `MissingEvidenceAction`."""
    min_lane: MinLane = MinLane.VERIFIED
    """Whose word counts: `Verified` (a trusted key's) or `Asserted` (anybody's)."""
    tag_policy: TagPolicy = TagPolicy.REQUIRE_DIGEST
    """What happens to an image named by a tag: `RequireDigest` (as missing evidence) or `Resolve`."""
    rollback: RollbackPolicy = RollbackPolicy.GATE
    """Whether an image whose evidence has become stale may return to a workload that ran it: `Gate` means no."""
    overrides: dict[EnvironmentName, PolicyOverrides] = Field(default_factory=dict)
    """Environment name to the options that differ there."""

    @field_validator("overrides")
    @classmethod
    def _no_name_twice(cls, value: dict[str, PolicyOverrides]) -> dict[str, PolicyOverrides]:
        if len({name.casefold() for name in value}) != len(value):
            raise ValueError("names an environment twice (names compare without case)")
        return value

    def for_environment(self, environment: str) -> "ExecutionEvidencePolicy":
        """Gives the policy that holds for one environment.

        Args:
            environment: The target environment; compared without case.

        Returns:
            The same policy with that environment's overrides applied and none left.
        """
        return self._effective.get(environment.casefold(), self._without_overrides)

    def requires(self, environment: str) -> bool:
        """Tells whether an environment requires evidence.

        Args:
            environment: The target environment; compared without case, so that `Production` is no way around.

        Returns:
            True if it is in `RequiredEnvironments`.
        """
        return environment.casefold() in self._required

    def accepts_evidence_from(self, environment: str) -> bool:
        """Tells whether evidence from an environment counts.

        Args:
            environment: The evidence's environment; compared without case.

        Returns:
            True if it is in `EvidenceEnvironments`.
        """
        return environment.casefold() in self._evidence

    @property
    def unavailable_action(self) -> Action:
        """What happens when a store cannot be asked."""
        return self.unavailable_evidence_action or self.missing_evidence_action

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> "ExecutionEvidencePolicy":
        """Reads the options back, to decide again by a record.

        Args:
            content: What `content` gave.

        Returns:
            The same policy.

        Raises:
            ValueError: It is not what `content` gives.
        """
        age = content.get("MaxEvidenceAge")
        if age is None:
            return cls.model_validate(content)
        if type(age) is not int or not 0 <= age <= _LONGEST_SECONDS:
            raise ValueError("MaxEvidenceAge is no number of seconds")
        # Not through its text: hours and minutes that each had nine digits may have more between them.
        policy = cls.model_validate({**content, "MaxEvidenceAge": None})
        return policy._with({"max_evidence_age": timedelta(seconds=age)})  # noqa: SLF001 - own class

    @cached_property
    def content(self) -> dict[str, Any]:
        """The options in the seed's spelling, as canonical JSON can hold them; durations in whole seconds."""
        return {name: _plain(value) for name, value in self.model_dump(by_alias=True).items()}

    @cached_property
    def canonical(self) -> bytes:
        """The options as canonical JSON, for records."""
        return canonical_json(self.content)

    @cached_property
    def _required(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.required_environments)

    @cached_property
    def _evidence(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.evidence_environments)

    @cached_property
    def _without_overrides(self) -> "ExecutionEvidencePolicy":
        return self._with({"overrides": {}})

    @cached_property
    def _effective(self) -> "dict[str, ExecutionEvidencePolicy]":
        return {
            name.casefold(): self._without_overrides._with(override.model_dump(exclude_none=True))  # noqa: SLF001 - own class
            for name, override in self.overrides.items()
        }

    def _with(self, changes: dict[str, Any]) -> "ExecutionEvidencePolicy":
        # Not model_copy: it would carry the cached properties over, and with them the old environments.
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return self.model_construct(**(values | changes))


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items() if member is not None}
    if isinstance(value, (tuple, list)):
        return [_plain(member) for member in value]
    return value.value if isinstance(value, StrEnum) else value
