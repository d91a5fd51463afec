import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import counted as profile
from tests.attest.made import read
from webhook.attest import builder
from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.counted import Counted, count_execution
from webhook.attest.profile import Profile, Source, Stack
from webhook.limits import LIMITS
from webhook.model.image import ImageReference
from webhook.model.statement import ExecutionEvidence, Statement, Tracer

HEX = "ab" * 32
IMAGE = ImageReference.parse(f"registry.example.com/shop/cart:1.2@sha256:{HEX}")
UNTIL = datetime(2026, 11, 24, 6, 36, 35, tzinfo=UTC)
BUILDER = ExecutionEvidenceBuilder(Observation("staging", UNTIL))
FOLDED = b"main;serve;price 30\nmain;serve 10\n"


def statement(maker: ExecutionEvidenceBuilder, image: ImageReference = IMAGE) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(maker.statement(count_execution(read(FOLDED)), image))
    return document


def test_the_statement_says_what_the_profile_shows() -> None:
    observation = Observation("staging", UNTIL, UNTIL - timedelta(minutes=5), Tracer(name="py-spy", version="0.4.3"))
    assert statement(ExecutionEvidenceBuilder(observation)) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "registry.example.com/shop/cart", "digest": {"sha256": HEX}}],
        "predicateType": "stella.ops/executionEvidence@v1",
        "predicate": {
            "environment": "staging",
            "observedFrom": "2026-11-24T06:31:35Z",
            "observedUntil": "2026-11-24T06:36:35Z",
            "hotSymbolCount": 2,
            "uniqueCallPaths": 2,
            "counting": {
                "hotSymbols": "leaf-share>=1%@2",
                "callPaths": "distinct-paths@2",
                "filters": ["go@1", "jvm@1", "kernel@1", "native@1", "node@1", "python@1", "unnamed@1"],
                "measure": "samples/count",
            },
            "tracer": {"name": "py-spy", "version": "0.4.3"},
            "sampleCount": 40,
            "hotSymbols": [{"symbol": "price", "share": 0.75}, {"symbol": "serve", "share": 0.25}],
            "profile": {
                "digest": "sha256:" + hashlib.sha256(FOLDED).hexdigest(),
                "mediaType": "text/x-folded-stacks",
            },
        },
    }


def test_what_nobody_knows_is_left_out() -> None:
    assert statement(BUILDER)["predicate"].keys().isdisjoint({"observedFrom", "tracer"})


def test_a_tracer_without_version_has_no_version() -> None:
    observation = Observation("staging", UNTIL, tracer=Tracer(name="perf"))
    assert statement(ExecutionEvidenceBuilder(observation))["predicate"]["tracer"] == {"name": "perf"}


def test_another_predicate_type_may_be_asked_for() -> None:
    kind = "https://stella.ops/executionEvidence@v1"
    maker = ExecutionEvidenceBuilder(Observation("staging", UNTIL), predicate_type=kind)
    assert statement(maker)["predicateType"] == kind


def test_times_are_written_in_utc() -> None:
    east = UNTIL.astimezone(timezone(timedelta(hours=2)))
    assert statement(ExecutionEvidenceBuilder(Observation("staging", east))) == statement(BUILDER)


def test_an_image_without_digest_is_refused() -> None:
    with pytest.raises(ValueError, match="named by its digest"):
        statement(BUILDER, ImageReference.parse("registry.example.com/shop/cart:1.2"))


