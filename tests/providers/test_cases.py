"""The case groups 18 to 21 as this provider shows them: each row signed by a trusted key, with its verdict."""

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.providers.asking import (
    NOW,
    STAGING,
    STRANGER,
    Shelf,
    ask,
    candidate,
    configured,
    observed,
    provider,
    reason,
    signed,
    told,
)
from tests.support.envelopes import b64, dump, envelope, signature
from tests.support.statements import ABSENT, IMAGE, OTHER_IMAGE, PREDICATE_TYPE, predicate, statement, subject
from webhook.stores.protocol import Candidate

SUFFICIENT, INSUFFICIENT = "EvidenceSufficient", "EvidenceInsufficient"
MISSING, MALFORMED, UNTRUSTED = "EvidenceMissing", "EvidenceMalformed", "EvidenceUntrusted"
STALE, OTHER = "EvidenceStale", "EvidenceFromOtherEnvironment"
CHILD = "sha256:" + "c1" * 32
UNTIL = datetime.fromisoformat("2026-11-24T06:00:00Z")


async def verdict(folder: Path, *candidates: Candidate, at: datetime = NOW, **section: Any) -> str:
    return reason(await ask(provider(configured(folder, **section), Shelf(*candidates)), at))


STATEMENTS: list[tuple[str, dict[str, Any], str]] = [
    # 18: types
    ("statement v1", {}, SUFFICIENT),
    ("statement v0.1", {"type": "https://in-toto.io/Statement/v0.1"}, SUFFICIENT),
    ("no _type", {"type": ABSENT}, MALFORMED),
    ("unknown _type", {"type": "https://in-toto.io/Statement/v2"}, MALFORMED),
    ("_type with slash", {"type": "https://in-toto.io/Statement/v1/"}, MALFORMED),
    ("predicateType with scheme", {"predicateType": f"https://{PREDICATE_TYPE}"}, SUFFICIENT),
    ("no predicateType", {"predicateType": ABSENT}, MALFORMED),
    ("predicateType of another version", {"predicateType": "stella.ops/executionEvidence@v2"}, MISSING),
    ("predicateType in other case", {"predicateType": PREDICATE_TYPE.lower()}, MISSING),
    ("predicateType with slash", {"predicateType": f"{PREDICATE_TYPE}/"}, MISSING),
    ("predicateType with http", {"predicateType": f"http://{PREDICATE_TYPE}"}, MISSING),
    ("predicateType of something else", {"predicateType": "https://slsa.dev/provenance/v1"}, MISSING),
    # 19: subjects
    ("subject of another image", {"subjects": [OTHER_IMAGE]}, MISSING),
    ("right one among three", {"subjects": [OTHER_IMAGE, IMAGE, CHILD]}, SUFFICIENT),
    ("index alone", {"subjects": [CHILD]}, MISSING),
    ("index and child", {"subjects": [CHILD, IMAGE]}, SUFFICIENT),
    ("1,024 subjects", {"subjects": [OTHER_IMAGE] * 1023 + [IMAGE]}, SUFFICIENT),
    ("5,000 subjects", {"subjects": [OTHER_IMAGE] * 4999 + [IMAGE]}, MALFORMED),
    ("no subject", {"subjects": []}, MALFORMED),
    ("only sha512", {"subjects": ["sha512:" + "52da" * 32]}, MISSING),
    ("upper case", {"subjects": [IMAGE.replace("da", "DA")]}, MISSING),
    ("digest with prefix", {"subject": [{"name": "cart", "digest": {"sha256": IMAGE}}]}, MISSING),
    ("digest as a name", {"subject": [subject(OTHER_IMAGE, name=IMAGE)]}, MISSING),
    ("subject without digest", {"subject": [{"name": "cart"}]}, MALFORMED),
    ("no predicate", {"predicate": ABSENT}, MALFORMED),
]


@pytest.mark.parametrize("row", STATEMENTS, ids=lambda row: row[0])
async def test_statement(row: tuple[str, dict[str, Any], str], tmp_path: Path) -> None:
    _, changes, expected = row
    raw = dump(envelope(statement(**changes), [STAGING]))
    assert await verdict(tmp_path, candidate(raw)) == expected


