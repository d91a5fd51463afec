"""Keys encrypted in cosign's way, and in ways that resemble it; test_cosign_key.py holds them against its own."""

import base64
import hashlib
import json
from typing import Any

import nacl.bindings

SALT = b"s" * 32
NONCE = b"n" * 24


def cosign_pem(document: Any, kind: str = "SIGSTORE") -> bytes:
    """Wraps a JSON document, or bytes that are none."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode("utf-8")
    lines = base64.encodebytes(body)
    return b"-----BEGIN ENCRYPTED %b PRIVATE KEY-----\n%b-----END ENCRYPTED %b PRIVATE KEY-----\n" % (
        kind.encode(),
        lines,
        kind.encode(),
    )


def encrypted(der: bytes, passphrase: bytes, cost: int = 32768) -> dict[str, Any]:
    """Encrypts a key with another scrypt (hashlib's) and NaCl's own call."""
    key = hashlib.scrypt(passphrase, salt=SALT, n=cost, r=8, p=1, dklen=32, maxmem=256 * 1024 * 1024)
    box = nacl.bindings.crypto_secretbox(der, NONCE, key)
    return {
        "kdf": {"name": "scrypt", "params": {"N": cost, "r": 8, "p": 1}, "salt": _text(SALT)},
        "cipher": {"name": "nacl/secretbox", "nonce": _text(NONCE)},
        "ciphertext": _text(box),
    }


def changed(document: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    """Sets one member of a copy; a value of `...` removes it."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    place = copy
    for name in path[:-1]:
        place = place[name]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
