"""`evidence-gate config check FILE`: would the server accept this configuration?"""

from pathlib import Path

import click

from webhook.cli.options import EXISTING_FILE, fail
from webhook.errors import ConfigurationError
from webhook.settings import load_settings


@click.group()
def command() -> None:
    """Work with configuration files."""


@command.command()
@click.argument("file", type=EXISTING_FILE)
def check(file: Path) -> None:
    """Check FILE, and the keys that it names, as the server would.

    Exit code 0 if it would be accepted, 2 if not. Remarks about settings that are valid and yet hardly meant go to
    standard output.
    """
    try:
        settings = load_settings(file)
    except ConfigurationError as error:
        fail(str(error))
    for remark in settings.remarks():
        click.echo(f"note: {remark}")
    click.echo(f"{file}: valid (trusted keys: {len(settings.trust.keys)}, {settings.digest})")
