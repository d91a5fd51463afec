import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from webhook.operator.certificates import (
    KeyPair,
    Lifetimes,
    dns_names,
    is_valid_at,
    issue_authority,
    issue_leaf,
    read_bundle,
    read_pair,
    renewal_time,
    signed_by,
    write_bundle,
)

NOW = datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC)
WHOLE = NOW.replace(microsecond=0)
NAMES = ("gate.stella.svc", "gate.stella.svc.cluster.local")
LONG = f"{'s' * 63}.{'n' * 63}.svc"
LIVES = Lifetimes()


def verified_at(leaf: KeyPair, authorities: list[x509.Certificate], now: datetime, name: str = NAMES[0]) -> bool:
    verifier = PolicyBuilder().store(Store(authorities)).time(now).build_server_verifier(x509.DNSName(name))
    try:
        verifier.verify(leaf.certificate, [])
    except VerificationError:
        return False
    return True


@pytest.fixture(scope="module")
def authority() -> KeyPair:
    return issue_authority(NOW, LIVES)


@pytest.fixture(scope="module")
def leaf(authority: KeyPair) -> KeyPair:
    return issue_leaf(authority, NAMES, NOW, LIVES)


@pytest.mark.parametrize("name", NAMES)
def test_another_implementation_of_path_validation_accepts_the_leaf(
    name: str, authority: KeyPair, leaf: KeyPair
) -> None:
    assert verified_at(leaf, [authority.certificate], NOW, name)


@pytest.mark.parametrize(
    ("offset", "accepted"),
    [
        (timedelta(minutes=-5, seconds=-1), False),
        (timedelta(minutes=-5), True),
        (timedelta(days=30) - timedelta(seconds=1), True),
        (timedelta(days=30, seconds=1), False),
    ],
)
def test_a_leaf_lives_from_five_minutes_before_for_thirty_days(
    offset: timedelta,
    accepted: bool,  # noqa: FBT001 - a row of the table
    authority: KeyPair,
    leaf: KeyPair,
) -> None:
    assert verified_at(leaf, [authority.certificate], WHOLE + offset) is accepted
    assert is_valid_at(leaf.certificate, WHOLE + offset) is accepted


def test_a_leaf_is_dead_at_its_last_instant(leaf: KeyPair) -> None:
    assert not is_valid_at(leaf.certificate, WHOLE + timedelta(days=30))


def test_an_authority_lives_for_a_year(authority: KeyPair) -> None:
    assert authority.certificate.not_valid_before_utc == WHOLE - timedelta(minutes=5)
    assert authority.certificate.not_valid_after_utc == WHOLE + timedelta(days=365)


def test_two_thirds_are_counted_from_the_issue(authority: KeyPair, leaf: KeyPair) -> None:
    assert renewal_time(leaf.certificate, LIVES) == WHOLE + timedelta(days=20)
    assert renewal_time(authority.certificate, LIVES) == WHOLE + timedelta(days=365) * 2 / 3


def test_the_leaf_is_for_its_names_alone(authority: KeyPair, leaf: KeyPair) -> None:
    assert dns_names(leaf.certificate) == frozenset(NAMES)
    assert not verified_at(leaf, [authority.certificate], NOW, "other.stella.svc")


def test_names_longer_than_a_common_name_work(authority: KeyPair) -> None:
    assert verified_at(issue_leaf(authority, [LONG], NOW, LIVES), [authority.certificate], NOW, LONG)


def test_a_leaf_of_each_authority_is_found_in_a_bundle_of_both(authority: KeyPair, leaf: KeyPair) -> None:
    other = issue_authority(NOW, LIVES)
    bundle = [other.certificate, authority.certificate]
    assert other.certificate.subject != authority.certificate.subject
    assert verified_at(leaf, bundle, NOW)
    assert verified_at(issue_leaf(other, NAMES, NOW, LIVES), bundle, NOW)
    assert not verified_at(leaf, [other.certificate], NOW)
    assert signed_by(leaf.certificate, authority.certificate)
    assert not signed_by(leaf.certificate, other.certificate)


def test_no_authority_can_be_made_below_ours(authority: KeyPair, leaf: KeyPair) -> None:
    below = issue_leaf(leaf, NAMES, NOW, LIVES)
    verifier = PolicyBuilder().store(Store([authority.certificate])).time(NOW)
    with pytest.raises(VerificationError):
        verifier.build_server_verifier(x509.DNSName(NAMES[0])).verify(below.certificate, [leaf.certificate])


def test_openssl_accepts_the_chain_for_a_server(authority: KeyPair, leaf: KeyPair, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        return  # `cryptography` has verified the same above.
    (tmp_path / "ca.crt").write_bytes(authority.certificate_pem)
    (tmp_path / "tls.crt").write_bytes(leaf.certificate_pem)
    instant = str(int(NOW.timestamp()))
    arguments = ["-x509_strict", "-purpose", "sslserver", "-attime", instant, "-verify_hostname", NAMES[1]]
    command = [openssl, "verify", "-CAfile", str(tmp_path / "ca.crt"), *arguments, str(tmp_path / "tls.crt")]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_a_pair_is_read_as_it_was_written(leaf: KeyPair) -> None:
    read = read_pair(leaf.certificate_pem, leaf.key_pem)
    assert read is not None
    assert read.certificate == leaf.certificate
    assert read.key_pem == leaf.key_pem


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        (None, b""),
        (None, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        (None, _pem(ec.generate_private_key(ec.SECP256R1()))),
        (None, _pem(ec.generate_private_key(ec.SECP384R1()))),
        (None, _pem(rsa.generate_private_key(65537, 2048))),
        (b"", None),
        (b"not PEM", None),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None),
    ],
)
def test_what_is_broken_or_does_not_belong_together_is_no_pair(
    certificate: bytes | None, key: bytes | None, leaf: KeyPair
) -> None:
    chosen = leaf.certificate_pem if certificate is None else certificate
    assert read_pair(chosen, leaf.key_pem if key is None else key) is None


def test_a_bundle_is_read_as_it_was_written(authority: KeyPair, leaf: KeyPair) -> None:
    both = (authority.certificate, leaf.certificate)
    assert read_bundle(write_bundle(both)) == both


@pytest.mark.parametrize("pem", [b"", b"not PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_broken_bundle_is_empty(pem: bytes) -> None:
    assert read_bundle(pem) == ()
