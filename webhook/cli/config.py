"""`evidence-gate config check FILE`: would the server accept this configuration?"""

from pathlib import Path

import click

from webhook.cli.options import EXISTING_FILE, fail
from webhook.errors import ConfigurationError
from webhook.settings.loading import Settings, load_settings


@click.group()
def command() -> None:
    """Work with configuration files."""


@command.command()
@click.argument("file", type=EXISTING_FILE)
def check(file: Path) -> None:
    """Check FILE, and the files that it names, as the server would.

    Exit code 0 if it would be accepted, 2 if not. Remarks about settings that are valid and yet hardly meant go to
    standard output.
    """
    try:
        settings = load_settings(file)
        _check_registry(settings)
        _check_remotes(settings)
    except ConfigurationError as error:
        fail(str(error))
    for remark in settings.remarks():
        click.echo(f"note: {remark}")
    identities = f", identities: {len(settings.trust.identities)}" if settings.trust.identities else ""
    click.echo(f"{file}: valid (trusted keys: {len(settings.trust.keys)}{identities}, {settings.digest})")


def _check_registry(settings: Settings) -> None:
    section = settings.file.stores.registry
    if section is None:
        return
    # Here, since a configuration without it should not wait for its libraries.
    from webhook.stores.registry.opening import open_registry_store  # noqa: PLC0415 - as said

    # Whether the server will have a Kubernetes client is not known here.
    section = section.model_copy(update={"pull_secrets": False})
    try:
        open_registry_store(section, settings.path.parent, None, settings.trust.statement_types, None)
    except ConfigurationError as error:
        raise ConfigurationError(f"{settings.path}: {error}") from None


def _check_remotes(settings: Settings) -> None:
    if not settings.remotes:
        return
    # Here for the same reason.
    from webhook.providers.remote.opening import client_context, read_token  # noqa: PLC0415 - as said

    try:
        for remote in settings.remotes:
            client_context(remote)
            read_token(remote)
    except ConfigurationError as error:
        raise ConfigurationError(f"{settings.path}: {error}") from None
