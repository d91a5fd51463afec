"""Who signs, as the command line of `evidence-gate attest` says it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from webhook.attest.signing.references import KeyAccess, KeyReferenceError, load_key
from webhook.attest.signing.signed import Signer
from webhook.attest.signing.statement import KeySigner
from webhook.cli.attest_keyless import KeylessOptions, check_keyless, keyless_options, keyless_signer
from webhook.cli.attest_options import fail
from webhook.cli.options import EXISTING_FILE, INPUT, read_secret_or_key

_F = TypeVar("_F", bound=Callable[..., Any])


def _one(_: click.Context, __: click.Parameter, references: tuple[str, ...]) -> str | None:
    if len(references) > 1:
        # click would take the last one without a word, and whoever trusts the first would miss its signature.
        raise click.BadParameter("it is given twice, and one key signs; run the command once for each key")
    return references[0] if references else None


_OPTIONS = (
    click.option(
        "--key",
        multiple=True,
        callback=_one,
        metavar="REF",
        help="Private key to sign with: a PEM or cosign key FILE, `env://VARIABLE`, or `k8s://NAMESPACE/SECRET`.",
    ),
    click.option(
        "--key-passphrase-file",
        type=INPUT,
        metavar="FILE",
        help="Holds the key's passphrase; else $COSIGN_PASSWORD, or a question at the terminal.",
    ),
    click.option("--kubeconfig", type=EXISTING_FILE, help="The cluster; by default the pod's own account."),
)


class SignerOptions(KeylessOptions):
    """What `signer_options` adds to the command line."""

    key: str | None
    key_passphrase_file: Path | None
    kubeconfig: Path | None


def signer_options(command: _F) -> _F:
    """Adds the options that say who signs.

    Args:
        command: The command's function.

    Returns:
        The same, with the options.
    """
    command = keyless_options(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def choose_signer(options: SignerOptions, *, attended: bool) -> Signer:
    """Decides who signs, and prepares them.

    Args:
        options: The command line.
        attended: Whether somebody sits at the terminal who can be asked for a passphrase.

    Returns:
        The signer.

    Raises:
        click.UsageError: Nobody is named, or the key cannot be used.
        UnavailableError: The API server that has the key does not answer, or who is needed to sign keyless.
    """
    check_keyless(options, with_key=options["key"] is not None)
    if options["keyless"]:
        if options["key_passphrase_file"] is not None:
            fail("key-passphrase-file", "it is for --key")
        return keyless_signer(options)
    reference, file = options["key"], options["key_passphrase_file"]
    if reference is None:
        raise click.UsageError("Name who signs: --key or --keyless; only --dry-run can do without.")
    passphrase = None if file is None else read_secret_or_key(file).rstrip(b"\r\n")
    ask = _ask if attended else None
    try:
        return KeySigner(load_key(reference, KeyAccess(passphrase, ask, options["kubeconfig"])))
    except KeyReferenceError as error:
        fail("key", str(error))


def _ask(reference: str) -> bytes:
    # An empty answer is one: cosign's keys may have it for a passphrase.
    answer: str = click.prompt(
        f"Passphrase of {reference}", default="", show_default=False, hide_input=True, err=True
    )
    return os.fsencode(answer)
