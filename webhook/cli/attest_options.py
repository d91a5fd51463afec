"""Reading the options of `evidence-gate attest`."""

from datetime import UTC, datetime, timedelta
from typing import NoReturn, TypeVar

import click
from pydantic import TypeAdapter, ValidationError

from webhook.errors import ImageReferenceError
from webhook.gates.policy import EnvironmentName
from webhook.limits import LIMITS
from webhook.model.image import ImageReference
from webhook.model.statement import Tracer
from webhook.model.timestamp import parse_rfc3339

_T = TypeVar("_T")
_NOW = "now"
_ENVIRONMENT: TypeAdapter[str] = TypeAdapter(EnvironmentName)


def read_image(_: click.Context, __: click.Parameter, text: str | None) -> ImageReference | None:
    """Reads an image reference, as click asks for it; it must have a digest."""
    if text is None:
        return None
    try:
        image = ImageReference.parse(text)
    except ImageReferenceError as error:
        raise click.BadParameter(f"not an image reference: {error}") from None
    if image.digest is None:
        raise click.BadParameter("name the image by its digest, REPO@sha256:…; a tag may move")
    return image


def read_environment(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Reads an environment's name, as click asks for it."""
    if name is None:
        return None
    try:
        return _ENVIRONMENT.validate_python(name)
    except ValidationError:
        raise click.BadParameter("an environment's name has 1 to 63 of the characters A-Z a-z 0-9 . _ -") from None


def read_instant(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    """Reads a time that has passed, as click asks for it."""
    if text is None:
        return None
    now = datetime.now(UTC)
    try:
        instant = now if text == _NOW else parse_rfc3339(text)
    except ValueError:
        raise click.BadParameter("write a time with its zone, such as 2026-11-24T06:36:35Z") from None
    if instant > now + timedelta(seconds=LIMITS.clock_skew):
        raise click.BadParameter("an observation lies in the past, and this time is in the future")
    return instant


def read_tracer(_: click.Context, __: click.Parameter, text: str | None) -> Tracer | None:
    """Reads name and version of a tool, as click asks for it."""
    if text is None:
        return None
    name, slash, version = text.rpartition("/")
    try:
        return Tracer(name=name, version=version) if slash else Tracer(name=version)
    except ValidationError:
        raise click.BadParameter("write NAME/VERSION, each at most 256 printable characters") from None


def fail(option: str, message: str) -> NoReturn:
    """Ends with a usage error.

    Args:
        option: The option at fault, without dashes.
        message: What is wrong.

    Raises:
        click.BadParameter: Always.
    """
    raise click.BadParameter(message, param_hint=f"--{option}")


def needed(value: _T | None, option: str) -> _T:
    """Gives the value of an option that only a dry run can do without.

    Args:
        value: The value, or None.
        option: The option's name, without dashes.

    Returns:
        The value.

    Raises:
        click.UsageError: There is none.
    """
    if value is None:
        raise click.UsageError(f"Missing option '--{option}'; only --dry-run can do without.")
    return value
