"""Who signs, as the command line of `evidence-gate attest` says it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click

from webhook.attest.signing.key import SigningKey
from webhook.attest.signing.signed import Signer
from webhook.attest.signing.statement import KeySigner
from webhook.cli.attest_options import fail, needed
from webhook.cli.options import INPUT, read_secret_or_key
from webhook.trust.keys import KeyNotSupportedError

_F = TypeVar("_F", bound=Callable[..., Any])


class SignerOptions(TypedDict):
    """What `signer_options` adds to the command line."""

    key: Path | None
    key_passphrase_file: Path | None


def signer_options(command: _F) -> _F:
    """Adds the options that say who signs.

    Args:
        command: The command's function.

    Returns:
        The same, with the options.
    """
    for option in (
        click.option("--key-passphrase-file", type=INPUT, metavar="FILE", help="Holds the key's passphrase."),
        click.option("--key", type=INPUT, metavar="PEM", help="Private key to sign with."),
    ):
        command = option(command)
    return command


def choose_signer(options: SignerOptions) -> Signer:
    """Decides who signs, and prepares them.

    Args:
        options: The command line.

    Returns:
        The signer.

    Raises:
        click.UsageError: Nobody is named, or the key cannot be used.
    """
    return KeySigner(_signing_key(needed(options["key"], "key"), options["key_passphrase_file"]))


def _signing_key(key: Path, passphrase: Path | None) -> SigningKey:
    secret = None if passphrase is None else read_secret_or_key(passphrase).rstrip(b"\r\n")
    try:
        return SigningKey.from_pem(read_secret_or_key(key), secret)
    except KeyNotSupportedError as error:
        fail("key", f"{key}: {error}")
