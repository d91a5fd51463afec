"""Reading options that several commands share, and the exit codes they agree on."""

import re
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from webhook.gates.policy import is_environment
from webhook.limits import LIMITS

EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""An option's type: a file that is there."""

INPUT = click.Path(path_type=Path, allow_dash=True)
"""An option's type: a file to read, or `-` for standard input."""

OUTPUT = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format."
)
"""The option `-o text|json`."""

REGISTRY_SCHEME = click.option(
    "--registry-insecure/--registry-secure",
    default=None,
    help="Plain HTTP, without credentials, or https, for the image's own registry; by default plain HTTP for "
    "localhost alone.",
)
"""The option `--registry-insecure/--registry-secure`, of commands that reach a registry without a configuration."""

_LABEL_KEY = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)

_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def _label_key(_: click.Context, __: click.Parameter, text: str) -> str:
    if not _LABEL_KEY.fullmatch(text):
        raise click.BadParameter("write the key of a label, such as stella.ops/environment")
    return text


ENVIRONMENT_LABEL = click.option(
    "--environment-label",
    default="stella.ops/environment",
    show_default=True,
    callback=_label_key,
    help="Label whose value is a namespace's environment.",
)
"""The option `--environment-label`."""

EXCLUDED_NAMESPACES = click.option(
    "--excluded-namespace",
    "excluded",
    multiple=True,
    help="Namespace that admission is never asked about; repeatable.",
)
"""The option `--excluded-namespace`."""


class Address(click.ParamType[tuple[str, int]]):
    """An option's type: `HOST:PORT`, also `[::1]:PORT`."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Reads the text, as click asks for it.

        Args:
            value: The text, or a default that is read already.
            param: The option.
            ctx: The command line.

        Returns:
            Host without brackets, and port.
        """
        if isinstance(value, tuple):
            return value
        host, colon, port = str(value).rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the highest port
            self.fail("write HOST:PORT, for example 0.0.0.0:8443", param, ctx)
        return host.strip("[]"), int(port)


def environment_name(_: click.Context, __: click.Parameter, name: str) -> str:
    """Reads the environment that is deployed to, as the callback of an option.

    A pipeline's variable that is not set is an empty text, which requires nothing: that must be no pass.

    Args:
        name: The option's text.

    Returns:
        The same.

    Raises:
        click.BadParameter: No environment can be called so.
    """
    if not is_environment(name):
        raise click.BadParameter("an environment's name has 1 to 63 of the characters A-Z a-z 0-9 . _ -")
    return name


def namespace_name(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Reads the name of a namespace, as the callback of an option.

    Args:
        name: The option's text; None if it is not given.

    Returns:
        The same.

    Raises:
        click.BadParameter: No namespace can be called so.
    """
    if name is not None and not _NAMESPACE.fullmatch(name):
        raise click.BadParameter("write the name of a namespace")
    return name


def fail(text: str, code: int = EXIT_USAGE) -> NoReturn:
    """Ends the command with an error.

    Args:
        text: Lines for standard error.
        code: The exit code.
    """
    click.echo(text, err=True)
    sys.exit(code)


def read_input(path: Path, limit: int) -> bytes:
    """Reads a file of the command line, no further than it may be.

    Args:
        path: The file; `-` is standard input.
        limit: The most bytes that are of use.

    Returns:
        At most `limit` + 1 bytes: one too many tells that the file is too large.

    Raises:
        click.BadParameter: It cannot be read.
    """
    try:
        with click.open_file(path, "rb") as file:
            content: bytes = file.read(limit + 1)
    except OSError as error:
        raise _bad(path, f"{path} cannot be read: {error.strerror}") from None
    return content


def read_secret_or_key(path: Path) -> bytes:
    """Reads a key or a passphrase.

    Args:
        path: The file; `-` is standard input.

    Returns:
        The whole content.

    Raises:
        click.BadParameter: It cannot be read, or is far too large for a key.
    """
    content = read_input(path, LIMITS.key_bytes)
    if len(content) > LIMITS.key_bytes:
        raise _bad(path, f"{path} is too large for a key")
    return content


def _bad(path: Path, message: str) -> click.BadParameter:
    """Names the option whose value this very path is. In a callback there is none yet, and click names it."""
    context = click.get_current_context(silent=True)
    if context is not None:
        for parameter in context.command.params:
            value = context.params.get(parameter.name or "")
            if any(each is path for each in (value if isinstance(value, tuple) else (value,))):
                return click.BadParameter(message, context, parameter)
    return click.BadParameter(message)
