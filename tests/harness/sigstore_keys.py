"""The keys and certificates of a Sigstore of the tests."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEAR = timedelta(days=365)
_SIGNING = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class SigstoreKeys:
    """What each service signs with, in files of one folder.

    Attributes:
        folder: Where the files are.
        chain: Fulcio's certificates, its own first and the root last.
        ct_log: The key of the log of certificates.
        rekor: The key of Rekor's log.
    """

    folder: Path
    chain: tuple[x509.Certificate, x509.Certificate]
    ct_log: ec.EllipticCurvePrivateKey
    rekor: ed25519.Ed25519PrivateKey

    @classmethod
    def make(cls, folder: Path) -> "SigstoreKeys":
        """Makes all of them.

        Args:
            folder: An existing folder.

        Returns:
            The keys, whose files are written.
        """
        root, intermediate = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        top = _certificate("root", root, "root", root)
        keys = cls(
            folder,
            (_certificate("intermediate", intermediate, "root", root), top),
            ec.generate_private_key(ec.SECP256R1()),
            ed25519.Ed25519PrivateKey.generate(),
        )
        keys.chain_file.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in keys.chain))
        keys.root_file.write_bytes(top.public_bytes(Encoding.PEM))
        for path, key, form in (
            (keys.key_file, intermediate, PrivateFormat.PKCS8),
            (keys.ct_log_file, keys.ct_log, PrivateFormat.TraditionalOpenSSL),
            (keys.rekor_file, keys.rekor, PrivateFormat.PKCS8),
        ):
            path.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
        return keys

    @cached_property
    def chain_file(self) -> Path:
        """`chain`, PEM."""
        return self.folder / "fulcio-chain.pem"

    @cached_property
    def root_file(self) -> Path:
        """The root alone, PEM."""
        return self.folder / "fulcio-root.pem"

    @cached_property
    def key_file(self) -> Path:
        """Fulcio's key, PKCS#8."""
        return self.folder / "fulcio-key.pem"

    @cached_property
    def ct_log_file(self) -> Path:
        """`ct_log`, SEC1: its server reads nothing else."""
        return self.folder / "ct-log-key.pem"

    @cached_property
    def rekor_file(self) -> Path:
        """`rekor`, PKCS#8."""
        return self.folder / "rekor-key.pem"


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _YEAR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_SIGNING, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if subject != issuer:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _name(name: str) -> x509.Name:
    attributes = [(NameOID.ORGANIZATION_NAME, "test-sigstore"), (NameOID.COMMON_NAME, name)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
