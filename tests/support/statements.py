"""In-toto statements about execution, built by hand from the attestation framework and the predicate's contract."""

import json
from collections.abc import Sequence
from typing import Any

STATEMENT_V1 = "https://in-toto.io/Statement/v1"
STATEMENT_V01 = "https://in-toto.io/Statement/v0.1"
PREDICATE_TYPE = "stella.ops/executionEvidence@v1"
BEACON_TYPE = "stella.ops/beaconAttestation@v1"
IMAGE = "sha256:" + "52da" * 16
OTHER_IMAGE = "sha256:" + "0e" * 32
REPOSITORY = "registry.example.com/shop/cart"
ABSENT = object()
"""In `changed`: take the member out."""


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with some members set, or taken out."""
    return {name: value for name, value in (document | changes).items() if value is not ABSENT}


def predicate(**changes: Any) -> dict[str, Any]:
    """A good predicate: 42 hot symbols and 17 call paths, seen in staging."""
    good = {
        "environment": "staging",
        "observedFrom": "2026-11-23T06:00:00Z",
        "observedUntil": "2026-11-24T06:00:00Z",
        "hotSymbolCount": 42,
        "uniqueCallPaths": 17,
    }
    return changed(good, changes)


def beacons(**changes: Any) -> dict[str, Any]:
    """A good predicate about beacons: 9 of 10 verified, in staging."""
    good = {
        "environment": "staging",
        "observedFrom": "2026-11-23T06:00:00Z",
        "observedUntil": "2026-11-24T06:00:00Z",
        "beaconsExpected": 10,
        "beaconsVerified": 9,
    }
    return changed(good, changes)


def beacon_statement(*, subjects: Sequence[str] = (IMAGE,), **changes: Any) -> bytes:
    """A statement with beacon data; `changes` are to the predicate."""
    return statement(subjects=subjects, predicateType=BEACON_TYPE, predicate=beacons(**changes))


def subject(digest: str, name: str = "cart") -> dict[str, Any]:
    """One subject, from `algorithm:hex`."""
    algorithm, _, value = digest.partition(":")
    return {"name": name, "digest": {algorithm: value}}


def statement(*, subjects: Sequence[str] = (IMAGE,), **changes: Any) -> bytes:
    """A statement's bytes; `type` stands for the member `_type`."""
    if "type" in changes:
        changes["_type"] = changes.pop("type")
    good = {
        "_type": STATEMENT_V1,
        "subject": [subject(digest) for digest in subjects],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate(),
    }
    return json.dumps(changed(good, changes)).encode()
