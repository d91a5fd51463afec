"""The certificate side of a Sigstore: an authority like Fulcio, and a log of its certificates.

Sources: Fulcio, docs/certificate-specification.md and docs/oid-info.md; RFC 6962, section 3 (embedded timestamps).
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNED_AT = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)
"""When everything is signed, unless a test says otherwise; long ago, so that no clock matters."""
BEGAN = SIGNED_AT - timedelta(days=365)
ISSUER = "https://issuer.example.com"
SUBJECT = "robot@example.com"
ISSUER_V1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
ISSUER_V2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
USERNAME = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_SHA256 = hashes.SHA256()


def der(tag: int, *parts: bytes) -> bytes:
    """One DER element: a tag, the length, the parts one after another (X.690, 8.1.3)."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + body


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half, DER SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def username(text: str) -> x509.OtherName:
    """Fulcio's name of a user without a mail address, `user!domain`."""
    return x509.OtherName(USERNAME, der(0x0C, text.encode()))


@dataclass(frozen=True)
class Leaf:
    """What a signing certificate shall say; the defaults are a good one."""

    names: tuple[x509.GeneralName, ...] = (x509.RFC822Name(SUBJECT),)
    issuer_v1: bytes | None = ISSUER.encode()
    issuer_v2: bytes | None = der(0x0C, ISSUER.encode())
    not_before: datetime = SIGNED_AT - timedelta(seconds=5)
    lifetime: timedelta = timedelta(minutes=10)
    usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CODE_SIGNING,)
    digital_signature: bool = True
    is_ca: bool = False
    timestamps: int = 1
    """How often the certificate log vouches for it."""
    sct_at: datetime = SIGNED_AT
    padding: int = 0
    """Bytes of an extension that nobody knows."""

    def extensions(self) -> list[tuple[x509.ExtensionType, bool]]:
        """All but the two key identifiers and the log's timestamp; the second says whether it is critical."""
        found: list[tuple[x509.ExtensionType, bool]] = [(_key_usage(self.digital_signature, self.is_ca), True)]
        if self.usages:
            found.append((x509.ExtendedKeyUsage(self.usages), False))
        if self.is_ca:
            found.append((x509.BasicConstraints(ca=True, path_length=None), True))
        if self.names:
            found.append((x509.SubjectAlternativeName(self.names), True))
        for oid, value in ((ISSUER_V1, self.issuer_v1), (ISSUER_V2, self.issuer_v2)):
            if value is not None:
                found.append((x509.UnrecognizedExtension(oid, value), False))
        if self.padding:
            nobodys = x509.ObjectIdentifier("1.3.6.1.4.1.57264.99")
            found.append((x509.UnrecognizedExtension(nobodys, bytes(self.padding)), False))
        return found


@dataclass
class CertificateLog:
    """A log of certificates; it only gives promises."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def timestamp(self, precertificate: x509.Certificate, authority: bytes, at: datetime) -> bytes:
        """A signed certificate timestamp (RFC 6962, 3.2) of what a certificate says without one.

        Args:
            precertificate: The certificate, without the timestamp.
            authority: DER SubjectPublicKeyInfo of who issues it.
            at: When.
        """
        body = precertificate.tbs_certificate_bytes
        millis = struct.pack("!Q", int(at.timestamp() * 1000))
        entry = hashlib.sha256(authority).digest() + struct.pack("!I", len(body))[1:] + body
        signed = self.key.sign(b"\0\0" + millis + b"\0\1" + entry + b"\0\0", ec.ECDSA(_SHA256))
        log_id = hashlib.sha256(spki(self.key)).digest()
        return b"\0" + log_id + millis + b"\0\0" + b"\4\3" + struct.pack("!H", len(signed)) + signed


class Authority:
    """A root and an intermediate that issues signing certificates."""

    def __init__(self, name: str = "signing") -> None:
        root_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = _authority(f"{name} root", root_key, f"{name} root", root_key)
        self.intermediate = _authority(f"{name} intermediate", self.key, f"{name} root", root_key, 0)

    @property
    def chain(self) -> list[x509.Certificate]:
        """From who issues to the root."""
        return [self.intermediate, self.root]

    def issue(
        self, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, leaf: Leaf, logs: Sequence[CertificateLog]
    ) -> x509.Certificate:
        """Issues a certificate, with a timestamp of each log."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.intermediate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(leaf.not_before)
            .not_valid_after(leaf.not_before + leaf.lifetime)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for extension, critical in leaf.extensions():
            builder = builder.add_extension(extension, critical=critical)
        precertificate = builder.sign(self.key, _SHA256)
        stamps = [log.timestamp(precertificate, spki(self.key), leaf.sct_at) for log in logs]
        if stamps:
            listed = b"".join(struct.pack("!H", len(stamp)) + stamp for stamp in stamps)
            value = der(0x04, struct.pack("!H", len(listed)) + listed)
            builder = builder.add_extension(x509.UnrecognizedExtension(_SCT_LIST, value), critical=False)
        return builder.sign(self.key, _SHA256)


def _authority(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, depth: int = 1
) -> x509.Certificate:
    name, above = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (subject, issuer))
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGAN)
        .not_valid_after(BEGAN + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(_key_usage(digital_signature=False, signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if depth == 0:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    return builder.sign(signer, _SHA256)


def _key_usage(digital_signature: bool, signs_certificates: bool) -> x509.KeyUsage:  # noqa: FBT001 - two bits of one extension
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