COUNTS: list[tuple[Any, str]] = [
    (3, SUFFICIENT),
    (4, SUFFICIENT),
    (2**63 - 1, SUFFICIENT),
    (2, INSUFFICIENT),
    (0, INSUFFICIENT),
    (-1, MALFORMED),
    (2**63, MALFORMED),
    (2**64, MALFORMED),
    (3.0, MALFORMED),
    (3.5, MALFORMED),
    (1e400, MALFORMED),
    (float("nan"), MALFORMED),
    ("3", MALFORMED),
    (True, MALFORMED),
    (None, MALFORMED),
    ([3], MALFORMED),
    (ABSENT, MALFORMED),
]


@pytest.mark.parametrize(("count", "expected"), COUNTS, ids=lambda value: str(value)[:30])
@pytest.mark.parametrize("name", ["hotSymbolCount", "uniqueCallPaths"])
async def test_count(name: str, count: Any, expected: str, tmp_path: Path) -> None:
    limits: dict[str, Any] = {"MinHotSymbolCount": 3, "MinUniqueCallPaths": 3}
    assert await verdict(tmp_path, signed(STAGING, **{name: count}), **limits) == expected


@pytest.mark.parametrize(
    ("symbols", "paths", "expected"), [(3, 1, SUFFICIENT), (2, 1, INSUFFICIENT), (3, 0, INSUFFICIENT)]
)
async def test_the_seeds_thresholds_are_the_default(symbols: int, paths: int, expected: str, tmp_path: Path) -> None:
    assert await verdict(tmp_path, signed(STAGING, hotSymbolCount=symbols, uniqueCallPaths=paths)) == expected


OBSERVATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("exactly the tolerated skew", observed(NOW + timedelta(seconds=300)), SUFFICIENT),
    ("a second beyond the skew", observed(NOW + timedelta(seconds=301)), MALFORMED),
    ("a millisecond beyond the skew", observed(NOW + timedelta(seconds=300, milliseconds=1)), MALFORMED),
    ("exactly max age", observed(NOW - timedelta(hours=720)), SUFFICIENT),
    ("a millisecond older", observed(NOW - timedelta(hours=720, milliseconds=1)), STALE),
    ("a second older", observed(NOW - timedelta(hours=720, seconds=1)), STALE),
    ("the first year", {"observedFrom": ABSENT, "observedUntil": "0001-01-01T00:00:00Z"}, STALE),
    ("the last year", {"observedUntil": "9999-12-31T23:59:59Z"}, MALFORMED),
    ("before the first year", {"observedFrom": ABSENT, "observedUntil": "0001-01-01T00:00:00+01:00"}, MALFORMED),
    ("another zone", {"observedUntil": "2026-11-24T09:00:00+03:00"}, SUFFICIENT),
    ("another zone, in the future", {"observedUntil": "2026-11-24T07:00:00-03:00"}, MALFORMED),
    ("no zone", {"observedUntil": "2026-11-24T06:00:00"}, MALFORMED),
    ("no zone at the beginning", {"observedFrom": "2026-11-23T06:00:00"}, MALFORMED),
    ("a date", {"observedUntil": "2026-11-24"}, MALFORMED),
    ("a number", {"observedUntil": 1764000000}, MALFORMED),
    ("no end", {"observedUntil": ABSENT}, MALFORMED),
    ("no beginning", {"observedFrom": ABSENT}, SUFFICIENT),
    ("window reversed", {"observedFrom": "2026-11-24T06:00:01Z"}, MALFORMED),
    ("window of no length", {"observedFrom": "2026-11-24T06:00:00Z"}, SUFFICIENT),
    ("other environment", {"environment": "qa"}, OTHER),
    ("the target environment", {"environment": "production"}, OTHER),
    ("environment in other case", {"environment": "Staging"}, SUFFICIENT),
    ("environment with a blank", {"environment": "staging "}, OTHER),
    ("no environment", {"environment": ABSENT}, MALFORMED),
    ("empty environment", {"environment": ""}, MALFORMED),
    ("list and count disagree", {"hotSymbols": [{"symbol": "main", "share": 1}]}, MALFORMED),
]


@pytest.mark.parametrize("row", OBSERVATIONS, ids=lambda row: row[0])
async def test_observation(row: tuple[str, dict[str, Any], str], tmp_path: Path) -> None:
    _, changes, expected = row
    assert await verdict(tmp_path, signed(STAGING, **changes), MaxEvidenceAge="720h") == expected


