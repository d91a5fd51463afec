"""What the predicates of all our statements have in common.

Each says of an image where it was observed and until when; what was observed is each one's own.
"""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from webhook.limits import LIMITS
from webhook.model.timestamp import parse_rfc3339

_ENVIRONMENT_CHARACTERS = 63


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("a time is a string")  # noqa: TRY004 - pydantic turns only ValueError into its own error
    return parse_rfc3339(value)


def _printable(text: str) -> str:
    # These names end up in messages, Events and logs: no line breaks, no terminal codes.
    if not text.isprintable():
        raise ValueError("not printable")
    return text


Count = Annotated[int, Field(strict=True, ge=0, le=LIMITS.count_maximum)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Printable = AfterValidator(_printable)
Environment = Annotated[str, Field(min_length=1, max_length=_ENVIRONMENT_CHARACTERS), Printable]


class PredicatePart(BaseModel):
    """A part of a predicate: camelCase, wrong types refused, unknown members left to those who add them."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", alias_generator=to_camel, allow_inf_nan=False)


class Observation(PredicatePart):
    """A predicate: where an image was observed, and until when."""

    environment: Environment
    """Where the image ran, for example `staging`. Compared without case."""
    observed_from: Instant | None = None
    observed_until: Instant
    """The end of the observation; its age is what `MaxEvidenceAge` limits."""

    def summary(self) -> Self:
        """Leaves out what no verdict depends on, so that thousands of verified statements can be kept.

        Returns:
            The same predicate without it.
        """
        return self

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.observed_from is not None and self.observed_from > self.observed_until:
            raise ValueError("the observation ends before it begins")
        return self
