"""Private keys, and the one signature algorithm that each kind may use, exactly as in `webhook.trust.keys`."""

from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from webhook.attest.signing.derivation import require_bearable
from webhook.trust.keys import CURVE_HASHES, KeyNotSupportedError, PublicKey

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class PassphraseNeededError(KeyNotSupportedError):
    """The key is encrypted, and no passphrase was given."""

    def __init__(self) -> None:
        super().__init__("it needs a passphrase")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that can sign evidence.

    Attributes:
        public: Its public half, of a kind that the gate verifies with.
    """

    public: PublicKey
    _material: PrivateKey = field(repr=False)

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: bytes | None = None) -> "SigningKey":
        """Reads a key.

        Args:
            pem: One PEM block, PKCS#8, PKCS#1 or SEC1.
            passphrase: What the block is encrypted with, or None.

        Returns:
            The key.

        Raises:
            KeyNotSupportedError: No private key, another kind than ECDSA P-256, P-384 or P-521, Ed25519 and RSA of
                2048 to 8192 bits, encrypted at a cost that nobody should bear, or a passphrase that is wrong or not
                needed; `PassphraseNeededError` if it is missing.
        """
        if passphrase is not None:
            require_bearable(pem)
        try:
            material = load_pem_private_key(pem, passphrase)
        except TypeError:
            raise _misfit(passphrase) from None
        except (ValueError, UnsupportedAlgorithm):
            wrong = ", or the passphrase is wrong" if passphrase else ""
            raise KeyNotSupportedError(f"it holds no PEM private key{wrong}") from None
        return cls.of(material)

    @classmethod
    def from_der(cls, der: bytes) -> "SigningKey":
        """Reads a key that somebody has decrypted.

        Args:
            der: PKCS#8.

        Returns:
            The key.

        Raises:
            KeyNotSupportedError: As for `from_pem`.
        """
        try:
            material = load_der_private_key(der, None)
        except (TypeError, ValueError, UnsupportedAlgorithm):
            raise KeyNotSupportedError("it holds no private key of a kind that is known") from None
        return cls.of(material)

    @classmethod
    def of(cls, material: object) -> "SigningKey":
        """Wraps a key that `cryptography` has loaded.

        Args:
            material: ECDSA P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits.

        Returns:
            The key.

        Raises:
            KeyNotSupportedError: Another kind of key.
        """
        if not isinstance(material, PrivateKey):
            raise KeyNotSupportedError("it is not an ECDSA, Ed25519 or RSA key")
        return cls(PublicKey.of(material.public_key()), material)

    def sign(self, message: bytes) -> bytes:
        """Signs bytes.

        Args:
            message: The bytes; for an envelope, its pre-authentication encoding.

        Returns:
            ECDSA in DER with the curve's hash, Ed25519 raw, or RSA PKCS#1 v1.5 with SHA-256.
        """
        match self._material:
            case ec.EllipticCurvePrivateKey():
                return self._material.sign(message, ec.ECDSA(CURVE_HASHES[self._material.curve.name]))
            case ed25519.Ed25519PrivateKey():
                return self._material.sign(message)
            case rsa.RSAPrivateKey():
                return self._material.sign(message, padding.PKCS1v15(), hashes.SHA256())


def _misfit(passphrase: bytes | None) -> KeyNotSupportedError:
    if passphrase is None:
        return PassphraseNeededError()
    if not passphrase:
        return KeyNotSupportedError(
            "the passphrase is empty; name the right one, or none if the key is not encrypted"
        )
    return KeyNotSupportedError("it is not encrypted, but a passphrase was given")
