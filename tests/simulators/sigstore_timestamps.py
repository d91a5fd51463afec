"""A timestamp authority: signed answers to "when was this signature there?".

Sources: RFC 3161 (TSTInfo), RFC 5652 (SignedData), RFC 5816 (the certificate's hash among what is signed).
"""

import base64
import hashlib
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.simulators.sigstore_certificates import BEGAN, der

SEQUENCE, SET, INTEGER, OCTETS, TAGGED = 0x30, 0x31, 0x02, 0x04, 0xA0


def _oid(text: str) -> bytes:
    first, second, *rest = (int(part) for part in text.split("."))
    body = bytes([40 * first + second])
    for part in rest:
        digits = [part & 0x7F]
        while part := part >> 7:
            digits.insert(0, 0x80 | part & 0x7F)
        body += bytes(digits)
    return der(0x06, body)


def _integer(value: int) -> bytes:
    return der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


_SHA256 = der(SEQUENCE, _oid("2.16.840.1.101.3.4.2.1"))
_ECDSA_SHA256 = der(SEQUENCE, _oid("1.2.840.10045.4.3.2"))
_SIGNED_DATA = _oid("1.2.840.113549.1.7.2")
_TST_INFO = _oid("1.2.840.113549.1.9.16.1.4")
_CONTENT_TYPE, _MESSAGE_DIGEST = _oid("1.2.840.113549.1.9.3"), _oid("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE = _oid("1.2.840.113549.1.9.16.2.47")
_POLICY = _oid("1.3.6.1.4.1.57264.2")


class TimestampAuthority:
    """Signs times with a certificate that is good for nothing else."""

    def __init__(self) -> None:
        root_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = _certificate(root_key, "timestamp root", root_key)
        self.certificate = _certificate(self.key, "timestamps", root_key)
        self._serial = 0

    @property
    def chain(self) -> list[x509.Certificate]:
        """From who signs to the root."""
        return [self.certificate, self.root]

    def stamp(self, signature: str, at: datetime) -> bytes:
        """Answers a request.

        Args:
            signature: In base64; its bytes are what is stamped.
            at: The time that is signed.

        Returns:
            A TimeStampResp.
        """
        self._serial += 1
        imprint = der(SEQUENCE, _SHA256, der(OCTETS, hashlib.sha256(base64.b64decode(signature)).digest()))
        when = der(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())
        content = der(SEQUENCE, _integer(1), _POLICY, imprint, _integer(self._serial), when)
        signed = der(
            SEQUENCE,
            _integer(3),
            der(SET, _SHA256),
            der(SEQUENCE, _TST_INFO, der(TAGGED, der(OCTETS, content))),
            der(TAGGED, self.certificate.public_bytes(Encoding.DER)),
            der(SET, self._signer_info(content)),
        )
        token = der(SEQUENCE, _SIGNED_DATA, der(TAGGED, signed))
        return der(SEQUENCE, der(SEQUENCE, _integer(0)), token)

    def _signer_info(self, content: bytes) -> bytes:
        fingerprint = hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).digest()
        identifier = der(SEQUENCE, der(SEQUENCE, der(SEQUENCE, der(OCTETS, fingerprint))))
        attributes = b"".join(
            sorted(
                [
                    der(SEQUENCE, _CONTENT_TYPE, der(SET, _TST_INFO)),
                    der(SEQUENCE, _MESSAGE_DIGEST, der(SET, der(OCTETS, hashlib.sha256(content).digest()))),
                    der(SEQUENCE, _SIGNING_CERTIFICATE, der(SET, identifier)),
                ]
            )
        )
        signature = self.key.sign(der(SET, attributes), ec.ECDSA(hashes.SHA256()))
        who = der(SEQUENCE, self.root.subject.public_bytes(), _integer(self.certificate.serial_number))
        return der(
            SEQUENCE, _integer(1), who, _SHA256, der(TAGGED, attributes), _ECDSA_SHA256, der(OCTETS, signature)
        )


def _certificate(key: ec.EllipticCurvePrivateKey, name: str, signer: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    is_root = key is signer
    subject, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, "timestamp root")
    )
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGAN)
        .not_valid_after(BEGAN + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_root,
                key_cert_sign=is_root,
                crl_sign=is_root,
                decipher_only=False,
                **usage,
            ),
            critical=True,
        )
    )
    if not is_root:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return builder.sign(signer, hashes.SHA256())
