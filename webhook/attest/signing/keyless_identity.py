"""Who signs keyless: an identity token (JWT) of an OpenID Connect issuer, given or found.

As long as it lasts, whoever has it can sign in its owner's name; so its text goes to Fulcio and nowhere else. It
cannot be verified here, and need not be: Fulcio does.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from webhook.attest.signing.keyless_deadline import Watch, within
from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.trust.extra import load_sigstore

TOKEN_VARIABLE = "SIGSTORE_ID_TOKEN"  # noqa: S105 - the name of a variable
"""Where GitLab puts a token, and whoever else wants to."""
TOKEN_BYTES = 64 * 1024
"""The largest token; most take 2 KiB."""

_CI_SECONDS = 30.0
"""What a CI system gets to give one."""
_CI = "the CI system, which gives the identity token,"


def token_from_file(path: Path) -> str:
    """Reads a token that somebody keeps in a file, such as a projected volume of Kubernetes.

    Args:
        path: The file.

    Returns:
        The token.

    Raises:
        ConfigurationError: It cannot be read, or holds none.
        KeylessNotInstalledError: The extra `keyless` is not installed.
    """
    try:
        content = read_capped(path, TOKEN_BYTES)
    except (OSError, ValueError):
        raise ConfigurationError(f"{path} cannot be read, or is too large for an identity token") from None
    return token_of(content)


def token_of(content: bytes) -> str:
    """Takes the token out of a file's content.

    Args:
        content: The content; white space around the token does not count.

    Returns:
        The token, which looks as if it were still valid.

    Raises:
        ConfigurationError: It is none, is for somebody else than Sigstore, or has expired.
        KeylessNotInstalledError: The extra `keyless` is not installed.
    """
    load_sigstore()
    import jwt  # noqa: PLC0415 - of the extra, and heavy
    from sigstore.oidc import IdentityError, IdentityToken  # noqa: PLC0415 - as above

    try:
        token = content.decode("ascii").strip()
        IdentityToken(token)
    except UnicodeDecodeError:
        raise ConfigurationError("the identity token is no JWT") from None
    except IdentityError as error:
        match error.__cause__:
            case jwt.ExpiredSignatureError():
                what = "has expired; get a new one for each run"
            case jwt.InvalidAudienceError():
                what = "is not for the audience `sigstore`; ask its issuer for one that is"
            case _:
                what = "is no JWT with issuer, subject, audience and times that fit"
        raise ConfigurationError(f"the identity token {what}") from None
    return token


def find_token(environment: Mapping[str, str] = os.environ) -> str:
    """Looks for a token where the process runs: the variable first, then the CI system's own way.

    Args:
        environment: Holds `SIGSTORE_ID_TOKEN`, perhaps. What a CI system says is read from the process's own.

    Returns:
        The token, as `token_of` gives it.

    Raises:
        ConfigurationError: There is none, the job may not have one, or it is of no use; the text says what to do.
        UnavailableError: The CI system does not give it.
        KeylessNotInstalledError: The extra `keyless` is not installed.
    """
    load_sigstore()
    given = environment.get(TOKEN_VARIABLE) or within(_CI_SECONDS, Watch(_CI), _detected)
    if given is None:
        raise ConfigurationError(
            "there is no identity to sign with: give a token for the audience `sigstore` by --identity-token-file or "
            f"{TOKEN_VARIABLE}, or sign in a CI job that may ask for one"
        )
    return token_of(given.encode())


def _detected() -> str | None:
    from id import GitHubOidcPermissionCredentialError  # noqa: PLC0415 - of the extra
    from sigstore.oidc import IdentityError, detect_credential  # noqa: PLC0415 - as above

    try:
        return detect_credential()
    except IdentityError as error:
        if isinstance(error.__cause__, GitHubOidcPermissionCredentialError):
            raise ConfigurationError(
                "this job may not ask GitHub for an identity token: give it `permissions: id-token: write`"
            ) from None
        if os.environ.get("GITLAB_CI"):
            raise ConfigurationError(
                f"this job has no token of GitLab: declare {TOKEN_VARIABLE} with `aud: sigstore` in `id_tokens`"
            ) from None
        raise
