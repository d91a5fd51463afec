"""The webhook's own certificate authority: how certificates are made, read, and when they are due.

Pure functions; the clock is an argument. ECDSA P-256 throughout. Sources: RFC 5280 (§4.2.1.6: a certificate with
an empty subject has a critical subjectAltName; names of Services may be longer than the 64 characters of a common
name), RFC 9618.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from webhook.limits import LIMITS

_NO_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what is issued lives."""

    authority: timedelta = timedelta(days=365)
    leaf: timedelta = timedelta(days=30)
    skew: timedelta = timedelta(seconds=LIMITS.clock_skew)
    """How far `notBefore` lies back, for API servers whose clocks are behind."""
    settling: timedelta = timedelta(seconds=10)
    """How long after a bundle was written every API server has heard of it."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its key.

    Attributes:
        certificate: The certificate.
        key: The private key that belongs to it.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key in PEM (PKCS #8, not encrypted)."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def issue_authority(now: datetime, lifetimes: Lifetimes) -> KeyPair:
    """Makes a new certificate authority.

    Args:
        now: The time.
        lifetimes: How long it lives.

    Returns:
        The authority; its name is its own, so that two of them in one bundle are told apart.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"execution-evidence-gate {serial:x}"[:64])])
    usage = x509.KeyUsage(**(_NO_USAGE | {"key_cert_sign": True, "crl_sign": True}))
    builder = (
        _dated(key, serial, now, lifetimes.authority, lifetimes.skew)
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    return KeyPair(builder.sign(key, SHA256()), key)


def issue_leaf(authority: KeyPair, names: Sequence[str], now: datetime, lifetimes: Lifetimes) -> KeyPair:
    """Makes a new serving certificate.

    Args:
        authority: Signs it.
        names: DNS names, at least one.
        now: The time.
        lifetimes: How long it lives.

    Returns:
        Certificate and key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _dated(key, x509.random_serial_number(), now, lifetimes.leaf, lifetimes.skew)
        .subject_name(x509.Name([]))
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**(_NO_USAGE | {"digital_signature": True})), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return KeyPair(builder.sign(authority.key, SHA256()), key)


def read_pair(certificate_pem: bytes, key_pem: bytes) -> KeyPair | None:
    """Reads a certificate and its key.

    Args:
        certificate_pem: PEM; what follows the first certificate is ignored.
        key_pem: PEM.

    Returns:
        The pair, or None if either cannot be read, is not ECDSA P-256, or they do not belong together.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        key = load_pem_private_key(key_pem, None)
        public = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        return None
    encoding = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*encoding) != public.public_bytes(*encoding):
        return None
    return KeyPair(certificate, key)


def read_bundle(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Reads certificates.

    Args:
        pem: PEM, one certificate after the other.

    Returns:
        The certificates in order; none if the text cannot be read.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        return ()


def write_bundle(certificates: Sequence[x509.Certificate]) -> bytes:
    """Writes certificates.

    Args:
        certificates: The certificates.

    Returns:
        PEM, in the same order.
    """
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def is_valid_at(certificate: x509.Certificate, now: datetime) -> bool:
    """Tells whether a certificate is alive.

    Args:
        certificate: The certificate.
        now: The time.

    Returns:
        True from `notBefore` up to, and without, `notAfter`.
    """
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def renewal_time(certificate: x509.Certificate, lifetimes: Lifetimes) -> datetime:
    """Says when a certificate is to be replaced.

    Args:
        certificate: A certificate that was issued here.
        lifetimes: Its `skew` tells when it was issued.

    Returns:
        The instant at which two thirds of its life are over.
    """
    issued = certificate.not_valid_before_utc + lifetimes.skew
    return issued + (certificate.not_valid_after_utc - issued) * 2 / 3


def signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tells whether an authority issued a certificate.

    Args:
        certificate: The certificate.
        authority: The authority's own.

    Returns:
        True if name and signature fit.
    """
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def dns_names(certificate: x509.Certificate) -> frozenset[str]:
    """Gives the names that a certificate is for.

    Args:
        certificate: The certificate.

    Returns:
        Its DNS names; none if it cannot be read.
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return frozenset()
    return frozenset(names.get_values_for_type(x509.DNSName))


def _dated(
    key: ec.EllipticCurvePrivateKey, serial: int, now: datetime, lifetime: timedelta, skew: timedelta
) -> x509.CertificateBuilder:
    # Whole seconds, since certificates know no parts of them.
    issued = now.astimezone(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(issued - skew)
        .not_valid_after(issued + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
