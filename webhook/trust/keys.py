"""Public keys and the one signature algorithm that each kind of key may use.

The key decides the algorithm, never the envelope: a signature cannot choose a weaker hash for itself.
Source: Sigstore algorithm registry (docs/algorithm-registry.md), the rows for signing with a key.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from webhook.model.canonical import sha256_digest

KeyMaterial = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

CURVE_HASHES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
"""The hash that belongs to each curve."""

_RSA_MINIMUM_BITS = 2048
_RSA_MAXIMUM_BITS = 8192
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)


class KeyNotSupportedError(ValueError):
    """The PEM text holds no public key that the gate can verify with; the text says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key.

    Attributes:
        key_id: `sha256:` and the hash of the DER SubjectPublicKeyInfo, 64 hexadecimal digits: what the key is,
            whatever anybody calls it.
    """

    key_id: str
    _material: KeyMaterial

    @classmethod
    def from_pem(cls, pem: bytes) -> "PublicKey":
        """Reads a key.

        Args:
            pem: One PEM block `PUBLIC KEY`.

        Returns:
            The key.

        Raises:
            KeyNotSupportedError: No public key or several, an unknown kind, or RSA outside 2048 … 8192 bits.
        """
        if pem.count(b"-----BEGIN") > 1:
            # The loader would take the first and leave the others untrusted without a word.
            raise KeyNotSupportedError("it holds more than one PEM block")
        try:
            material = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise KeyNotSupportedError("it holds no PEM public key") from None
        return cls.of(material)

    @classmethod
    def of(cls, material: object) -> "PublicKey":
        """Wraps a key that `cryptography` has loaded.

        Args:
            material: ECDSA P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits.

        Returns:
            The key.

        Raises:
            KeyNotSupportedError: Another kind of key.
        """
        if isinstance(material, ec.EllipticCurvePublicKey):
            if material.curve.name not in CURVE_HASHES:
                raise KeyNotSupportedError("its curve is not P-256, P-384 or P-521")
        elif isinstance(material, rsa.RSAPublicKey):
            if not _RSA_MINIMUM_BITS <= material.key_size <= _RSA_MAXIMUM_BITS:
                raise KeyNotSupportedError("an RSA key must have 2048 to 8192 bits")
        elif not isinstance(material, ed25519.Ed25519PublicKey):
            raise KeyNotSupportedError("it is not an ECDSA, Ed25519 or RSA key")
        encoded = material.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(sha256_digest(encoded), material)

    @property
    def is_ed25519(self) -> bool:
        """Whether it is an Ed25519 key."""
        return isinstance(self._material, ed25519.Ed25519PublicKey)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Checks a signature.

        Args:
            signature: ECDSA in DER, Ed25519 raw, RSA PKCS#1 v1.5 or PSS with SHA-256.
            message: The signed bytes.

        Returns:
            True only if this key made the signature over these bytes.
        """
        try:
            match self._material:
                case ec.EllipticCurvePublicKey():
                    algorithm = ec.ECDSA(CURVE_HASHES[self._material.curve.name])
                    self._material.verify(signature, message, algorithm)
                case ed25519.Ed25519PublicKey():
                    self._material.verify(signature, message)
                case rsa.RSAPublicKey():
                    return _rsa_verifies(self._material, signature, message)
                case _:
                    return False
        except InvalidSignature:
            return False
        return True


def _rsa_verifies(key: rsa.RSAPublicKey, signature: bytes, message: bytes) -> bool:
    for scheme in (padding.PKCS1v15(), _PSS):
        try:
            key.verify(signature, message, scheme, hashes.SHA256())
        except InvalidSignature:
            continue
        return True
    return False