async def test_without_a_maximum_no_age_is_too_old(tmp_path: Path) -> None:
    ancient = signed(STAGING, observedFrom=ABSENT, observedUntil="0001-01-01T00:00:00Z")
    result = await ask(provider(configured(tmp_path), Shelf(ancient)))
    assert reason(result) == SUFFICIENT
    assert told(result)["execution_evidence_observed_until"] == "0001-01-01T00:00:00Z"


OLD = observed(UNTIL - timedelta(days=20))
NEW = observed(UNTIL)
BAD: dict[str, Any] = {"hotSymbolCount": 1}
SEVERAL: list[tuple[str, list[Candidate], str]] = [
    ("old good, new bad", [signed(STAGING, **OLD), signed(STAGING, **NEW, **BAD)], SUFFICIENT),
    ("old bad, new good", [signed(STAGING, **OLD, **BAD), signed(STAGING, **NEW)], SUFFICIENT),
    ("both bad", [signed(STAGING, **OLD, **BAD), signed(STAGING, **NEW, **BAD)], INSUFFICIENT),
    (
        "counts of two do not add up",
        [signed(STAGING, hotSymbolCount=3, uniqueCallPaths=0), signed(STAGING, hotSymbolCount=0, uniqueCallPaths=9)],
        INSUFFICIENT,
    ),
    ("stranger's good, own bad", [signed(STRANGER), signed(STAGING, **BAD)], INSUFFICIENT),
    ("garbage and own good", [candidate(b"\x00", "shelf:a"), signed(STAGING)], SUFFICIENT),
    ("garbage alone", [candidate(b"\x00")], MALFORMED),
    ("garbage and stranger's", [candidate(b"\x00", "shelf:a"), signed(STRANGER)], UNTRUSTED),
    ("qa's good, staging's bad", [signed(STAGING, environment="qa"), signed(STAGING, **BAD)], INSUFFICIENT),
]


@pytest.mark.parametrize("row", SEVERAL, ids=lambda row: row[0])
@pytest.mark.parametrize("turn", [1, -1], ids=["", "reversed"])
async def test_several(row: tuple[str, list[Candidate], str], turn: int, tmp_path: Path) -> None:
    assert await verdict(tmp_path, *row[1][::turn], MaxEvidenceAge="720h") == row[2]


async def test_old_good_evidence_that_is_stale_leaves_the_new_bad_one(tmp_path: Path) -> None:
    old = signed(STAGING, **observed(NOW - timedelta(hours=721)))
    assert await verdict(tmp_path, old, signed(STAGING, **BAD), MaxEvidenceAge="720h") == INSUFFICIENT


# 21: parts of two valid envelopes swapped
async def test_a_signature_of_another_statement_is_worth_nothing(tmp_path: Path) -> None:
    good, other = statement(), statement(predicate=predicate(hotSymbolCount=43))
    swapped = envelope(good, []) | {"signatures": [signature(other, STAGING)]}
    assert await verdict(tmp_path, candidate(dump(swapped))) == UNTRUSTED


async def test_a_payload_that_was_changed_after_signing_is_worth_nothing(tmp_path: Path) -> None:
    signed_one = json.loads(signed(STAGING, hotSymbolCount=1).raw)
    payload = base64.b64decode(signed_one["payload"]).replace(b'"hotSymbolCount": 1', b'"hotSymbolCount": 9')
    tampered = signed_one | {"payload": b64(payload)}
    assert tampered != signed_one
    assert await verdict(tmp_path, candidate(dump(tampered))) == UNTRUSTED


async def test_environments_whose_evidence_counts_are_configured_for_the_target(tmp_path: Path) -> None:
    section: dict[str, Any] = {"Overrides": {"canary": {"EvidenceEnvironments": ["QA"], "MinHotSymbolCount": 50}}}
    asked = provider(configured(tmp_path, **section), Shelf(signed(STAGING, environment="qa")))
    answers = {name: reason(await ask(asked, environment=name)) for name in ("production", "Canary", "other")}
    assert answers == {"production": OTHER, "Canary": INSUFFICIENT, "other": OTHER}


async def test_the_detail_of_another_environment_names_both(tmp_path: Path) -> None:
    result = await ask(provider(configured(tmp_path), Shelf(signed(STAGING, environment="qa"))))
    detail = told(result)["execution_evidence_detail"]
    assert "'qa'" in detail
    assert "only staging counts" in detail
