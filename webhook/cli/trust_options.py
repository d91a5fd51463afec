"""The options that say who is believed where no configuration does."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from webhook.cli.options import INPUT, read_input, read_secret_or_key
from webhook.limits import LIMITS
from webhook.trust.extra import KeylessNotInstalledError
from webhook.trust.identity import PatternError, TextRule, TrustedIdentity
from webhook.trust.keys import KeyNotSupportedError, PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.root import ROOT_BYTES, TrustedRoot, TrustedRootError

_Command = TypeVar("_Command", bound=Callable[..., object])

_IDENTITY = {
    "--certificate-identity": "Who signed with a certificate: a mail address, a workflow's URL.",
    "--certificate-identity-regexp": "The same as a regular expression (RE2) that matches all of it.",
    "--certificate-oidc-issuer": "Who authenticated the identity: the issuer's URL.",
    "--certificate-oidc-issuer-regexp": "The same as a regular expression (RE2) that matches all of it.",
}
"""cosign's names."""


def trust_options(*, required: bool) -> Callable[[_Command], _Command]:
    """Gives a command the options for keys and for an identity; they become the argument `trust`, a `TrustPolicy`.

    Args:
        required: Whether somebody must be trusted.

    Returns:
        A decorator for the command.
    """

    def decorate(command: _Command) -> _Command:
        @functools.wraps(command)
        def wrapped(keys: tuple[TrustedKey, ...], trusted_root: Path | None, **rest: Any) -> object:
            texts = [rest.pop(f"trust_{_field(option)}") for option in _IDENTITY]
            identity = _identity(texts, trusted_root)
            if required and not keys and identity is None:
                raise click.UsageError("Missing option '--key', or '--certificate-identity' and what belongs to it.")
            if identity is None:
                return command(trust=TrustPolicy(keys), **rest)
            root = _root(cast("Path", trusted_root))
            return command(trust=TrustPolicy(keys, identities=(identity,), root=root), **rest)

        decorated: Any = wrapped
        for option in reversed(_options()):
            decorated = option(decorated)
        return cast("_Command", decorated)

    return decorate


def _field(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _options() -> list[Callable[[Any], Any]]:
    key = click.option(
        "--key",
        "keys",
        type=INPUT,
        multiple=True,
        callback=_keys,
        metavar="PEM",
        help="Public key; repeatable, any one of them suffices.",
    )
    identity = [
        click.option(option, f"trust_{_field(option)}", metavar="TEXT", help=text)
        for option, text in _IDENTITY.items()
    ]
    root = click.option(
        "--trusted-root",
        type=INPUT,
        metavar="FILE",
        help="The trusted_root.json of the Sigstore that certified the identity.",
    )
    return [key, *identity, root]


def _keys(_: click.Context, __: click.Parameter, paths: tuple[Path, ...]) -> tuple[TrustedKey, ...]:
    if len(paths) > LIMITS.trusted_keys:
        raise click.BadParameter(f"more than {LIMITS.trusted_keys} keys")
    return tuple([TrustedKey(path.name, _key(path)) for path in paths])


def _key(path: Path) -> PublicKey:
    try:
        return PublicKey.from_pem(read_secret_or_key(path))
    except KeyNotSupportedError as error:
        raise click.BadParameter(f"{path}: {error}") from None


def _identity(texts: list[str | None], trusted_root: Path | None) -> TrustedIdentity | None:
    subject, subject_pattern, issuer, issuer_pattern = texts
    if texts == [None] * len(texts) and trusted_root is None:
        return None
    if trusted_root is None:
        raise click.UsageError("Missing option '--trusted-root': an identity needs who certifies it.")
    rules = [
        _rule("--certificate-oidc-issuer", issuer, issuer_pattern),
        _rule("--certificate-identity", subject, subject_pattern),
    ]
    return TrustedIdentity(rules[1].text, rules[0], rules[1])


def _rule(option: str, exact: str | None, pattern: str | None) -> TextRule:
    if (exact is None) == (pattern is None):
        raise click.UsageError(f"Write either '{option}' or '{option}-regexp'.")
    if exact is not None:
        return TextRule(exact)
    try:
        return TextRule.pattern(pattern or "")
    except (PatternError, KeylessNotInstalledError) as error:
        raise click.UsageError(f"{option}-regexp: {error}") from None


def _root(path: Path) -> TrustedRoot:
    try:
        return TrustedRoot.load(read_input(path, ROOT_BYTES))
    except (TrustedRootError, KeylessNotInstalledError) as error:
        raise click.UsageError(f"--trusted-root {path}: {error}") from None
