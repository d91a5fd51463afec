"""Break-glass: whatever the annotations say, what counts keeps to the rules, and nothing else does."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.admission.requests import UNSEEN, deployment, review
from webhook.admission.break_glass import EXPIRES, REASON, Claim, Requester, objection, read_claim
from webhook.admission.review import decode_review

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
WHO = Requester(username="ops")
SECONDS = st.integers(-5 * 86_400, 5 * 86_400)
OFFSETS = st.integers(-14 * 60, 14 * 60)
INSTANTS = st.builds(
    lambda seconds, minutes: (NOW + timedelta(seconds=seconds)).astimezone(timezone(timedelta(minutes=minutes))),
    SECONDS,
    OFFSETS,
).map(datetime.isoformat)
TEXTS = st.one_of(
    st.none(), st.text(max_size=220), st.text(st.characters(min_codepoint=32, max_codepoint=126)), INSTANTS
)
VALUES = st.one_of(TEXTS, st.booleans(), st.integers(), st.lists(st.text(max_size=3), max_size=2))


@given(reason=TEXTS, expires=TEXTS)
def test_a_claim_that_can_count_has_a_reason_and_an_end_within_a_day(reason: str | None, expires: str | None) -> None:
    if objection(Claim(reason, expires, WHO, "shop"), NOW, DAY) == "":
        assert reason is not None
        assert expires is not None
        assert reason.strip()
        assert reason.isprintable()
        end = datetime.fromisoformat(expires)
        assert end.tzinfo is not None
        assert timedelta(0) < end - NOW <= DAY


@given(expires=INSTANTS)
def test_an_end_within_a_day_counts_in_whatever_zone(expires: str) -> None:
    possible = timedelta(0) < datetime.fromisoformat(expires) - NOW <= DAY
    assert (objection(Claim("a", expires, WHO, "shop"), NOW, DAY) == "") is possible


@given(notes=st.dictionaries(st.sampled_from([REASON, EXPIRES, "a"]), VALUES), name=st.text(max_size=20))
def test_reading_a_claim_never_raises_and_gives_what_is_there(notes: dict[str, Any], name: str) -> None:
    body = review(deployment(UNSEEN, metadata={"name": name, "annotations": notes}))
    assert json.loads(body)
    claim = read_claim(decode_review(body), body)
    if claim is None:
        assert not {REASON, EXPIRES} & notes.keys()
        return
    for found, key in ((claim.reason, REASON), (claim.expires, EXPIRES)):
        given_text = notes.get(key)
        assert found == (given_text[: len(found or "")] if isinstance(given_text, str) else None)
