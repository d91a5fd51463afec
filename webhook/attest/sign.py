"""Signs a statement into a DSSE envelope.

Source: DSSE v1.0.2 (protocol.md). The key decides the algorithm, exactly as in `webhook.trust.keys`.
"""

import json
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from webhook.errors import MalformedError
from webhook.model.statement import PAYLOAD_TYPE, Statement
from webhook.trust.dsse import Signature, encode_envelope, pre_authentication_encoding
from webhook.trust.keys import CURVE_HASHES, KeyNotSupportedError, PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.verify import verify

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that can sign evidence.

    Attributes:
        public: Its public half, of a kind that the gate verifies with.
    """

    public: PublicKey
    _material: PrivateKey

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
                2048 to 8192 bits, or a passphrase that is missing, wrong or not needed.
        """
        try:
            material = load_pem_private_key(pem, passphrase)
        except TypeError:
            need = "it is not encrypted, but a passphrase was given" if passphrase else "it needs a passphrase"
            raise KeyNotSupportedError(need) from None
        except (ValueError, UnsupportedAlgorithm):
            wrong = ", or the passphrase is wrong" if passphrase else ""
            raise KeyNotSupportedError(f"it holds no PEM private key{wrong}") from None
        public = PublicKey.of(material.public_key())
        if not isinstance(material, PrivateKey):
            raise KeyNotSupportedError("it is not an ECDSA, Ed25519 or RSA key")
        return cls(public, material)

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


def sign_statement(payload: bytes, key: SigningKey) -> bytes:
    """Signs a statement, and verifies the result as the gate will before anybody gets it.

    Args:
        payload: The statement's bytes.
        key: Who vouches for it.

    Returns:
        The envelope, UTF-8 JSON with a final line feed.

    Raises:
        EvidenceError: The gate would not accept the statement; the detail names the part at fault.
    """
    signature = Signature(key.public.key_id, key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload)))
    envelope = json.dumps(encode_envelope(payload, [signature]), separators=(",", ":")).encode("ascii") + b"\n"
    statement = Statement.parse(payload)
    digests = statement.digests()
    if not digests:
        raise MalformedError("the statement names no sha256 digest")
    policy = TrustPolicy((TrustedKey("signer", key.public),), predicate_types=frozenset({statement.predicate_type}))
    for digest in digests:
        verify(envelope, digest, None, policy)
    return envelope
