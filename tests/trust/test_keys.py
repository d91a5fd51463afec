"""Keys and their one algorithm each, case group 17."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.support.envelopes import pae
from tests.support.keys import KINDS, Signer, ecdsa, ed25519_key, rsa_private
from webhook.trust.dsse import pre_authentication_encoding
from webhook.trust.keys import KeyNotSupportedError, PublicKey

MESSAGE = b"DSSEv1 1 a 1 b"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _public(signer: Signer) -> PublicKey:
    return PublicKey.from_pem(signer.pem)


def _p256() -> ec.EllipticCurvePrivateKey:
    private = ecdsa("p256").private
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private


def _raw(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _mirrored(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, P256_ORDER - s)


def _long_length(signature: bytes) -> bytes:
    return signature[:1] + b"\x81" + signature[1:]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_key_verifies_its_owners_signature(kind: str) -> None:
    signer = KINDS[kind]()
    assert _public(signer).verifies(signer.sign(MESSAGE), MESSAGE)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_signature_over_other_bytes_does_not_hold(kind: str) -> None:
    signer = KINDS[kind]()
    assert not _public(signer).verifies(signer.sign(MESSAGE), MESSAGE + b" ")


@pytest.mark.parametrize("key", sorted(KINDS))
@pytest.mark.parametrize("signer", sorted(KINDS))
def test_signature_of_another_key_does_not_hold(key: str, signer: str) -> None:
    if key.startswith("rsa") and signer.startswith("rsa"):
        stranger = rsa.generate_private_key(65537, 2048)
        signature = stranger.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    elif key == signer:
        stranger_of = {"ed25519": lambda: ed25519_key("stranger")}
        made = stranger_of.get(key, lambda: ecdsa(key.removeprefix("ecdsa-"), "stranger"))()
        signature = made.sign(MESSAGE)
    else:
        signature = KINDS[signer]().sign(MESSAGE)
    assert not _public(KINDS[key]()).verifies(signature, MESSAGE)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("signature", [b"", b"\x00", b"\x30\x00", b"\xff" * 64, b"\x00" * 256, b"A" * 10_000])
def test_garbage_is_no_signature(kind: str, signature: bytes) -> None:
    assert not _public(KINDS[kind]()).verifies(signature, MESSAGE)


@pytest.mark.parametrize(
    ("curve", "wrong"),
    [
        ("p256", hashes.SHA1()),  # noqa: S303 - shows that it is refused
        ("p256", hashes.SHA384()),
        ("p256", hashes.SHA512()),
        ("p384", hashes.SHA256()),
        ("p384", hashes.SHA512()),
        ("p521", hashes.SHA256()),
        ("p521", hashes.SHA384()),
    ],
)
def test_ecdsa_with_another_curves_hash_does_not_hold(curve: str, wrong: hashes.HashAlgorithm) -> None:
    signer = ecdsa(curve)
    assert isinstance(signer.private, ec.EllipticCurvePrivateKey)
    assert not _public(signer).verifies(signer.private.sign(MESSAGE, ec.ECDSA(wrong)), MESSAGE)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda signature: signature, True),
        (_mirrored, True),  # ECDSA's own second form; a key counts once, however often it signs
        (lambda signature: signature + b"\x00", False),
        (lambda signature: signature + signature, False),
        (lambda signature: signature[:-1], False),
        (lambda signature: b"\x00" + signature, False),
        (_long_length, False),
        (_raw, False),
        (lambda _: encode_dss_signature(0, 0), False),
        (lambda _: encode_dss_signature(1, P256_ORDER), False),
        (lambda _: encode_dss_signature(P256_ORDER, 1), False),
    ],
    ids=["as made", "mirrored", "trailing", "twice", "short", "leading", "BER", "raw", "zero", "order s", "order r"],
)
def test_ecdsa_signature_is_strict_der(
    change: Callable[[bytes], bytes],
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    signer = ecdsa("p256")
    assert _public(signer).verifies(change(signer.sign(MESSAGE)), MESSAGE) is expected


@pytest.mark.parametrize(
    ("scheme", "digest", "expected"),
    [
        (padding.PKCS1v15(), hashes.SHA256(), True),
        (padding.PKCS1v15(), hashes.SHA1(), False),  # noqa: S303 - shows that it is refused
        (padding.PKCS1v15(), hashes.SHA512(), False),
        (padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256(), True),
        (padding.PSS(padding.MGF1(hashes.SHA256()), 0), hashes.SHA256(), False),
        (padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH), hashes.SHA256(), False),
        (padding.PSS(padding.MGF1(hashes.SHA1()), 32), hashes.SHA256(), False),  # noqa: S303 - as above
        (padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512(), False),
    ],
)
def test_rsa_takes_sha256_with_pkcs1_or_pss_alone(
    scheme: padding.AsymmetricPadding,
    digest: hashes.HashAlgorithm,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    private = rsa_private(2048)
    signature = private.sign(MESSAGE, scheme, digest)
    assert PublicKey.of(private.public_key()).verifies(signature, MESSAGE) is expected


def test_key_of_a_kind_that_nobody_foresaw_verifies_nothing() -> None:
    material = ed448.Ed448PrivateKey.generate().public_key()
    key = PublicKey("sha256:" + "0" * 64, material)  # type: ignore[arg-type]  # what the test is about
    assert not key.verifies(b"", MESSAGE)


@pytest.mark.parametrize(
    "material",
    [
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        ec.generate_private_key(ec.SECP224R1()).public_key(),
        ed448.Ed448PrivateKey.generate().public_key(),
        x25519.X25519PrivateKey.generate().public_key(),
        ecdsa("p256").private,
        None,
        "key",
    ],
    ids=["secp256k1", "P-224", "Ed448", "X25519", "private", "None", "text"],
)
def test_other_kind_of_key_is_refused(material: object) -> None:
    with pytest.raises(KeyNotSupportedError):
        PublicKey.of(material)


@pytest.mark.parametrize(("bits", "accepted"), [(1024, False), (2047, False), (2048, True), (3072, True)])
def test_rsa_key_has_2048_bits_at_least(
    bits: int,
    accepted: bool,  # noqa: FBT001 - a table's column
) -> None:
    material = rsa_private(bits).public_key()
    if accepted:
        assert PublicKey.of(material).key_id.startswith("sha256:")
    else:
        with pytest.raises(KeyNotSupportedError, match="2048"):
            PublicKey.of(material)


def test_rsa_key_has_8192_bits_at_most() -> None:
    # No private key is needed, and making one of this size takes minutes: any odd modulus has a length.
    for bits, accepted in ((8192, True), (8193, False)):
        material = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) | 1).public_key()
        if accepted:
            assert PublicKey.of(material).key_id
        else:
            with pytest.raises(KeyNotSupportedError, match="8192"):
                PublicKey.of(material)


# A well-formed SubjectPublicKeyInfo of the algorithm 1.2.3.4, which nobody has.
UNKNOWN_ALGORITHM = b"-----BEGIN PUBLIC KEY-----\nMAswBQYDKgMEAwIAAA==\n-----END PUBLIC KEY-----\n"


def _private_pem() -> bytes:
    return _p256().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"key",
        b"\xff\x00",
        b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ecdsa("p256").pem[:-40],
        base64.b64decode(b"".join(ecdsa("p256").pem.splitlines()[1:-1])),
        _private_pem(),
        UNKNOWN_ALGORITHM,
    ],
    ids=["empty", "text", "bytes", "no body", "no key", "certificate", "cut", "DER", "private", "unknown algorithm"],
)
def test_text_that_is_no_pem_public_key_is_refused(pem: bytes) -> None:
    with pytest.raises(KeyNotSupportedError):
        PublicKey.from_pem(pem)


def test_two_keys_in_one_text_are_refused() -> None:
    # Silently taking the first would leave the second one untrusted without a word.
    with pytest.raises(KeyNotSupportedError):
        PublicKey.from_pem(ecdsa("p256").pem + ecdsa("p256", "another").pem)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_key_id_is_the_hash_of_the_key_itself(kind: str) -> None:
    signer = KINDS[kind]()
    der = signer.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert _public(signer).key_id == "sha256:" + hashlib.sha256(der).hexdigest()


def test_one_key_written_in_two_ways_has_one_id() -> None:
    # Otherwise a compressed and an uncompressed copy would meet a threshold of two.
    point = _p256().public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    bits = b"\x03" + bytes([len(point) + 1]) + b"\x00" + point
    der = b"\x30" + bytes([len(algorithm + bits)]) + algorithm + bits
    lines = [b"-----BEGIN PUBLIC KEY-----", base64.b64encode(der), b"-----END PUBLIC KEY-----", b""]
    assert PublicKey.from_pem(b"\n".join(lines)).key_id == _public(ecdsa("p256")).key_id


def test_example_signature_of_the_dsse_specification_holds() -> None:
    # DSSE protocol.md, "Test Vectors": ECDSA over P-256 with SHA-256, r and s side by side.
    numbers = ec.EllipticCurvePublicNumbers(
        46950820868899156662930047687818585632848591499744589407958293238635476079160,
        5640078356564379163099075877009565129882514886557779369047442380624545832820,
        ec.SECP256R1(),
    )
    raw = base64.b64decode("A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==")
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = PublicKey.of(numbers.public_key())
    message = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert message == pae("http://example.com/HelloWorld", b"hello world")
    assert key.verifies(signature, message)
    assert not key.verifies(signature, b"hello world")
