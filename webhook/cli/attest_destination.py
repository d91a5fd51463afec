"""Where the evidence goes, as the command line of `evidence-gate attest` says it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click

from webhook.attest.signing.signed import SignedEvidence
from webhook.cli.attest_options import fail, needed
from webhook.files import write_atomically
from webhook.model.image import ImageReference

_F = TypeVar("_F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, allow_dash=True, dir_okay=False)
"""An option's type: a file to write, or `-` for standard output."""


class DestinationOptions(TypedDict):
    """What `destination_options` adds to the command line."""

    output: Path | None
    bundle: bool


def destination_options(command: _F) -> _F:
    """Adds the options that say where the evidence goes.

    Args:
        command: The command's function.

    Returns:
        The same, with the options.
    """
    for option in (
        click.option("--bundle", is_flag=True, help="Write a Sigstore bundle v0.3 instead of a bare DSSE envelope."),
        click.option(
            "-o",
            "--output",
            type=FILE,
            metavar="FILE",
            help="Where the envelope goes, replaced as a whole; `-` for stdout.",
        ),
    ):
        command = option(command)
    return command


def check_destination(options: DestinationOptions) -> None:
    """Checks, before there is anything to lose, that the evidence will go somewhere.

    Args:
        options: The command line.

    Raises:
        click.UsageError: It would go nowhere.
    """
    needed(options["output"], "output")


def deliver(evidence: SignedEvidence, image: ImageReference, options: DestinationOptions) -> None:  # noqa: ARG001 - a registry needs the image, a file does not
    """Brings the evidence where it belongs.

    Args:
        evidence: What was signed.
        image: The image that it is about, with its digest.
        options: The command line, checked.

    Raises:
        click.UsageError: It cannot be written.
    """
    if options["output"] is not None:
        write(options["output"], _form(evidence, bundle=options["bundle"]))


def write(path: Path, content: bytes, option: str = "output") -> None:
    """Writes a file, as a whole or not at all.

    Args:
        path: The file; `-` is standard output.
        content: All of it.
        option: The option that names it, without dashes.

    Raises:
        click.BadParameter: It cannot be written.
    """
    if str(path) == "-":
        click.echo(content, nl=False)
        return
    try:
        write_atomically(path, content)
    except OSError:
        fail(option, f"{path} cannot be written")


def _form(evidence: SignedEvidence, *, bundle: bool) -> bytes:
    return evidence.bundle if bundle or evidence.envelope is None else evidence.envelope
