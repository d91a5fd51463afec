"""Decisions and logs for the tests of records."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import rfc8785

from tests.attest.keys import private_pem, public_pem
from webhook.attest.signing.key import SigningKey
from webhook.records.chain import Chain, Place
from webhook.records.entry import Decided, Entry, decision_entry, end_entry
from webhook.trust.keys import PublicKey

AT = 1795505016.931
KEY = SigningKey.from_pem(private_pem("Ed25519"))
PUBLIC = PublicKey.from_pem(public_pem("Ed25519"))
STRANGER = PublicKey.from_pem(public_pem("Ed25519", "stranger"))


def digest(content: bytes) -> str:
    return "sha256:" + sha256(content).hexdigest()


def record(uid: str = "u-1", **members: Any) -> bytes:
    """Some canonical JSON in the place of a record, by another implementation of RFC 8785."""
    request: dict[str, Any] = {"uid": uid, "user": "ada\u20ac\n\x7f"}
    return rfc8785.dumps({"kind": "DecisionRecord", "request": request, **members})


def decided(uid: str = "u-1", content: bytes | None = None) -> Decided:
    content = record(uid) if content is None else content
    return Decided(AT, uid, "Fail", "EvidenceMissing", 0.0123, digest(content), content)


def log(
    entries: Sequence[Entry], instance: str = "ab12-file", key: SigningKey | None = None, lost: Sequence[int] = ()
) -> list[bytes]:
    """Chains entries; `lost` says how many are lost before each."""
    chain, place, lines = Chain(instance, key), Place(), []
    for index, entry in enumerate(entries):
        line, place = chain.link(entry, place, lost[index] if index < len(lost) else 0)
        lines.append(line)
    return lines


def whole_log(count: int, instance: str = "ab12-file", key: SigningKey | None = None) -> list[bytes]:
    """A closed log with some decisions."""
    entries = [decision_entry(decided(f"u-{number}")) for number in range(count)]
    return log([*entries, end_entry(AT)], instance, key)


def parsed(line: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(line)
    return document
