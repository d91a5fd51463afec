"""One private key of each kind that may sign, made once per test run."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from webhook.attest.signing.key import PrivateKey

KINDS = ("P-256", "P-384", "P-521", "Ed25519", "RSA-2048")


@cache
def _private_key(kind: str, owner: str) -> PrivateKey:  # noqa: ARG001 - another owner has another key
    match kind:
        case "P-256":
            return ec.generate_private_key(ec.SECP256R1())
        case "P-384":
            return ec.generate_private_key(ec.SECP384R1())
        case "P-521":
            return ec.generate_private_key(ec.SECP521R1())
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "RSA-2048":
            return rsa.generate_private_key(65537, 2048)
    raise ValueError(kind)


def private_key(kind: str, owner: str = "staging") -> PrivateKey:
    return _private_key(kind, owner)


def private_pem(kind: str, passphrase: bytes | None = None, owner: str = "staging") -> bytes:
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return private_key(kind, owner).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(kind: str, owner: str = "staging") -> bytes:
    public = private_key(kind, owner).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
