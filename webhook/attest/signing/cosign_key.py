"""Opens the private keys that cosign writes, which are encrypted in a way of their own.

A PEM block around JSON: scrypt makes a key out of the passphrase, NaCl's secretbox hides the PKCS#8 key with it. A
hostile file could name parameters that take gigabytes, so only the three sets that cosign accepts are accepted.
Source: github.com/secure-systems-lab/go-securesystemslib, encrypted/encrypted.go; RFC 7914 (scrypt).
"""

import base64
import binascii
import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from webhook.errors import MalformedError
from webhook.model.strict_json import parse_json
from webhook.trust.keys import KeyNotSupportedError

_BLOCK = re.compile(
    rb"-----BEGIN (?P<type>ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY)-----\s*(?P<body>[A-Za-z0-9+/=\s]*)"
    rb"-----END (?P=type)-----"
)
_BEGIN = re.compile(rb"-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----")
_BROKEN = "it is no key file of cosign's, or a part of it is missing"
_KEY_BYTES = 32
_NONCE_BYTES = 24


def _decoded(value: object) -> object:
    # Whatever is no Base64 is left as it is, for the model to refuse: there it is no bytes.
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value


_Base64 = Annotated[bytes, BeforeValidator(_decoded)]
_STRICT = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class _Parameters(BaseModel):
    model_config = _STRICT

    cost: Literal[32768, 65536, 131072] = Field(alias="N")
    block_size: Literal[8] = Field(alias="r")
    parallelization: Literal[1] = Field(alias="p")


class _Derivation(BaseModel):
    model_config = _STRICT

    name: Literal["scrypt"]
    params: _Parameters
    salt: _Base64


class _Cipher(BaseModel):
    model_config = _STRICT

    name: Literal["nacl/secretbox"]
    nonce: Annotated[_Base64, Field(min_length=_NONCE_BYTES, max_length=_NONCE_BYTES)]


class _Encrypted(BaseModel):
    model_config = _STRICT

    kdf: _Derivation
    cipher: _Cipher
    ciphertext: _Base64


def is_cosign_key(content: bytes) -> bool:
    """Tells whether a key is encrypted in cosign's way.

    Args:
        content: A key file.

    Returns:
        True for the PEM types `ENCRYPTED SIGSTORE PRIVATE KEY` and, of old, `ENCRYPTED COSIGN PRIVATE KEY`.
    """
    return _BEGIN.search(content) is not None


def decrypt_cosign_key(content: bytes, passphrase: bytes) -> bytes:
    """Opens a key; it takes up to 128 MiB and some tenths of a second, by design of scrypt.

    Args:
        content: A key file with one PEM block; the caller has capped it.
        passphrase: What it is encrypted with; an empty one is one too.

    Returns:
        The private key, PKCS#8 in DER.

    Raises:
        KeyNotSupportedError: It is no such file, another way of encryption, or the passphrase is wrong.
    """
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415 - only for such keys
    from nacl.exceptions import CryptoError  # noqa: PLC0415 - only for such keys
    from nacl.secret import SecretBox  # noqa: PLC0415 - only for such keys

    encrypted = _parsed(content)
    parameters = encrypted.kdf.params
    scrypt = Scrypt(
        encrypted.kdf.salt, _KEY_BYTES, parameters.cost, parameters.block_size, parameters.parallelization
    )
    try:
        return SecretBox(scrypt.derive(passphrase)).decrypt(encrypted.ciphertext, encrypted.cipher.nonce)
    except CryptoError:
        raise KeyNotSupportedError("the passphrase is wrong, or the file was changed") from None


def _parsed(content: bytes) -> _Encrypted:
    if content.count(b"-----BEGIN") > 1:
        raise KeyNotSupportedError("it holds more than one PEM block")
    block = _BLOCK.search(content)
    if block is None:
        raise KeyNotSupportedError(_BROKEN)
    try:
        document = parse_json(base64.b64decode(b"".join(block["body"].split()), validate=True), "key")
        return _Encrypted.model_validate(document)
    except (binascii.Error, MalformedError):
        raise KeyNotSupportedError(_BROKEN) from None
    except ValidationError as error:
        raise KeyNotSupportedError(_why_not(error)) from None


def _why_not(error: ValidationError) -> str:
    """Tells what is missing from what is there and strange, by our own names alone."""
    kinds = {entry["type"] for entry in error.errors(include_input=False, include_url=False, include_context=False)}
    if kinds == {"literal_error"}:
        return (
            "it is encrypted in a way that cosign does not use (scrypt with N up to 131072, r 8, p 1; nacl/secretbox)"
        )
    return _BROKEN
