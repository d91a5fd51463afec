"""From a key file's content to a key: PEM as everybody writes it, or as cosign does."""

from collections.abc import Callable

from webhook.attest.signing.cosign_key import decrypt_cosign_key, is_cosign_key
from webhook.attest.signing.key import PassphraseNeededError, SigningKey


def open_key(content: bytes, given: bytes | None, ask: Callable[[], bytes | None]) -> SigningKey:
    """Opens a key.

    Args:
        content: The file, capped.
        given: A passphrase that somebody has named for this key; it must be needed.
        ask: Looks for another one, if one is needed and none was given; None where there is none.

    Returns:
        The key.

    Raises:
        KeyNotSupportedError: It holds no key of a kind that signs evidence, or the passphrase does not fit;
            `PassphraseNeededError` if there is none.
    """
    if is_cosign_key(content):
        return SigningKey.from_der(decrypt_cosign_key(content, _needed(given, ask)))
    try:
        return SigningKey.from_pem(content, given)
    except PassphraseNeededError:
        return SigningKey.from_pem(content, _needed(given, ask))


def _needed(given: bytes | None, ask: Callable[[], bytes | None]) -> bytes:
    passphrase = ask() if given is None else given
    if passphrase is None:
        raise PassphraseNeededError
    return passphrase
