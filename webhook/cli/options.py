"""Reading options that several commands share, and the exit codes they agree on."""

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

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
    except OSError:
        raise click.BadParameter(f"{path} cannot be read") from None
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
        raise click.BadParameter(f"{path} is too large for a key")
    return content
