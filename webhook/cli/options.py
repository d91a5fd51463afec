"""Reading options that several commands share, and the exit codes they agree on."""

import sys
from pathlib import Path
from typing import NoReturn

import click

EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""An option's type: a file that is there."""

OUTPUT = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format."
)
"""The option `-o text|json`."""


def fail(text: str, code: int = EXIT_USAGE) -> NoReturn:
    """Ends the command with an error.

    Args:
        text: Lines for standard error.
        code: The exit code.
    """
    click.echo(text, err=True)
    sys.exit(code)
