import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.attest.keys import KINDS, private_pem, public_pem
from webhook.attest.signing.key import PassphraseNeededError, SigningKey
from webhook.trust.keys import KeyNotSupportedError, PublicKey


@pytest.mark.parametrize("kind", KINDS)
def test_an_encrypted_key_is_opened_with_its_passphrase(kind: str) -> None:
    key = SigningKey.from_pem(private_pem(kind, b"correct horse"), b"correct horse")
    assert key.public == PublicKey.from_pem(public_pem(kind))


@pytest.mark.parametrize(
    ("pem", "passphrase", "message"),
    [
        (private_pem("P-256", b"right"), b"wrong", "or the passphrase is wrong"),
        (private_pem("P-256", b"right"), None, "it needs a passphrase"),
        (private_pem("P-256"), b"right", "it is not encrypted, but a passphrase was given"),
        (public_pem("P-256"), None, "it holds no PEM private key"),
        (private_pem("P-256"), b"", "the passphrase is empty"),
        (private_pem("P-256", b"right"), b"", "the passphrase is empty"),
        (b"", None, "it holds no PEM private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None, "it holds no PEM private key"),
    ],
)
def test_what_is_no_usable_private_key_is_refused(pem: bytes, passphrase: bytes | None, message: str) -> None:
    with pytest.raises(KeyNotSupportedError, match=message):
        SigningKey.from_pem(pem, passphrase)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - too short on purpose
        ed448.Ed448PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
        dsa.generate_private_key(2048),
    ],
    ids=["secp256k1", "rsa-1024", "ed448", "x25519", "dsa"],
)
def test_other_kinds_of_keys_are_refused(
    key: ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed448.Ed448PrivateKey
    | x25519.X25519PrivateKey
    | dsa.DSAPrivateKey,
) -> None:
    with pytest.raises(KeyNotSupportedError):
        SigningKey.from_pem(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_a_passphrase_that_is_missing_can_be_told_from_one_that_is_wrong() -> None:
    with pytest.raises(PassphraseNeededError):
        SigningKey.from_pem(private_pem("P-256", b"right"))
    with pytest.raises(KeyNotSupportedError) as caught:
        SigningKey.from_pem(private_pem("P-256", b"right"), b"wrong")
    assert not isinstance(caught.value, PassphraseNeededError)
