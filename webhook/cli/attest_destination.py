"""Where the evidence goes, as the command line of `evidence-gate attest` says it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from webhook.attest.signing.signed import SignedEvidence
from webhook.cli.attest_options import fail
from webhook.cli.attest_publish import PublishOptions, check_publish, publish, publish_options
from webhook.files import write_output
from webhook.model.image import ImageReference

_F = TypeVar("_F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, allow_dash=True, dir_okay=False)
"""An option's type: a file to write, or `-` for standard output."""


_STDOUT = ("-", "/dev/stdout")

_OPTIONS = (
    click.option(
        "-o",
        "--output",
        type=FILE,
        metavar="FILE",
        help="File for the evidence, a DSSE envelope; replaced as a whole, `-` for stdout.",
    ),
    click.option(
        "--bundle", is_flag=True, help="With --output: a Sigstore bundle v0.3 instead, as --keyless always writes."
    ),
)


class DestinationOptions(PublishOptions):
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
    command = publish_options(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def is_for_sigstore(options: DestinationOptions) -> bool:
    """Tells whether the evidence goes where Sigstore's tools look for it.

    Args:
        options: The command line.

    Returns:
        True for a Sigstore bundle, and for what is pushed.
    """
    return options["bundle"] or options["push"]


def check_destination(
    options: DestinationOptions, image: ImageReference, kubeconfig: Path | None, *, keyless: bool
) -> None:
    """Checks, before there is anything to lose, that the evidence will go somewhere.

    Args:
        options: The command line.
        image: The image that it will be about.
        kubeconfig: The cluster, or None for the pod's own.
        keyless: Whether it will be signed without a key.

    Raises:
        click.UsageError: It would go nowhere, or an option is for somewhere else.
    """
    if options["output"] is None and not options["push"] and not options["apply"]:
        raise click.UsageError("Name where the evidence goes: --output, --push or --apply; --dry-run only shows it.")
    if options["bundle"] and options["output"] is None:
        fail("bundle", "it is the form of what --output writes")
    check_publish(options, image, kubeconfig)
    if keyless and options["layout"] == "cosign":
        fail("layout", "evidence that is signed without a key is a Sigstore bundle, which only `referrer` can hold")


def deliver(
    evidence: SignedEvidence, image: ImageReference, options: DestinationOptions, kubeconfig: Path | None
) -> None:
    """Brings the evidence where it belongs; into the file first, so that it is not lost if the others fail.

    Args:
        evidence: What was signed.
        image: The image that it is about, with its digest.
        options: The command line, checked.
        kubeconfig: The cluster, or None for the pod's own.

    Raises:
        click.UsageError: It cannot be written.
        UnavailableError: It cannot be published.
    """
    if options["output"] is not None:
        write(options["output"], _form(evidence, bundle=options["bundle"]))
    publish(evidence, image, options, kubeconfig)


def write(path: Path, content: bytes, option: str = "output") -> None:
    """Writes a file, as a whole or not at all; or what is no file, such as a pipe.

    Args:
        path: The file; `-` and its other name `/dev/stdout` are standard output, which is never replaced.
        content: All of it.
        option: The option that names it, without dashes.

    Raises:
        click.BadParameter: It cannot be written.
    """
    if is_stdout(path):
        click.echo(content, nl=False)
        return
    try:
        write_output(path, content)
    except OSError:
        fail(option, f"{path} cannot be written")


def is_stdout(path: Path | None) -> bool:
    """Tells whether a file is standard output.

    Args:
        path: The file; None is none.

    Returns:
        True for `-` and `/dev/stdout`.
    """
    return str(path) in _STDOUT


def _form(evidence: SignedEvidence, *, bundle: bool) -> bytes:
    return evidence.bundle if bundle or evidence.envelope is None else evidence.envelope