def test_the_statement_is_written_with_sorted_members_and_no_white_space_between() -> None:
    written = BUILDER.statement(profile({("größe",): 1}), IMAGE)
    expected = json.dumps(json.loads(written), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert written == expected.encode("utf-8")


def test_the_order_of_lines_does_not_change_the_predicate() -> None:
    samples: dict[Stack, int] = {("a", "b"): 2, ("c",): 2, ("a", "d"): 1}
    backwards = dict(reversed(samples.items()))
    assert BUILDER.statement(profile(samples), IMAGE) == BUILDER.statement(profile(backwards), IMAGE)


def test_equal_shares_are_listed_by_name() -> None:
    predicate = BUILDER.predicate(profile({("b",): 10, ("c",): 20, ("a",): 10}))
    assert [entry["symbol"] for entry in predicate["hotSymbols"]] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("samples", "total", "share"),
    [
        (10, 30, 0.333333),
        (20, 30, 0.666667),
        (30, 30, 1.0),
        (10, 640, 0.015625),
        (200001, 16000000, 0.0125),  # 0.0125000625
        (25, 2000000 - 1, None),  # far below 1 %
        (12345675, 100000000, 0.123457),  # 0.12345675 lies above the middle of 0.123456 and 0.123457
        (1234565, 10000000, 0.123457),  # 0.1234565 is the middle: up
    ],
)
def test_a_share_has_six_digits(samples: int, total: int, share: float | None) -> None:
    shown: dict[Stack, int] = {("a",): samples}
    if total > samples:
        shown[("b",)] = total - samples
    shares = {entry["symbol"]: entry["share"] for entry in BUILDER.predicate(profile(shown))["hotSymbols"]}
    assert shares.get("a") == share


def test_the_list_holds_the_hottest_when_a_rule_counts_more_than_it_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    # `leaf-share>=1%` can give 100 at most, so another rule is needed to see the limit.
    def all_leaves(seen: Counted) -> dict[str, int]:
        return {stack[-1]: samples for stack, samples in seen.profile.stacks()}

    monkeypatch.setattr(builder, "HOT_SYMBOL_RULES", {"all": all_leaves})
    samples: dict[Stack, int] = {(f"s{number:03}",): number for number in range(1, LIMITS.hot_symbols + 6)}
    predicate = ExecutionEvidenceBuilder(Observation("staging", UNTIL), hot_symbol_rule="all").predicate(
        profile(samples)
    )
    assert predicate["hotSymbolCount"] == LIMITS.hot_symbols + 5
    assert [entry["symbol"] for entry in predicate["hotSymbols"]] == [f"s{number:03}" for number in range(105, 5, -1)]


def test_long_symbols_are_cut_and_stay_distinct() -> None:
    stem = "x" * LIMITS.symbol_characters
    predicate = BUILDER.predicate(profile({(f"{stem}a",): 20, (f"{stem}b",): 10, (stem,): 10}))
    names = {entry["symbol"] for entry in predicate["hotSymbols"]}
    assert stem in names
    assert len(names) == len("abc")
    assert {len(name) for name in names} == {LIMITS.symbol_characters}
    shortened = hashlib.sha256(f"{stem}a".encode()).hexdigest()[:16]
    assert f"{'x' * (LIMITS.symbol_characters - 17)}…{shortened}" in names


_SYMBOLS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_SAMPLES = st.dictionaries(st.lists(_SYMBOLS, min_size=1, max_size=4).map(tuple), st.integers(1, 10**9), min_size=1)


@given(_SAMPLES)
def test_the_reading_side_accepts_every_statement(samples: dict[Stack, int]) -> None:
    parsed = Statement.parse(BUILDER.statement(profile(samples), IMAGE))
    evidence = parsed.read_predicate(ExecutionEvidence)
    assert parsed.digests() == {f"sha256:{HEX}"}
    assert evidence.unique_call_paths <= len(samples)
    assert evidence.sample_count == sum(samples.values())
    assert evidence.observed_until == UNTIL


def test_several_profiles_are_all_named() -> None:
    sources = (Source("sha256:" + "1" * 64, "text/plain"), Source("sha256:" + "2" * 64, "text/plain"))
    predicate = BUILDER.predicate(count_execution(Profile.of({("a",): 10}, sources)))
    assert "profile" not in predicate
    assert predicate["profiles"] == [
        {"digest": "sha256:" + "1" * 64, "mediaType": "text/plain"},
        {"digest": "sha256:" + "2" * 64, "mediaType": "text/plain"},
    ]


def test_what_is_no_sample_is_not_called_so() -> None:
    predicate = BUILDER.predicate(count_execution(Profile.of({("a",): 10**9}, (), "time/nanoseconds")))
    assert "sampleCount" not in predicate
    assert predicate["counting"]["measure"] == "time/nanoseconds"
