"""The configuration section `PolicyGates.BeaconRate`. Its contract is this project's own."""

import math
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import Field

from webhook.gates.policy import Action, EnvironmentNames, PolicyModel
from webhook.model.canonical import canonical_json

Rate = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]


class BeaconRatePolicy(PolicyModel):
    """The section `PolicyGates.BeaconRate`."""

    enabled: Annotated[bool, Field(strict=True)] = False
    """Whether the gate is active (opt-in)."""
    missing_beacon_action: Action = Action.WARN
    """What happens when there is no beacon data that counts, or nobody knows: `Warn` or `Block`."""
    required_environments: EnvironmentNames = ("production",)
    """Environments that require beacon data, compared without case."""
    min_beacon_rate: Rate = 0.8
    """Minimum of verified beacons to expected ones, from 0 to 1."""

    def for_environment(self, environment: str) -> "BeaconRatePolicy":  # noqa: ARG002 - as every gate's policy
        """Gives the policy that holds for one environment.

        Args:
            environment: The target environment.

        Returns:
            This policy: the section has no overrides.
        """
        return self

    def requires(self, environment: str) -> bool:
        """Tells whether an environment requires beacon data.

        Args:
            environment: The target environment; compared without case.

        Returns:
            True if it is in `RequiredEnvironments`.
        """
        return environment.casefold() in self._required

    @property
    def unavailable_action(self) -> Action:
        """What happens when a store cannot be asked: the same as without data."""
        return self.missing_beacon_action

    def meets(self, verified: int, expected: int) -> bool:
        """Tells whether a rate suffices. Exactly: no quotient is ever rounded.

        Args:
            verified: Beacons that were verified; 0 to `expected`.
            expected: Beacons that were expected; none is no rate, which never suffices.

        Returns:
            True if verified / expected is at least `MinBeaconRate`, read as the decimal that the file has.
        """
        minimum = self.minimum
        return expected > 0 and verified * minimum.denominator >= minimum.numerator * expected

    @cached_property
    def minimum(self) -> Fraction:
        """`MinBeaconRate` as the decimal that is written, not as the nearest binary fraction."""
        return Fraction(self.minimum_text)

    @cached_property
    def minimum_text(self) -> str:
        """`MinBeaconRate` as the shortest decimal that means it, without an exponent: `0.8`, `1`, `0.00001`."""
        # `fabs` for -0.0, which is 0 and must not be another text.
        return format(Decimal(repr(math.fabs(self.min_beacon_rate))).normalize(), "f")

    @cached_property
    def content(self) -> dict[str, Any]:
        """The options as canonical JSON can hold them; the rate is text."""
        return {
            "Enabled": self.enabled,
            "MissingBeaconAction": self.missing_beacon_action.value,
            "RequiredEnvironments": list(self.required_environments),
            "MinBeaconRate": self.minimum_text,
        }

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> Self:
        """Reads the options back, to decide again by a record.

        Args:
            content: What `content` gave.

        Returns:
            The same policy.

        Raises:
            ValueError: It is not what `content` gives.
        """
        text = content.get("MinBeaconRate")
        if not isinstance(text, str):
            raise ValueError("MinBeaconRate is no text")  # noqa: TRY004 - one error for all that is not of `content`
        return cls.model_validate(content | {"MinBeaconRate": float(text)})

    @cached_property
    def canonical(self) -> bytes:
        """The options as canonical JSON, for records."""
        return canonical_json(self.content)

    @cached_property
    def _required(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.required_environments)
