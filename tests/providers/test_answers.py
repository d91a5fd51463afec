"""Answers that were packed are those that went in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.statements import IMAGE, OTHER_IMAGE
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.model.basis import EvidenceBasis, Origin, Platform
from webhook.model.evidence import Lane
from webhook.providers import answers
from webhook.providers.answers import Answer, AnswerCache, AnswerKey, metadata_result
from webhook.stores.fingerprint import FINGERPRINT_BYTES, FoundShrinker, basis_of
from webhook.stores.protocol import Candidate, Found

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)
KEY = AnswerKey(IMAGE, "registry.example.com/shop/cart", "production", asked_all=True)
FOUND = Found((Candidate(b"raw", "sha256:" + "ab" * 32, "registry:one"),))
OUTLINE = FoundShrinker().restore(FoundShrinker().shrink(FOUND) or b"")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
INSTANTS = st.datetimes(timezones=st.just(UTC))
ANSWERS = st.builds(
    Answer,
    INSTANTS,
    st.just(FOREVER) | INSTANTS,
    st.booleans(),
    st.builds(
        metadata_result,
        st.dictionaries(st.sampled_from(["has_execution_evidence", "execution_evidence_detail"]), TEXT),
        st.sampled_from(Lane),
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
        st.just(IMAGE),
    ),
)


def answer(**changes: Any) -> Answer:
    value = {"has_execution_evidence": "true"} | changes
    return Answer(
        NOW,
        NOW + timedelta(hours=1),
        sufficient=True,
        result=metadata_result(value, Lane.VERIFIED, "registry:one", IMAGE),
    )


def packed_only(cache: AnswerCache) -> AnswerCache:
    """The cache as it is once others have taken the few places at hand."""
    cache._at_hand.clear()
    return cache


@given(ANSWERS)
def test_an_answer_that_was_packed_is_the_one_that_went_in(given_answer: Answer) -> None:
    cache = AnswerCache()
    cache.keep(KEY, FOUND, given_answer)
    found = packed_only(cache).find(KEY, FOUND, given_answer.since)
    assert found == (given_answer if given_answer.since <= given_answer.until else None)


OTHERS: dict[str, Found] = {
    "another envelope": Found((replace(FOUND.candidates[0], digest="sha256:" + "cd" * 32),)),
    "another place": Found((replace(FOUND.candidates[0], uri="registry:two"),)),
    "another platform": Found((replace(FOUND.candidates[0], platform=Platform("linux/arm64", OTHER_IMAGE)),)),
    "one more": Found(FOUND.candidates * 2),
    "nothing": Found(()),
    "platforms": FOUND._replace(platforms=(Platform("linux/arm64", OTHER_IMAGE),)),
    "a remark": FOUND._replace(remark="not looked at"),
    "another outline": Found((), fingerprint=b"x" * FINGERPRINT_BYTES),
}


SHORT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ORIGINS = st.builds(
    lambda digest, uri, platform: Candidate(b"", "sha256:" + digest.hex(), uri, platform),
    st.binary(min_size=32, max_size=32),
    st.just("registry:one") | SHORT,
    st.none() | st.builds(Platform, SHORT, SHORT),
)
WHOLE = st.builds(
    Found,
    st.lists(ORIGINS, max_size=3).map(tuple),
    st.none(),
    st.lists(st.builds(Platform, SHORT, SHORT), max_size=2).map(tuple),
    st.none() | SHORT,
    st.none(),
)


@given(WHOLE)
def test_what_an_answer_was_made_of_survives_packing(found: Found) -> None:
    cache = AnswerCache()
    cache.keep(KEY, found, answer())
    known = packed_only(cache).find(KEY, found, NOW)
    assert known is not None
    assert known.result.basis == basis_of(found)


def test_what_an_answer_was_made_of_is_known_where_only_an_outline_is_held() -> None:
    cache = AnswerCache()
    cache.keep(KEY, FOUND, answer())
    known = packed_only(cache).find(KEY, OUTLINE, NOW)
    assert known is not None
    assert known.result.basis == EvidenceBasis((Origin("sha256:" + "ab" * 32, "registry:one"),))


def test_a_packed_answer_with_the_digest_of_its_envelope_is_still_small() -> None:
    uri = f"registry:registry.example.com/shop/cart@{OTHER_IMAGE}"
    observed = "observed in 'staging' until 2026-11-24T06:00:00Z"
    detail = f"hot symbols: 42, call paths: 17 in {uri}, signed by staging, {observed}"
    value = {
        "has_execution_evidence": "true",
        "execution_evidence_detail": detail,
        "execution_evidence_environment": "staging",
        "execution_evidence_hot_symbol_count": "42",
        "execution_evidence_observed_until": "2026-11-24T06:00:00Z",
        "execution_evidence_reason": "EvidenceSufficient",
        "execution_evidence_signer": "staging",
        "execution_evidence_unique_call_paths": "17",
    }
    cache = AnswerCache()
    cache.keep(
        KEY,
        Found((Candidate(b"", IMAGE, uri),)),
        Answer(NOW, FOREVER, sufficient=True, result=metadata_result(value, Lane.VERIFIED, uri, IMAGE)),
    )
    [packed] = cache._packed.values()
    # 100,000 of these, their keys and the dictionary stay below 40 MiB of the 150 that the whole process may take.
    assert len(packed) <= 224


@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_serves_only_for_what_it_follows_from(case: str, *, packed: bool) -> None:
    cache = AnswerCache()
    cache.keep(KEY, FOUND, answer())
    cache = packed_only(cache) if packed else cache
    assert cache.find(KEY, OTHERS[case], NOW) is None
    assert cache.find(KEY, FOUND, NOW) == answer()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("asked", [FOUND, OUTLINE], ids=["whole", "outline"])
def test_an_outline_is_as_good_as_what_it_was_made_of(asked: Found, *, packed: bool) -> None:
    cache = AnswerCache()
    cache.keep(KEY, FOUND, answer())
    cache = packed_only(cache) if packed else cache
    for found in (asked, FOUND, OUTLINE):
        assert cache.find(KEY, found, NOW) == answer()


@pytest.mark.parametrize(
    "changes",
    [{"image_digest": OTHER_IMAGE}, {"repository": None}, {"environment": "canary"}, {"asked_all": False}],
)
def test_an_answer_serves_only_for_what_was_asked(changes: dict[str, Any]) -> None:
    cache = AnswerCache()
    cache.keep(KEY, FOUND, answer())
    assert packed_only(cache).find(KEY._replace(**changes), FOUND, NOW) is None


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("seconds", "holds"), [(-1, False), (0, True), (3600, True), (3601, False)])
def test_an_answer_serves_only_while_it_holds(seconds: int, holds: bool, *, packed: bool) -> None:  # noqa: FBT001 - a table's column
    cache = AnswerCache()
    cache.keep(KEY, FOUND, answer())
    cache = packed_only(cache) if packed else cache
    assert (cache.find(KEY, FOUND, NOW + timedelta(seconds=seconds)) is not None) == holds


@pytest.mark.parametrize("sufficient", [True, False])
def test_where_something_could_not_be_read_an_answer_serves_only_if_it_suffices(*, sufficient: bool) -> None:
    cache = AnswerCache()
    cache.keep(KEY, FOUND, replace(answer(), sufficient=sufficient))
    known = cache.find(KEY, FOUND._replace(gap=UnavailableError("a part cannot be read")), NOW)
    assert (known is not None) == sufficient


def test_an_answer_that_is_at_hand_is_the_very_same_object() -> None:
    cache, kept = AnswerCache(), answer()
    cache.keep(KEY, FOUND, kept)
    assert cache.find(KEY, FOUND, NOW) is kept
    again = packed_only(cache).find(KEY, FOUND, NOW)
    assert cache.find(KEY, FOUND, NOW) is again


def test_an_answer_that_is_hard_to_pack_is_kept_only_at_hand() -> None:
    cache = AnswerCache()
    detail = "".join(chr(0x4E00 + number * 7) for number in range(LIMITS.packed_answer_bytes))
    cache.keep(KEY, FOUND, answer(execution_evidence_detail=detail))
    assert cache.find(KEY, FOUND, NOW) is not None
    assert packed_only(cache).find(KEY, FOUND, NOW) is None


def test_a_usual_answer_takes_a_quarter_of_its_bound() -> None:
    cache = AnswerCache()
    place = f"registry:registry.example.com/shop/cart@{OTHER_IMAGE}"
    value = {
        "has_execution_evidence": "true",
        "execution_evidence_hot_symbol_count": "42",
        "execution_evidence_unique_call_paths": "17",
        "execution_evidence_reason": "EvidenceSufficient",
        "execution_evidence_environment": "staging",
        "execution_evidence_observed_until": "2026-11-24T06:00:00Z",
        "execution_evidence_signer": "staging",
        "execution_evidence_detail": f"hot symbols: 42, call paths: 17 in {place}, signed by staging, "
        "observed in 'staging' until 2026-11-24T06:00:00Z",
    }
    cache.keep(
        KEY, FOUND, Answer(NOW, FOREVER, sufficient=True, result=metadata_result(value, Lane.VERIFIED, place, IMAGE))
    )
    [packed] = cache._packed.values()
    assert len(packed) <= LIMITS.packed_answer_bytes / 4


def test_the_oldest_answers_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LIMITS", replace(LIMITS, answers_at_hand=2, verdict_cache_entries=4))
    cache = AnswerCache()
    keys = [KEY._replace(repository=f"registry.example.com/{number}") for number in range(6)]
    for key in keys:
        cache.keep(key, FOUND, answer())
    assert (len(cache._at_hand), len(cache._packed)) == (2, 4)
    assert [cache.find(key, FOUND, NOW) is not None for key in keys] == [False] * 2 + [True] * 4
    assert len(cache._at_hand) == 2
