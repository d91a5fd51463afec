"""Where the evidence goes, as the command line of `evidence-gate attest` says it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from webhook.attest.signing.signed import SignedEvidence
from webhook.cli.attest_options import fail
from webhook.cli.attest_publish import PublishOptions, check_publish, publish, publish_options
from webhook.cli.attest_writing import attempt, shown
from webhook.errors import UnavailableError
from webhook.model.image import ImageReference

_F = TypeVar("_F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, allow_dash=True, dir_okay=False)
"""An option's type: a file to write, or `-` for standard output."""

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
    evidence: SignedEvidence,
    image: ImageReference,
    options: DestinationOptions,
    kubeconfig: Path | None,
    failures: list[str],
) -> None:
    """Brings the evidence where it belongs; into the file first, so that it is not lost if the others hang.

    What fails in one place does not keep it from another.

    Args:
        evidence: What was signed.
        image: The image that it is about, with its digest.
        options: The command line, checked.
        kubeconfig: The cluster, or None for the pod's own.
        failures: What has failed before; told with the rest.

    Raises:
        UnavailableError: Somewhere it failed; the detail says where, and standard error where it did not.
    """
    output = options["output"]
    problems = [] if output is None else attempt(output, _form(evidence, bundle=options["bundle"]), "written")
    failures = [*failures, *problems, *publish(evidence, image, options, kubeconfig)]
    if failures:
        if output is not None and not problems:
            click.echo(f"written: {shown(output)}", err=True)
        raise UnavailableError("; ".join(failures))


def _form(evidence: SignedEvidence, *, bundle: bool) -> bytes:
    return evidence.bundle if bundle or evidence.envelope is None else evidence.envelope
