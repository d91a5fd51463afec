"""Keys that sign in tests, straight from `cryptography`; nothing of ours decides how a signature is made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
SHA256 = hashes.SHA256()
PSS = padding.PSS(mgf=padding.MGF1(SHA256), salt_length=padding.PSS.DIGEST_LENGTH)
CURVES: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
    "p256": (ec.SECP256R1(), hashes.SHA256()),
    "p384": (ec.SECP384R1(), hashes.SHA384()),
    "p521": (ec.SECP521R1(), hashes.SHA512()),
}


@dataclass(frozen=True)
class Signer:
    """A private key and the way in which its owner signs."""

    name: str
    private: PrivateKey
    sign: Callable[[bytes], bytes]

    @property
    def pem(self) -> bytes:
        """The public half, PEM `PUBLIC KEY`."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@cache
def ecdsa(curve: str = "p256", owner: str = "staging") -> Signer:
    """An ECDSA key that signs with its curve's own hash; the same arguments give the same key."""
    kind, digest = CURVES[curve]
    private = ec.generate_private_key(kind)
    return Signer(owner, private, lambda message: private.sign(message, ec.ECDSA(digest)))


@cache
def ed25519_key(owner: str = "staging") -> Signer:
    """An Ed25519 key."""
    private = ed25519.Ed25519PrivateKey.generate()
    return Signer(owner, private, private.sign)


@cache
def rsa_private(bits: int) -> rsa.RSAPrivateKey:
    """An RSA key; made once per size, since it takes a while."""
    return rsa.generate_private_key(65537, bits)


def rsa_pkcs1(owner: str = "staging") -> Signer:
    """RSA 2048 with PKCS#1 v1.5 and SHA-256."""
    private = rsa_private(2048)
    return Signer(owner, private, lambda message: private.sign(message, padding.PKCS1v15(), SHA256))


def rsa_pss(owner: str = "staging") -> Signer:
    """RSA 2048 with PSS, salt as long as SHA-256's digest."""
    private = rsa_private(2048)
    return Signer(owner, private, lambda message: private.sign(message, PSS, SHA256))


KINDS: dict[str, Callable[[], Signer]] = {
    "ecdsa-p256": lambda: ecdsa("p256"),
    "ecdsa-p384": lambda: ecdsa("p384"),
    "ecdsa-p521": lambda: ecdsa("p521"),
    "ed25519": ed25519_key,
    "rsa-pkcs1": rsa_pkcs1,
    "rsa-pss": rsa_pss,
}
"""Every kind of key and scheme that the gate trusts."""
