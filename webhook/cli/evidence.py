"""`evidence-gate evidence list|show IMAGE`: what exists for an image, and what it is worth.

Values are shown whatever `disclosure` says (ADR 0023): who runs this reads the bytes by rights of their own, with
credentials of their own. What the gate says of them is written as the gate would write it.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from webhook.cli.evidence_document import as_json
from webhook.cli.evidence_listing import Listing, NoSuchTagError, list_evidence
from webhook.cli.evidence_page import as_pages
from webhook.cli.evidence_sources import Wanted
from webhook.cli.evidence_table import as_table
from webhook.cli.options import (
    EXISTING_FILE,
    EXIT_OK,
    EXIT_REFUSED,
    EXIT_UNAVAILABLE,
    OUTPUT,
    REGISTRY_SCHEME,
    fail,
    namespace_name,
)
from webhook.cli.trust_options import trust_options
from webhook.errors import ConfigurationError, ImageReferenceError, UnavailableError
from webhook.model.image import ImageReference
from webhook.settings.loading import load_settings
from webhook.trust.policy import TrustPolicy

_F = TypeVar("_F", bound=Callable[..., Any])
_QUIET = logging.NullHandler()
_DIGEST_BEGINNING = re.compile(r"sha256:[0-9a-f]{8,64}")


def _image(_: click.Context, __: click.Parameter, text: str) -> ImageReference:
    try:
        return ImageReference.parse(text)
    except ImageReferenceError as error:
        raise click.BadParameter(f"no image reference: {error}") from None


def _beginning(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text is not None and not _DIGEST_BEGINNING.fullmatch(text):
        raise click.BadParameter("write `sha256:` and 8 to 64 lower-case hexadecimal digits, as `list` shows them")
    return text


def _shared(command: _F) -> _F:
    """Adds what both commands take."""
    options = (
        click.argument("image", callback=_image, metavar="IMAGE"),
        click.option(
            "--config", type=EXISTING_FILE, help="The gate's configuration file: its stores, trust, policy."
        ),
        click.option("--kubeconfig", type=EXISTING_FILE, help="For stores.cluster and pull secrets; with --config."),
        click.option(
            "-n",
            "--namespace",
            default="default",
            show_default=True,
            callback=namespace_name,
            help="Whose pull secrets are used; with --config.",
        ),
        REGISTRY_SCHEME,
        trust_options(required=False),
        OUTPUT,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """Show what exists for an image, and what it is worth.

    Stores and trust come from the gate's configuration (--config). Without one, the image's own registry is asked
    with your Docker credentials; --key, or an identity and --trusted-root, say whom to believe.
    """


@command.command("list")
@_shared
def list_(
    image: ImageReference,
    config: Path | None,
    kubeconfig: Path | None,
    namespace: str,
    *,
    registry_insecure: bool | None,
    trust: TrustPolicy,
    output: str,
) -> None:
    """List the statements about IMAGE, one a line.

    RESULT is `counts` (with --config: the gate's policy is met), `verified` (without: age and counts are not judged),
    or the reason why not. What an unverified statement claims is not shown; `show` does.

    Exit code 0 if a statement counts, 1 if none does, 3 if a store could not be read, 2 for a usage or
    configuration error.
    """
    listing = _listing(image, _wanted(config, kubeconfig, namespace, trust, insecure=registry_insecure))
    _print(as_table(listing) if output == "text" else iter([as_json(listing, whole=False)]))
    sys.exit(_exit_code(listing))


@command.command()
@_shared
@click.option(
    "--digest", metavar="sha256:…", callback=_beginning, help="Only the statement whose ENVELOPE begins so."
)
def show(
    image: ImageReference,
    config: Path | None,
    kubeconfig: Path | None,
    namespace: str,
    *,
    registry_insecure: bool | None,
    trust: TrustPolicy,
    output: str,
    digest: str | None,
) -> None:
    """Show the statements about IMAGE as a whole, also those that do not count.

    Exit codes as for `list`, of what is shown.
    """
    listing = _listing(image, _wanted(config, kubeconfig, namespace, trust, insecure=registry_insecure))
    if digest is not None:
        listing = _only(listing, digest)
    _print(as_pages(listing) if output == "text" else iter([as_json(listing, whole=True)]))
    sys.exit(_exit_code(listing))


def _wanted(
    config: Path | None, kubeconfig: Path | None, namespace: str, trust: TrustPolicy, *, insecure: bool | None
) -> Wanted:
    believed = trust != TrustPolicy()
    if (config is None) is not believed:
        raise click.UsageError(
            "give either --config, or whom to believe without one: --key, or --certificate-identity"
        )
    if config is None and kubeconfig is not None:
        raise click.UsageError("--kubeconfig goes with --config")
    if config is not None and insecure is not None:
        raise click.UsageError("--registry-insecure and --registry-secure go without --config, whose stores say it")
    try:
        return Wanted(None if config is None else load_settings(config), kubeconfig, namespace, trust, insecure)
    except ConfigurationError as error:
        fail(str(error))


def _listing(image: ImageReference, wanted: Wanted) -> Listing:
    # What stores warn of is a remark in the listing, which also says where.
    logging.getLogger("webhook.stores").addHandler(_QUIET)
    try:
        return asyncio.run(list_evidence(image, wanted))
    except ConfigurationError as error:
        fail(str(error))
    except NoSuchTagError as error:
        fail(str(error), EXIT_REFUSED)
    except UnavailableError as error:
        fail(error.detail, EXIT_UNAVAILABLE)


def _only(listing: Listing, beginning: str) -> Listing:
    rows = [row for row in listing.rows if row.candidate.digest.startswith(beginning)]
    if listing.rows and not rows:
        code = EXIT_UNAVAILABLE if listing.gaps else EXIT_REFUSED
        fail("no statement about this image has such a digest; `evidence-gate evidence list` shows them", code)
    return replace(listing, rows=rows)


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)


def _exit_code(listing: Listing) -> int:
    if listing.gaps:
        return EXIT_UNAVAILABLE
    return EXIT_OK if any(row.counts for row in listing.rows) else EXIT_REFUSED
