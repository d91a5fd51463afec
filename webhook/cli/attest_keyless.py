"""Signing without a key, as the command line of `evidence-gate attest` says it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click

from webhook.attest.signing.keyless import KeylessSigner
from webhook.attest.signing.keyless_identity import TOKEN_BYTES, find_token, token_of
from webhook.attest.signing.signed import Signer
from webhook.cli.attest_options import fail
from webhook.cli.options import INPUT, read_input
from webhook.errors import ConfigurationError
from webhook.trust.extra import KeylessNotInstalledError
from webhook.trust.root import ROOT_BYTES

_F = TypeVar("_F", bound=Callable[..., Any])


class KeylessOptions(TypedDict):
    """What `keyless_options` adds to the command line."""

    keyless: bool
    identity_token_file: Path | None
    trust_config: Path | None


def keyless_options(command: _F) -> _F:
    """Adds the options of signing without a key.

    Args:
        command: The command's function.

    Returns:
        The same, with the options.
    """
    for option in (
        click.option(
            "--trust-config",
            type=INPUT,
            metavar="FILE",
            help="With --keyless: a Sigstore of your own (ClientTrustConfig), instead of the public one.",
        ),
        click.option(
            "--identity-token-file",
            type=INPUT,
            metavar="FILE",
            help="With --keyless: who you are; else SIGSTORE_ID_TOKEN, else the CI job's own identity.",
        ),
        click.option(
            "--keyless", is_flag=True, help="Sign by Sigstore, in the name of an identity; needs the extra `keyless`."
        ),
    ):
        command = option(command)
    return command


def check_keyless(options: KeylessOptions, *, with_key: bool) -> None:
    """Checks that the options say one thing.

    Args:
        options: The command line.
        with_key: Whether a key is named too.

    Raises:
        click.UsageError: A key and --keyless are named, or an option of --keyless without it.
    """
    if options["keyless"]:
        if with_key:
            fail("keyless", "it signs without a key; leave --key out")
        return
    for name in ("identity_token_file", "trust_config"):
        if options[name] is not None:
            fail(name.replace("_", "-"), "it is for --keyless")


def keyless_signer(options: KeylessOptions) -> Signer:
    """Prepares to sign without a key. Nobody is ever asked to log in, since a pipeline would wait for ever.

    Args:
        options: The command line.

    Returns:
        The signer; it has an identity token that looks valid.

    Raises:
        click.UsageError: There is no identity, a file cannot be used, or the extra is missing.
        UnavailableError: The CI system or the public Sigstore does not answer.
    """
    try:
        token = _token(options["identity_token_file"])
        return KeylessSigner.open(lambda: token, _trust_config(options["trust_config"]))
    except KeylessNotInstalledError as error:
        fail("keyless", f"{error}: pip install 'execution-evidence-gate[keyless]'")
    except ConfigurationError as error:
        fail("trust-config", f"{options['trust_config'] or 'that of the public Sigstore'}: {error}")


def _token(path: Path | None) -> str:
    try:
        return find_token() if path is None else token_of(read_input(path, TOKEN_BYTES))
    except ConfigurationError as error:
        if path is None:
            raise click.UsageError(f"{error}.") from None
        fail("identity-token-file", f"{path}: {error}")


def _trust_config(path: Path | None) -> bytes | None:
    if path is None:
        return None
    content = read_input(path, ROOT_BYTES)
    if len(content) > ROOT_BYTES:
        fail("trust-config", f"{path} is too large for a trust configuration")
    return content
