"""The section `gates`: conditions on any provider's check."""

from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from webhook.gates.comparators import Comparator, count_values, json_kind
from webhook.gates.conditions import Condition, Fact
from webhook.gates.policy import Action, EnvironmentNames, MinLane
from webhook.limits import LIMITS
from webhook.model.canonical_value import canonical_value
from webhook.model.evidence import EvidenceQuery
from webhook.settings.section import Section


def _not_empty(names: tuple[str, ...]) -> tuple[str, ...]:
    # Not `min_length`: pydantic would add this to the mistake of the only item.
    if not names:
        raise ValueError("name at least one")
    return names


def _bounded(value: Any) -> Any:
    """Accepts JSON that may be compared, sent and hashed."""
    if _depth_exceeds(value, LIMITS.condition_depth):
        raise ValueError(f"may be nested {LIMITS.condition_depth} levels deep")
    if count_values(value) > LIMITS.condition_values:
        raise ValueError(f"may hold {LIMITS.condition_values} values")
    try:
        canonical_value(value)
    except ValueError:
        raise ValueError("holds a number that JSON cannot carry; integers lie in -2^63 … 2^64-1") from None
    return value


def _depth_exceeds(value: Any, levels: int) -> bool:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_depth_exceeds(member, levels - 1) for member in below)


Json = Annotated[Any, AfterValidator(_bounded)]
MemberName = Annotated[str, Field(strict=True, min_length=1, max_length=128)]
Printable = Annotated[str, Field(strict=True, pattern=r"^[!-~]{1,128}$")]


class ConditionQuerySettings(Section):
    """Who is asked what."""

    provider: Printable
    """The provider's id, for example `execution-evidence`."""
    check: Printable
    """The provider's check."""
    params: Json = None
    """What the check takes, apart from what is bound."""


class ConditionSettings(Section):
    """One condition."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,63}$")]
    """Shown in messages, Events, metrics and records as `conditions/NAME`."""
    environments: Annotated[EnvironmentNames, AfterValidator(_not_empty)]
    """Environments in which it holds, compared without case."""
    query: ConditionQuerySettings
    bind: Annotated[dict[MemberName, Fact], Field(max_length=LIMITS.condition_values)] = Field(default_factory=dict)
    """Member of the params to the fact of the review that it gets."""
    comparator: Comparator
    """How the answer's value is held against `expected`."""
    expected: Json = None
    """What it is held against; left out with `exists` and `not_exists`."""
    min_lane: MinLane = MinLane.VERIFIED
    """Whose word counts: `Verified` or `Asserted`."""
    action: Action = Action.BLOCK
    """What happens when it is not met, or nobody knows: `Warn` or `Block`."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problem = self._problem_of_expected() or self._problem_of_bind()
        if problem is not None:
            raise ValueError(problem)
        return self

    def _problem_of_expected(self) -> str | None:
        comparator, kind = self.comparator, json_kind(self.expected)
        if "expected" not in self.model_fields_set:
            return None if comparator.asks_for_presence else f"`{comparator.value}` needs `expected`"
        if comparator.asks_for_presence:
            return f"`{comparator.value}` compares nothing; leave `expected` out"
        if comparator.orders and kind != "number":
            return f"`{comparator.value}` compares numbers; write a number as `expected`, without quotes"
        # An empty list or text is contained in everything: the condition would always be met.
        if comparator is Comparator.CONTAINS and (kind not in {"string", "list"} or not self.expected):
            return "`contains` needs a text, or a list of elements, that is not empty as `expected`"
        if comparator is Comparator.IN_SET and (kind != "list" or not self.expected):
            return "`in_set` needs a list that is not empty as `expected`"
        return None

    def _problem_of_bind(self) -> str | None:
        params = self.query.params
        if not self.bind or params is None:
            return None
        if not isinstance(params, dict):
            return "`bind` fills members of `query.params`; make that an object, or leave it out"
        twice = sorted(params.keys() & self.bind.keys())
        return f"{twice[0]!r} stands in `bind` and in `query.params`; take it out of one" if twice else None

    @property
    def condition(self) -> Condition:
        """The condition for the gate."""
        query = EvidenceQuery(self.query.provider, self.query.check, self.query.params)
        return Condition(
            name=self.name,
            environments=self.environments,
            query=query,
            comparator=self.comparator,
            expected=self.expected,
            bind=self.bind,
            min_lane=self.min_lane,
            action=self.action,
        )

    @property
    def content(self) -> dict[str, Any]:
        """The condition with all defaults, as it may stand in a file; for records and the settings digest."""
        idle = {"expected"} if self.comparator.asks_for_presence else None
        content: dict[str, Any] = self.model_dump(mode="json", by_alias=True, exclude=idle)
        return content

    @cached_property
    def canonical(self) -> bytes:
        """The same as canonical JSON, for records; encoded once."""
        return canonical_value(self.content)


class GateSettings(Section):
    """Gates besides those of `PolicyGates`."""

    conditions: Annotated[tuple[ConditionSettings, ...], Field(max_length=LIMITS.conditions)] = ()
    """What else must hold, environment by environment."""

    @field_validator("conditions")
    @classmethod
    def _no_name_twice(cls, value: tuple[ConditionSettings, ...]) -> tuple[ConditionSettings, ...]:
        names = [entry.name for entry in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the name {twice!r} stands twice; give each condition its own")
        return value
