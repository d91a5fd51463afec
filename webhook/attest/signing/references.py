"""Finds a private key by what names it: a file, a variable of the environment, or a Kubernetes Secret."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from webhook.attest.signing.key import PassphraseNeededError, SigningKey
from webhook.attest.signing.opening import open_key
from webhook.attest.signing.secret import read_secret_key
from webhook.errors import UnavailableError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.trust.keys import KeyNotSupportedError

PASSPHRASE_VARIABLE = "COSIGN_PASSWORD"  # noqa: S105 - the variable's name, no password
"""The environment variable with a key's passphrase, as cosign has it; an empty one counts."""

_ENV, _K8S = "env://", "k8s://"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,31}):(?://|(?<=pkcs11:))")
_NEVER_LEAVES = frozenset({"awskms", "azurekms", "gcpkms", "hashivault", "pkcs11"})
"""Where cosign knows keys that can be used, and not read."""
_READ_HERE = f"a key file, {_ENV}VARIABLE or {_K8S}NAMESPACE/SECRET"


class KeyReferenceError(ValueError):
    """No key that can sign is found there; the text names the reference and what to do, and holds no secret."""


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """What it takes to get at a key.

    Attributes:
        passphrase: One that somebody has named for this key; it must be needed.
        ask: Asks somebody for the passphrase of the key that it is given the name of; None if nobody is there.
        kubeconfig: Leads to the API server that has the Secret; None means the pod's own account.
        environment: Environment variables.
    """

    passphrase: bytes | None = field(default=None, repr=False)
    ask: Callable[[str], bytes] | None = None
    kubeconfig: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


def load_key(reference: str, access: KeyAccess) -> SigningKey:
    """Loads a private key. It may block, for as long as the API server or somebody at a terminal takes.

    An encrypted key's passphrase is the first of: the one that is named for it, that of its Secret, the variable
    `COSIGN_PASSWORD`, what somebody answers.

    Args:
        reference: A file, `-` for standard input, `env://VARIABLE`, or `k8s://NAMESPACE/SECRET`.
        access: What it takes to get at it.

    Returns:
        The key.

    Raises:
        KeyReferenceError: There is no usable key.
        UnavailableError: The API server cannot be asked for the Secret.
    """
    if "-----BEGIN" in reference or "\n" in reference:
        raise KeyReferenceError(f"this is a key and not where one lies; write a file, or {_ENV}VARIABLE")
    try:
        content, own = _read(reference, access)
        return open_key(content, access.passphrase, partial(_passphrase, reference, own, access))
    except PassphraseNeededError as error:
        raise KeyReferenceError(f"{reference}: {error}, from a file or the variable {PASSPHRASE_VARIABLE}") from None
    except KeyNotSupportedError as error:
        raise KeyReferenceError(f"{reference}: {error}") from None
    except UnavailableError as error:
        raise UnavailableError(f"{reference}: {error.detail}") from None


def _read(reference: str, access: KeyAccess) -> tuple[bytes, bytes | None]:
    """Reads a key file's content, and the passphrase that lies beside it."""
    if reference.startswith(_ENV):
        return _variable(reference.removeprefix(_ENV), access.environment), None
    if reference.startswith(_K8S):
        found = read_secret_key(reference.removeprefix(_K8S), access.kubeconfig)
        return found.key, found.passphrase
    named = _SCHEME.match(reference)
    if named is not None:
        raise KeyReferenceError(_elsewhere(named["scheme"].lower()))
    if reference == "-":
        return _capped(sys.stdin.buffer.read(LIMITS.key_bytes + 1)), None
    return _file(reference), None


def _elsewhere(scheme: str) -> str:
    if scheme in _NEVER_LEAVES:
        return (
            f"keys of {scheme} are not supported, since they cannot be read; sign with {_READ_HERE}, "
            "or let cosign sign the statement (docs/evidence.md)"
        )
    return f"no key is read from {scheme}; write {_READ_HERE}"


def _variable(name: str, environment: Mapping[str, str]) -> bytes:
    if not _VARIABLE.fullmatch(name):
        # Not repeated: it may be the key.
        raise KeyReferenceError(f"write {_ENV}VARIABLE with the name of an environment variable")
    text = environment.get(name)
    if not text:
        raise KeyNotSupportedError("the variable is not set, or empty")
    return _capped(os.fsencode(text))


def _file(path: str) -> bytes:
    try:
        return read_capped(Path(path), LIMITS.key_bytes)
    except OSError:
        raise KeyReferenceError(f"{path} cannot be read") from None
    except ValueError:
        raise KeyReferenceError(f"{path} is too large for a key") from None


def _capped(content: bytes) -> bytes:
    if len(content) > LIMITS.key_bytes:
        raise KeyNotSupportedError("it is too large for a key")
    return content


def _passphrase(reference: str, own: bytes | None, access: KeyAccess) -> bytes | None:
    if own is not None:
        return own
    named = access.environment.get(PASSPHRASE_VARIABLE)
    if named is not None:
        return os.fsencode(named)
    return None if access.ask is None else access.ask(reference)
