"""Encrypted PKCS#8 keys that OpenSSL wrote, and what somebody could make of them."""

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.keys import private_pem, public_pem
from tests.support.deadline import at_most
from webhook.attest.signing.derivation import ITERATIONS, require_bearable
from webhook.attest.signing.key import SigningKey
from webhook.trust.keys import KeyNotSupportedError, PublicKey

BEGIN, END = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n", b"-----END ENCRYPTED PRIVATE KEY-----\n"
SCRYPT = ("-scrypt", "-scrypt_N", "16384", "-scrypt_r", "8", "-scrypt_p", "1")
PBKDF2 = ("-v2", "aes256", "-iter", "65536")
USUAL = {
    "OpenSSL's default": (),
    "PBKDF2": PBKDF2,
    "PBKDF2 with SHA-512": ("-v2", "aes256", "-v2prf", "hmacWithSHA512", "-iter", "600000"),
    "scrypt": SCRYPT,
    "PKCS#12's": ("-v1", "PBE-SHA1-3DES"),
}


def written(folder: Path, *how: str) -> bytes:
    """What `openssl pkcs8` makes of the key P-256 of the tests, DER."""
    (folder / "own.pem").write_bytes(private_pem("P-256"))
    command = ["openssl", "pkcs8", "-topk8", "-in", "own.pem", "-passout", "pass:right", "-outform", "DER", *how]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout


def pem(der: bytes) -> bytes:
    return BEGIN + base64.encodebytes(der) + END


@pytest.mark.parametrize("name", USUAL)
def test_what_openssl_usually_writes_is_opened(name: str, tmp_path: Path) -> None:
    key = SigningKey.from_pem(pem(written(tmp_path, *USUAL[name])), b"right")
    assert key.public == PublicKey.from_pem(public_pem("P-256"))


def integer(value: int) -> bytes:
    """DER, X.690 section 8.3."""
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes([2, len(content)]) + content


def sequence(content: bytes) -> bytes:
    """DER, X.690 sections 8.1.3 and 8.9."""
    size = len(content)
    return b"\x30" + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + content


def nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = sequence(content)
    return content


DEAR = {
    # 128 * N * r bytes (RFC 7914): 256 MiB by r, and by p 17 times the work.
    "scrypt, much memory": (SCRYPT, integer(16384) + integer(8), integer(16384) + integer(127)),
    "scrypt, long": (SCRYPT, integer(8) + integer(1), integer(8) + integer(17)),
}


def test_integers_are_written_as_openssl_does(tmp_path: Path) -> None:
    for how, usual, _ in DEAR.values():
        assert usual in written(tmp_path, *how)


@pytest.mark.parametrize("name", DEAR)
def test_a_key_that_would_cost_too_much_is_refused_at_once(name: str, tmp_path: Path) -> None:
    how, usual, dear = DEAR[name]
    content = pem(written(tmp_path, *how).replace(usual, dear))
    with at_most(2.0), pytest.raises(KeyNotSupportedError, match="too long or too much memory"):
        SigningKey.from_pem(content, b"right")


@pytest.mark.parametrize(("iterations", "bearable"), [(ITERATIONS, True), (ITERATIONS + 1, False), (2**31, False)])
def test_iterations_are_counted(iterations: int, bearable: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a column of the table
    # An integer of another size: the sequences around it say so too.
    der = written(tmp_path, *PBKDF2)
    salted = der.index(integer(65536))
    grown = len(integer(iterations)) - len(integer(65536))
    changed = bytearray(der[:salted] + integer(iterations) + der[salted + len(integer(65536)) :])
    for place in sequences_around(der, salted):
        changed[place] += grown
    if bearable:
        require_bearable(pem(bytes(changed)))
        return
    with pytest.raises(KeyNotSupportedError, match="too long or too much memory"):
        require_bearable(pem(bytes(changed)))


def sequences_around(der: bytes, position: int) -> list[int]:
    """Where the lengths of all sequences stand that hold a position; each is below 256, in its last byte."""
    found, at = [], 0
    while at < position:
        long = der[at + 1] == 0x81
        place = at + 1 + long
        start, length = place + 1, der[place]
        if der[at] == 0x30 and start <= position < start + length:
            found.append(place)
            at = start
        else:
            at = start + length
    return found


@pytest.mark.parametrize("count", [2, 3])
def test_all_keys_of_a_file_are_looked_at(count: int, tmp_path: Path) -> None:
    how, usual, dear = DEAR["scrypt, long"]
    usual_key = pem(written(tmp_path, *how))
    dear_key = pem(written(tmp_path, *how).replace(usual, dear))
    with pytest.raises(KeyNotSupportedError, match="too long or too much memory"):
        require_bearable(usual_key * (count - 1) + dear_key)


@pytest.mark.parametrize(
    "content",
    [
        BEGIN,
        BEGIN + END,
        BEGIN + b"====\n" + END,
        BEGIN + b"Proc-Type: 4,ENCRYPTED\n\nMAA=\n" + END,
        pem(b"\x30"),
        pem(b"\x30\x00"),
        pem(b"\x30\x80\x00\x00"),
        pem(b"\x30\x02\x05\x00"),
        pem(b"\x30\x84\xff\xff\xff\xff"),
        pem(sequence(sequence(b"\x30\x80" + integer(8) + b"\x00\x00"))),
        pem(sequence(sequence(nested(2000)))),
        pem(sequence(sequence(integer(8)))[:-1]),
    ],
)
def test_what_cannot_be_told_is_refused(content: bytes) -> None:
    with pytest.raises(KeyNotSupportedError, match="it holds no PEM private key"):
        require_bearable(content)


@given(st.binary(max_size=300))
def test_whatever_a_block_holds_the_answer_is_our_own(body: bytes) -> None:
    with at_most(5.0), pytest.raises(KeyNotSupportedError):
        SigningKey.from_pem(pem(body), b"right")
