"""The in-toto statement and the `executionEvidence` predicate.

Sources: in-toto attestation framework v1 (https://in-toto.io/Statement/v1; v0.1 is read too, since cosign writes
it); docs/contracts/execution-evidence-v1.md for the predicate.
"""

from typing import Annotated, Any, Self, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.image import is_digest
from webhook.model.predicate import Count, Observation, PredicatePart, Printable
from webhook.model.strict_json import parse_json

STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
PREDICATE_TYPES = ("stella.ops/executionEvidence@v1", "https://stella.ops/executionEvidence@v1")
PAYLOAD_TYPE = "application/vnd.in-toto+json"

_M = TypeVar("_M", bound=BaseModel)
_Model: TypeAlias = type[_M]
"""Spelt so, since a statement has a member `type`."""


def _digest(text: str) -> str:
    if not is_digest(text):
        raise ValueError("not a sha256 digest")
    return text


Name = Annotated[str, Field(min_length=1, max_length=256), Printable]


class Counting(PredicatePart):
    """By which rules the two counts were made; `attest` names its rules here."""

    hot_symbols: Name
    """For example `leaf-share>=1%@2`."""
    call_paths: Name
    """For example `distinct-paths@2`."""
    filters: Annotated[list[Name], Field(max_length=LIMITS.counting_filters)] | None = None
    """What was left out first, for example `go@1`."""
    measure: Name | None = None
    """What was counted, for example `samples/count`."""


class Tracer(PredicatePart):
    """The tool that watched the image."""

    name: Name
    version: Annotated[str, Field(max_length=256), Printable] = ""


class HotSymbol(PredicatePart):
    """One symbol and its part of all samples."""

    symbol: Annotated[str, Field(min_length=1, max_length=LIMITS.symbol_characters)]
    share: Annotated[float, Field(ge=0, le=1)]
    """A fraction from 0 to 1."""


class ProfileReference(PredicatePart):
    """The profile that the counts come from."""

    digest: Annotated[str, AfterValidator(_digest)]
    media_type: Name
    uri: Annotated[str, Field(max_length=2048), Printable] | None = None


class ExecutionEvidence(Observation):
    """The predicate `stella.ops/executionEvidence@v1`: where and how an image was seen running."""

    hot_symbol_count: Count
    unique_call_paths: Count
    counting: Counting | None = None
    tracer: Tracer | None = None
    sample_count: Count | None = None
    hot_symbols: Annotated[list[HotSymbol], Field(max_length=LIMITS.hot_symbols)] | None = None
    """The hottest symbols; all of them, unless the count exceeds `LIMITS.hot_symbols`."""
    profile: ProfileReference | None = None
    profiles: Annotated[list[ProfileReference], Field(max_length=LIMITS.profile_sources)] | None = None
    """Instead, where several were added up."""

    def summary(self) -> Self:
        """As `Observation.summary`.

        Returns:
            The same evidence without `hotSymbols`, `profile`, `profiles`, `counting` and `tracer`.
        """
        details = ("hot_symbols", "profile", "profiles", "counting", "tracer")
        return self.model_copy(update=dict.fromkeys(details))

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.hot_symbols is not None:
            if len(self.hot_symbols) != min(self.hot_symbol_count, LIMITS.hot_symbols):
                raise ValueError("hotSymbols and hotSymbolCount disagree")
            if len({entry.symbol for entry in self.hot_symbols}) != len(self.hot_symbols):
                raise ValueError("hotSymbols names a symbol twice")
        return self


class Subject(BaseModel):
    """What a statement is about."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    name: Annotated[str, Field(max_length=2048)] = ""
    digest: Annotated[dict[str, str], Field(min_length=1, max_length=16)]
    """Algorithm to hexadecimal value; only `sha256` is read."""


class Statement(BaseModel):
    """An in-toto statement whose predicate has not been looked at."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    type: Annotated[str, Field(alias="_type")]
    predicate_type: Annotated[str, Field(alias="predicateType")]
    subject: Annotated[list[Subject], Field(min_length=1, max_length=LIMITS.subjects)]
    predicate: Any = None

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Reads a statement.

        Args:
            payload: The decoded payload of an envelope, UTF-8 JSON.

        Returns:
            The statement; its `type` is one of `STATEMENT_TYPES`, its `predicate_type` any.

        Raises:
            MalformedError: The payload is no in-toto statement.
        """
        statement = _validated(cls, parse_json(payload, "statement"), "statement")
        if statement.type not in STATEMENT_TYPES:
            raise MalformedError("the statement has an unknown _type")
        return statement

    def digests(self) -> frozenset[str]:
        """Gives the digests that the statement is about.

        Returns:
            Each well-formed sha256 subject as `sha256:` and 64 hexadecimal digits. Other algorithms and other
            spellings (upper case) name no image here.
        """
        named = (f"sha256:{subject.digest['sha256']}" for subject in self.subject if "sha256" in subject.digest)
        return frozenset(digest for digest in named if is_digest(digest))

    def read_predicate(self, kind: _Model[_M]) -> _M:
        """Reads the predicate. The caller has checked that its type is of this kind.

        Args:
            kind: Its model.

        Returns:
            The predicate.

        Raises:
            MalformedError: The predicate does not follow its contract; the detail names the member.
        """
        return _validated(kind, self.predicate, "predicate")


def _validated(model: type[_M], value: Any, what: str) -> _M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise MalformedError(f"the {what} is not valid at {_where(error, model)}") from None


def _where(error: ValidationError, model: type[BaseModel]) -> str:
    """Names the first member at fault, using our own field names only (an index or a name, never a value)."""
    location = error.errors(include_input=False, include_url=False)[0]["loc"]
    known = {field.alias or to_camel(name) for name, field in model.model_fields.items()}
    first = str(location[0]) if location else ""
    return f"`{first}`" if first in known else "its top level"
