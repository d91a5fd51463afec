"""Certificates change under real pods, by way of Secret, kubelet and mounted file, and no review is lost."""

import base64
import json
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.charts.chart import NAMESPACE, RELEASE
from tests.e2e.load import load
from tests.e2e.release import OPERATOR, Release, Shop
from tests.harness.cluster import Namespace
from tests.harness.polling import poll

PROPAGATION = 180.0
"""Seconds until a changed Secret has reached the files of all pods: the kubelet looks about once a minute."""
TLS = f"{RELEASE}-tls"
AUTHORITY = f"{TLS}-ca"


def secret(release: Release, name: str) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in release.read("secret", name)["data"].items()}


def write(release: Release, name: str, data: dict[str, bytes]) -> None:
    patch = {"data": {key: base64.b64encode(value).decode() for key, value in data.items()}}
    release.kubectl("patch", "secret", name, "--type=merge", "-p", json.dumps(patch))


def old_leaf(authority: dict[str, bytes]) -> tuple[dict[str, bytes], float]:
    """Makes what somebody else might have left: an RSA leaf of the same authority, with five days to live."""
    issuer = x509.load_pem_x509_certificate(authority["ca.crt"])
    issuer_key = load_pem_private_key(authority["ca.key"], None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = rsa.generate_private_key(65537, 2048)
    now = datetime.now(UTC).replace(microsecond=0)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .serial_number(x509.random_serial_number())
        .public_key(key.public_key())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=5))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"{RELEASE}.{NAMESPACE}.svc")]), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(issuer_key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"tls.crt": certificate.public_bytes(Encoding.PEM), "tls.key": pem}, (now + timedelta(days=5)).timestamp()


def days_left(release: Release) -> set[int]:
    now = datetime.now(UTC).timestamp()
    return {round((end - now) / 86400) for end in release.served_until()}


def test_an_operator_that_was_away_renews_what_is_due_across_key_types(
    release: Release, production: Namespace, shop: Shop
) -> None:
    with load("operator away, leaf renewed from RSA to ECDSA", production, shop):
        release.scale(OPERATOR, 0)
        leaf, end = old_leaf(secret(release, AUTHORITY))
        write(release, TLS, leaf)
        poll(lambda: release.served_until() == {end}, PROPAGATION, "all pods serve the RSA leaf")
        release.scale(OPERATOR, 1)
        poll(lambda: days_left(release) == {30}, PROPAGATION, "all pods serve a leaf that the operator has renewed")
    renewed = x509.load_pem_x509_certificate(secret(release, TLS)["tls.crt"])
    assert isinstance(renewed.public_key(), ec.EllipticCurvePublicKey)


def test_a_lost_authority_is_replaced_with_both_trusted_meanwhile(
    release: Release, production: Namespace, shop: Shop
) -> None:
    before = secret(release, AUTHORITY)["ca.crt"]
    served = release.served_until()
    with load("authority replaced", production, shop):
        release.kubectl("delete", "secret", AUTHORITY)
        poll(lambda: not served & release.served_until(), PROPAGATION, "all pods serve a leaf of the new authority")
    after = secret(release, AUTHORITY)
    assert after["ca.crt"] != before
    assert len(x509.load_pem_x509_certificates(after["bundle.crt"])) == 2
