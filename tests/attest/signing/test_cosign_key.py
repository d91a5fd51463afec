import base64
import resource
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attest.keys import KINDS, private_key, private_pem, public_pem
from tests.attest.signing.cosign_keys import changed, cosign_pem, encrypted
from tests.harness.cosign_keys import generate_key_pair, import_key_pair
from webhook.attest.signing.cosign_key import decrypt_cosign_key, is_cosign_key
from webhook.attest.signing.key import SigningKey
from webhook.trust.keys import KeyNotSupportedError, PublicKey

PASSPHRASE = b"correct horse"
DER = private_key("P-256").private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
DOCUMENT = encrypted(DER, PASSPHRASE)


@pytest.mark.parametrize("passphrase", ["correct horse", "", "pässwörd", "p" * 200])
def test_a_key_that_cosign_generated_is_opened(passphrase: str, tmp_path: Path) -> None:
    content = generate_key_pair(tmp_path, passphrase).read_bytes()
    assert is_cosign_key(content)
    key = SigningKey.from_der(decrypt_cosign_key(content, passphrase.encode()))
    assert key.public == PublicKey.from_pem((tmp_path / "cosign.pub").read_bytes())


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_every_kind_that_cosign_imported_is_opened(kind: str, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(private_pem(kind))
    content = import_key_pair(tmp_path, tmp_path / "own.pem", "correct horse").read_bytes()
    assert SigningKey.from_der(decrypt_cosign_key(content, PASSPHRASE)).public == PublicKey.from_pem(public_pem(kind))


@pytest.mark.parametrize("kind", ["SIGSTORE", "COSIGN"])
@pytest.mark.parametrize("cost", [32768, 65536, 131072])
def test_all_parameters_that_cosign_accepts_are_accepted(kind: str, cost: int) -> None:
    content = cosign_pem(encrypted(DER, PASSPHRASE, cost), kind)
    assert is_cosign_key(content)
    assert decrypt_cosign_key(content, PASSPHRASE) == DER


@pytest.mark.parametrize("kind", KINDS)
def test_other_key_files_are_none_of_cosigns(kind: str) -> None:
    assert not is_cosign_key(private_pem(kind))
    assert not is_cosign_key(private_pem(kind, PASSPHRASE))
    assert not is_cosign_key(public_pem(kind))


@pytest.mark.parametrize("passphrase", [b"", b"battery staple", b"correct horse\n"])
def test_a_wrong_passphrase_is_named(passphrase: bytes) -> None:
    with pytest.raises(KeyNotSupportedError, match="the passphrase is wrong, or the file was changed"):
        decrypt_cosign_key(cosign_pem(DOCUMENT), passphrase)


STRANGE: dict[str, tuple[tuple[str, ...], Any]] = {
    # scrypt needs 128 * N * r bytes (RFC 7914): these take 1 GiB, 16 GiB, 1 TiB, or four billion times the time.
    "N too high": (("kdf", "params", "N"), 2**20),
    "r too high": (("kdf", "params", "r"), 2**12),
    "N beyond memory": (("kdf", "params", "N"), 2**30),
    "p too high": (("kdf", "params", "p"), 2**32),
    "N too low": (("kdf", "params", "N"), 2),
    "N no power of two": (("kdf", "params", "N"), 32769),
    "N zero": (("kdf", "params", "N"), 0),
    "N negative": (("kdf", "params", "N"), -32768),
    "another derivation": (("kdf", "name"), "pbkdf2"),
    "another cipher": (("cipher", "name"), "aes-256-gcm"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_parameters_of_others_are_refused_before_they_cost_anything(name: str) -> None:
    path, value = STRANGE[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(KeyNotSupportedError, match="in a way that cosign does not use"):
        decrypt_cosign_key(cosign_pem(changed(DOCUMENT, *path, value=value)), PASSPHRASE)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 16 * 1024  # KiB; the smallest of cosign's own takes 32 MiB


BROKEN: dict[str, tuple[tuple[str, ...], Any]] = {
    "no kdf": (("kdf",), ...),
    "no params": (("kdf", "params"), ...),
    "no N": (("kdf", "params", "N"), ...),
    "no salt": (("kdf", "salt"), ...),
    "salt no Base64": (("kdf", "salt"), "%%%"),
    "salt a number": (("kdf", "salt"), 7),
    "no cipher": (("cipher",), ...),
    "no nonce": (("cipher", "nonce"), ...),
    "nonce too short": (("cipher", "nonce"), base64.b64encode(b"n" * 23).decode()),
    "nonce too long": (("cipher", "nonce"), base64.b64encode(b"n" * 25).decode()),
    "no ciphertext": (("ciphertext",), ...),
    "ciphertext null": (("ciphertext",), None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_lacks_something_is_refused(name: str) -> None:
    path, value = BROKEN[name]
    with pytest.raises(KeyNotSupportedError, match="a part of it is missing"):
        decrypt_cosign_key(cosign_pem(changed(DOCUMENT, *path, value=value)), PASSPHRASE)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17])
def test_a_ciphertext_that_was_cut_is_refused(size: int) -> None:
    cut = base64.b64encode(base64.b64decode(DOCUMENT["ciphertext"])[:size]).decode()
    with pytest.raises(KeyNotSupportedError, match="the passphrase is wrong, or the file was changed"):
        decrypt_cosign_key(cosign_pem(changed(DOCUMENT, "ciphertext", value=cut)), PASSPHRASE)


@pytest.mark.parametrize(
    "content",
    [
        cosign_pem(DOCUMENT)[:-10],
        cosign_pem(DOCUMENT).replace(b"END ENCRYPTED SIGSTORE", b"END ENCRYPTED COSIGN"),
        cosign_pem(b""),
        cosign_pem(b"{"),
        cosign_pem([]),
        cosign_pem(b"[" * 10_000),
        cosign_pem(DOCUMENT).replace(b"\n", b"\n=", 2),
    ],
    ids=["cut", "ends as another", "empty", "no JSON", "no object", "deep", "no Base64"],
)
def test_what_only_begins_as_cosigns_is_refused(content: bytes) -> None:
    with pytest.raises(KeyNotSupportedError, match="a part of it is missing"):
        decrypt_cosign_key(content, PASSPHRASE)


def test_two_keys_in_one_file_are_refused() -> None:
    with pytest.raises(KeyNotSupportedError, match="more than one PEM block"):
        decrypt_cosign_key(cosign_pem(DOCUMENT) * 2, PASSPHRASE)


def test_what_is_encrypted_must_be_a_private_key() -> None:
    with pytest.raises(KeyNotSupportedError, match="no private key of a kind that is known"):
        SigningKey.from_der(decrypt_cosign_key(cosign_pem(encrypted(b"not a key", PASSPHRASE)), PASSPHRASE))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(32768.0),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_PATHS = [
    ("kdf",),
    ("kdf", "name"),
    ("kdf", "params"),
    ("kdf", "params", "N"),
    ("kdf", "params", "r"),
    ("kdf", "params", "p"),
    ("kdf", "salt"),
    ("cipher",),
    ("cipher", "nonce"),
    ("ciphertext",),
]


@given(path=st.sampled_from(_PATHS), value=_JSON)
@settings(deadline=None)
def test_whatever_a_member_holds_the_answer_is_our_own(path: tuple[str, ...], value: Any) -> None:
    with pytest.raises(KeyNotSupportedError):
        decrypt_cosign_key(cosign_pem(changed(DOCUMENT, *path, value=value)), b"never this one")


@given(body=st.binary(max_size=200))
@settings(deadline=None)
def test_whatever_a_block_holds_the_answer_is_our_own(body: bytes) -> None:
    with pytest.raises(KeyNotSupportedError):
        decrypt_cosign_key(cosign_pem(body), PASSPHRASE)
