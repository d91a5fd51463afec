"""Opens who vouches for what is observed."""

from functools import partial
from pathlib import Path

from webhook.attest.signing.opening import open_key
from webhook.attest.signing.signed import Signer
from webhook.attest.signing.statement import KeySigner
from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.observer.settings import KeylessSettings, SigningSettings
from webhook.trust.keys import KeyNotSupportedError


def open_signer(section: SigningSettings, folder: Path) -> Signer:
    """Reads the key, or gets ready to sign without one. It may block.

    Args:
        section: Who vouches.
        folder: What relative paths are relative to.

    Returns:
        The signer.

    Raises:
        ConfigurationError: A file cannot be used; the text names it and shows nothing of it.
        UnavailableError: The Sigstore that would sign cannot be reached.
    """
    if section.keyless is not None:
        return _keyless(section.keyless, folder)
    key, passphrase = folder / (section.key_file or ""), section.passphrase_file
    secret = None if passphrase is None else _read(folder / passphrase, "passphraseFile").rstrip(b"\r\n")
    try:
        return KeySigner(open_key(_read(key, "keyFile"), secret, lambda: None))
    except KeyNotSupportedError as error:
        raise ConfigurationError(f"signing.keyFile {key}: {error}") from None


def _keyless(section: KeylessSettings, folder: Path) -> Signer:
    # Only who signs so waits for Sigstore's libraries.
    from webhook.attest.signing.keyless import KeylessSigner  # noqa: PLC0415 - as said
    from webhook.attest.signing.keyless_identity import token_from_file  # noqa: PLC0415 - as said

    trust = None if section.trust_config is None else _read(folder / section.trust_config, "keyless.trustConfig")
    # A projected token is renewed under the signer's feet.
    return KeylessSigner.open(partial(token_from_file, folder / section.identity_token_file), trust)


def _read(path: Path, name: str) -> bytes:
    try:
        return read_capped(path, LIMITS.key_bytes)
    except (OSError, ValueError):
        raise ConfigurationError(f"signing.{name} {path}: cannot be read, or is too large") from None
