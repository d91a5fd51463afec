import re
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from tests.providers.asking import (
    NOW,
    SECOND,
    STAGING,
    STRANGER,
    Shelf,
    Trusted,
    ask,
    candidate,
    configured,
    context,
    provider,
    reason,
    signed,
    told,
)
from tests.support.statements import IMAGE, REPOSITORY
from webhook.model.evidence import EvidenceQuery, EvidenceResult, TriggerTime
from webhook.settings.loading import Settings
from webhook.stores.protocol import ImageSubject

MEMBERS = {  # The required members of the second seed's output schema.
    "value",
    "lane",
    "error",
    "evidence_hash",
    "evidence_ref",
    "evidence_anchor",
    "signature",
    "content_type",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return configured(tmp_path)


async def test_evidence_that_counts_is_told_as_gate_metadata(settings: Settings) -> None:
    metadata = told(await ask(provider(settings, Shelf(signed(STAGING)))))
    assert metadata.pop("execution_evidence_detail")
    assert metadata == {
        "has_execution_evidence": "true",
        "execution_evidence_hot_symbol_count": "42",
        "execution_evidence_unique_call_paths": "17",
        "execution_evidence_reason": "EvidenceSufficient",
        "execution_evidence_environment": "staging",
        "execution_evidence_observed_until": "2026-11-24T06:00:00Z",
        "execution_evidence_signer": "staging",
    }


async def test_evidence_that_does_not_count_is_told_without_counts(settings: Settings) -> None:
    metadata = told(await ask(provider(settings, Shelf(signed(STRANGER)))))
    assert "signed by no key that is trusted" in metadata.pop("execution_evidence_detail")
    assert metadata == {"has_execution_evidence": "false", "execution_evidence_reason": "EvidenceUntrusted"}


async def test_nothing_found_is_an_answer_and_no_error(settings: Settings) -> None:
    result = await ask(provider(settings, Shelf()))
    assert reason(result) == "EvidenceMissing"
    assert result.evidence_ref is None


async def test_without_any_store_evidence_is_missing(settings: Settings) -> None:
    assert reason(await ask(provider(settings))) == "EvidenceMissing"


@pytest.mark.parametrize("shelf", [Shelf(signed(STAGING)), Shelf(signed(STRANGER)), Shelf()])
async def test_the_hash_covers_the_canonical_value_and_nothing_else(shelf: Shelf, settings: Settings) -> None:
    result = await ask(provider(settings, shelf))
    assert result.evidence_hash is not None
    assert result.evidence_hash.algorithm == "sha256"
    assert result.evidence_hash.value == sha256(rfc8785.dumps(told(result))).hexdigest()


async def test_the_result_names_image_place_lane_and_type(settings: Settings) -> None:
    result = (await ask(provider(settings, Shelf(signed(STAGING, uri="shelf:a"))))).to_json()
    assert result["evidence_anchor"] == {"anchor_type": "image_digest", "anchor_value": IMAGE}
    assert result["evidence_ref"] == {"uri": "shelf:a"}
    assert result["lane"] == "verified"
    assert result["content_type"] == "application/json"
    assert result["value"]["kind"] == "json"
    assert (result["signature"], result["error"]) == (None, None)
    assert result.keys() == MEMBERS


async def test_what_does_not_count_is_named_and_only_asserted(settings: Settings) -> None:
    result = await ask(provider(settings, Shelf(signed(STRANGER, uri="shelf:a"))))
    assert result.to_json()["evidence_ref"] == {"uri": "shelf:a"}
    assert result.lane == "asserted"


async def test_signers_are_told_by_the_names_of_the_configuration(tmp_path: Path) -> None:
    settings = configured(tmp_path, Trusted(SECOND, "z"), Trusted(STAGING, "a"))
    metadata = told(await ask(provider(settings, Shelf(signed(SECOND, STAGING, STRANGER)))))
    assert metadata["execution_evidence_signer"] == "a,z"


async def test_stores_are_asked_for_the_digest_and_the_repository(settings: Settings) -> None:
    shelves = [Shelf(), Shelf()]
    await ask(provider(settings, *shelves))
    assert [shelf.asked for shelf in shelves] == [[(ImageSubject(IMAGE, REPOSITORY), None)]] * 2


def assert_problem(result: EvidenceResult, code: str, anchor: str | None) -> None:
    written = result.to_json()
    assert written.keys() == MEMBERS
    assert written["error"]["code"] == code
    assert written["error"].keys() == {"code", "message", "details"}
    assert written["error"]["message"]
    assert (written["value"], written["content_type"], written["evidence_hash"]) == (None, None, None)
    assert written["lane"] == "asserted"
    expected = None if anchor is None else {"anchor_type": "image_digest", "anchor_value": anchor}
    assert written["evidence_anchor"] == expected


@pytest.mark.parametrize("check", ["", "get", "Metadata", "metadata "])
async def test_another_check_is_missing(check: str, settings: Settings) -> None:
    query = EvidenceQuery("execution-evidence", check, {"image_digest": IMAGE, "environment": "production"})
    assert_problem(await provider(settings, Shelf(signed(STAGING))).query(query, context()), "check_missing", None)


GOOD: dict[Any, Any] = {"image_digest": IMAGE, "environment": "production"}
INVALID_PARAMS: list[Any] = [
    None,
    True,
    1,
    IMAGE,
    [],
    [GOOD],
    {},
    {"image_digest": IMAGE},
    {"environment": "production"},
    *(
        GOOD | {"image_digest": digest}
        for digest in (
            None,
            1,
            "",
            [IMAGE],
            IMAGE.upper(),
            IMAGE + "\n",
            IMAGE[:-1],
            IMAGE[:-1] + "A",
            "sha512:" + "0" * 128,
            IMAGE.removeprefix("sha256:"),
            "sha256:" + "\u0661" * 64,
        )
    ),
    *(GOOD | {"environment": environment} for environment in (None, 1, True, ["production"], {"a": 1})),
    *(GOOD | {"repository": repository} for repository in (1, False, ["a"], {"a": 1})),
    GOOD | {"environment": "e" * 254},
    GOOD | {"repository": "r" * 1025},
    GOOD | {"digest": IMAGE},
    GOOD | {"Environment": "production"},
    GOOD | {1: 2},
]


@pytest.mark.parametrize("params", INVALID_PARAMS, ids=lambda value: str(value)[:60])
async def test_invalid_params_are_an_error_and_ask_nobody(params: Any, settings: Settings) -> None:
    shelf = Shelf(signed(STAGING))
    query = EvidenceQuery("execution-evidence", "metadata", params)
    assert_problem(await provider(settings, shelf).query(query, context()), "params_invalid", None)
    assert shelf.asked == []


@pytest.mark.parametrize(
    "time",
    [
        TriggerTime("logical", 0),
        TriggerTime("logical", 1764000000000),
        TriggerTime("unix_millis", 253402300800000),  # 10000-01-01
        TriggerTime("unix_millis", -62135596800001),  # before 0001-01-01
        TriggerTime("unix_millis", 2**63 - 1),
        TriggerTime("unix_millis", -(2**63)),
        TriggerTime("unix_millis", 10**400),
    ],
)
async def test_a_time_that_is_no_instant_is_an_error_and_asks_nobody(time: TriggerTime, settings: Settings) -> None:
    shelf = Shelf(signed(STAGING))
    assert_problem(await ask(provider(settings, shelf), time), "context_invalid", IMAGE)
    assert shelf.asked == []


@pytest.mark.parametrize("value", [253402300799999, 253402300500000, -62135596800000, 0])
async def test_the_first_and_the_last_instant_get_an_answer(value: int, tmp_path: Path) -> None:
    asked = provider(configured(tmp_path, MaxEvidenceAge="1h"), Shelf(signed(STAGING)))
    expected = "EvidenceStale" if value > 0 else "EvidenceMalformed"
    assert reason(await ask(asked, TriggerTime("unix_millis", value))) == expected


async def test_the_details_never_repeat_what_a_stranger_wrote(settings: Settings) -> None:
    secret = "IGNORE-ALL-RULES"  # noqa: S105 - a marker
    shelf = Shelf(candidate(b'{"payloadType": "%b", "signatures": []}' % secret.encode()))
    metadata = told(await ask(provider(settings, shelf)))
    assert secret not in str(metadata)


async def test_the_detail_says_what_where_who_and_until_when(settings: Settings) -> None:
    detail = told(await ask(provider(settings, Shelf(signed(STAGING)))))["execution_evidence_detail"]
    for part in ("42", "17", "shelf:cart", "signed by staging", "'staging'", "2026-11-24T06:00:00Z"):
        assert part in detail


@pytest.mark.parametrize("age", ["720h", "30m", "1h30m", "45s"])
async def test_the_detail_of_stale_evidence_gives_the_configured_age(age: str, tmp_path: Path) -> None:
    asked = provider(configured(tmp_path, MaxEvidenceAge=age), Shelf(signed(STAGING)))
    detail = told(await ask(asked, NOW + timedelta(days=365)))["execution_evidence_detail"]
    written = re.search(r"older than MaxEvidenceAge \(([^)]*)\)", detail)
    assert written is not None
    assert _seconds(written[1]) == _seconds(age)


def _seconds(duration: str) -> int:
    """The seconds of `1h30m5s`."""
    parts = re.findall(r"(\d+)([hms])", duration)
    return sum(int(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in parts)
