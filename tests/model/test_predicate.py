"""The predicate `executionEvidence@v1`, case group 20 as far as bytes can tell."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.statements import ABSENT, predicate, statement
from tests.support.verdicts import MALFORMED, reason_of
from webhook.limits import LIMITS
from webhook.model.statement import ExecutionEvidence, Statement


def _read(members: Any) -> ExecutionEvidence:
    return Statement.parse(statement(predicate=members)).read_predicate(ExecutionEvidence)


def _symbols(count: int, share: Any = 0.25) -> list[dict[str, Any]]:
    return [{"symbol": f"f{i}", "share": share} for i in range(count)]


COUNTS: list[tuple[Any, str]] = [
    (0, "accepted"),
    (1, "accepted"),
    (2**53 + 1, "accepted"),
    (2**63 - 1, "accepted"),
    (2**63, MALFORMED),
    (2**64 - 1, MALFORMED),
    (2**64, MALFORMED),
    (-1, MALFORMED),
    (1.0, MALFORMED),
    (1.5, MALFORMED),
    ("1", MALFORMED),
    ("", MALFORMED),
    (True, MALFORMED),
    (False, MALFORMED),
    (None, MALFORMED),
    ([1], MALFORMED),
    ({}, MALFORMED),
    (ABSENT, MALFORMED),
]

PREDICATES: list[tuple[str, dict[str, Any], str]] = [
    ("as small as allowed", {"observedFrom": ABSENT}, "accepted"),
    ("members of others", {"x": 1, "hot_symbol_count": 7}, "accepted"),
    ("environment of one character", {"environment": "e"}, "accepted"),
    ("no environment", {"environment": ABSENT}, MALFORMED),
    ("environment null", {"environment": None}, MALFORMED),
    ("environment empty", {"environment": ""}, MALFORMED),
    ("environment a number", {"environment": 1}, MALFORMED),
    ("environment a list", {"environment": ["staging"]}, MALFORMED),
    ("environment of 63 characters", {"environment": "e" * 63}, "accepted"),
    ("environment of 64 characters", {"environment": "e" * 64}, MALFORMED),
    ("environment with a line break", {"environment": "staging\n"}, MALFORMED),
    ("environment with a terminal code", {"environment": "\x1b[31mstaging"}, MALFORMED),
    ("environment with reversed text", {"environment": "\u202egnigats"}, MALFORMED),
    ("environment with a zero-width space", {"environment": "staging\u200b"}, MALFORMED),
    ("no end", {"observedUntil": ABSENT}, MALFORMED),
    ("end null", {"observedUntil": None}, MALFORMED),
    ("end without a zone", {"observedUntil": "2026-11-24T06:00:00"}, MALFORMED),
    ("end a date", {"observedUntil": "2026-11-24"}, MALFORMED),
    ("end a number", {"observedUntil": 1792823795}, MALFORMED),
    ("end a float", {"observedUntil": 1792823795.5}, MALFORMED),
    ("end true", {"observedUntil": True}, MALFORMED),
    ("end in the year 3000", {"observedUntil": "3000-01-01T00:00:00Z"}, "accepted"),
    ("end at the calendar's end", {"observedUntil": "9999-12-31T23:59:59Z"}, "accepted"),
    ("end beyond the calendar", {"observedUntil": "9999-12-31T23:59:59-01:00"}, MALFORMED),
    ("begin beyond the calendar", {"observedFrom": "0001-01-01T00:00:00+01:00"}, MALFORMED),
    ("begin null", {"observedFrom": None}, "accepted"),
    ("begin without a zone", {"observedFrom": "2026-11-23T06:00:00"}, MALFORMED),
    ("window of no length", {"observedFrom": "2026-11-24T06:00:00Z"}, "accepted"),
    ("window of no length, two zones", {"observedFrom": "2026-11-24T07:00:00+01:00"}, "accepted"),
    ("window reversed", {"observedFrom": "2026-11-24T06:00:01Z"}, MALFORMED),
    ("window reversed by zones", {"observedFrom": "2026-11-24T05:30:00-01:00"}, MALFORMED),
    ("counting", {"counting": {"hotSymbols": "leaf-share>=1%", "callPaths": "distinct-stacks"}}, "accepted"),
    ("counting with short rules", {"counting": {"hotSymbols": "a", "callPaths": "b"}}, "accepted"),
    ("counting with one rule", {"counting": {"hotSymbols": "leaf-share>=1%"}}, MALFORMED),
    ("counting a text", {"counting": "leaf-share>=1%"}, MALFORMED),
    ("counting with an empty rule", {"counting": {"hotSymbols": "", "callPaths": "x"}}, MALFORMED),
    ("tracer", {"tracer": {"name": "perf", "version": "6.1"}}, "accepted"),
    ("tracer without version", {"tracer": {"name": "perf"}}, "accepted"),
    ("tracer without name", {"tracer": {"version": "6.1"}}, MALFORMED),
    ("tracer with a terminal code", {"tracer": {"name": "perf\x1b[2J"}}, MALFORMED),
    ("tracer with a version's line break", {"tracer": {"name": "perf", "version": "1\n"}}, MALFORMED),
    ("tracer with a long name", {"tracer": {"name": "n" * 257}}, MALFORMED),
    ("tracer with a long version", {"tracer": {"name": "n", "version": "1" * 257}}, MALFORMED),
    ("tracer a text", {"tracer": "perf"}, MALFORMED),
    ("sampleCount", {"sampleCount": 10_000}, "accepted"),
    ("sampleCount negative", {"sampleCount": -1}, MALFORMED),
    ("sampleCount a text", {"sampleCount": "1"}, MALFORMED),
    ("list and count agree", {"hotSymbolCount": 2, "hotSymbols": _symbols(2)}, "accepted"),
    ("both say none", {"hotSymbolCount": 0, "hotSymbols": []}, "accepted"),
    ("list shorter than count", {"hotSymbolCount": 3, "hotSymbols": _symbols(2)}, MALFORMED),
    ("list longer than count", {"hotSymbolCount": 1, "hotSymbols": _symbols(2)}, MALFORMED),
    ("list empty and count not", {"hotSymbolCount": 1, "hotSymbols": []}, MALFORMED),
    ("a full list", {"hotSymbolCount": 100, "hotSymbols": _symbols(100)}, "accepted"),
    ("a full list and more", {"hotSymbolCount": 101, "hotSymbols": _symbols(100)}, "accepted"),
    ("an unfilled list and more", {"hotSymbolCount": 101, "hotSymbols": _symbols(99)}, MALFORMED),
    ("a list above the cap", {"hotSymbolCount": 101, "hotSymbols": _symbols(101)}, MALFORMED),
    ("a symbol twice", {"hotSymbolCount": 2, "hotSymbols": _symbols(1) * 2}, MALFORMED),
    ("hotSymbols an object", {"hotSymbols": {}}, MALFORMED),
    ("hotSymbols of texts", {"hotSymbolCount": 1, "hotSymbols": ["main"]}, MALFORMED),
    ("a symbol without share", {"hotSymbolCount": 1, "hotSymbols": [{"symbol": "main"}]}, MALFORMED),
    ("a symbol without a name", {"hotSymbolCount": 1, "hotSymbols": [{"share": 1}]}, MALFORMED),
    ("a short symbol", {"hotSymbolCount": 1, "hotSymbols": [{"symbol": "f", "share": 1}]}, "accepted"),
    ("an empty symbol", {"hotSymbolCount": 1, "hotSymbols": [{"symbol": "", "share": 1}]}, MALFORMED),
    ("a long symbol", {"hotSymbolCount": 1, "hotSymbols": [{"symbol": "s" * 1024, "share": 1}]}, "accepted"),
    ("a longer symbol", {"hotSymbolCount": 1, "hotSymbols": [{"symbol": "s" * 1025, "share": 1}]}, MALFORMED),
    ("a symbol that is a number", {"hotSymbolCount": 1, "hotSymbols": [{"symbol": 1, "share": 1}]}, MALFORMED),
    ("profile", {"profile": {"digest": "sha256:" + "0" * 64, "mediaType": "text/plain"}}, "accepted"),
    ("profile without digest", {"profile": {"mediaType": "text/plain"}}, MALFORMED),
    ("profile without mediaType", {"profile": {"digest": "sha256:" + "0" * 64}}, MALFORMED),
    ("profile with a sha512", {"profile": {"digest": "sha512:" + "0" * 128, "mediaType": "x"}}, MALFORMED),
    ("profile digest, upper case", {"profile": {"digest": "sha256:" + "A" * 64, "mediaType": "x"}}, MALFORMED),
    ("profile digest, line break", {"profile": {"digest": "sha256:" + "0" * 64 + "\n", "mediaType": "x"}}, MALFORMED),
    (
        "profile with a uri's line break",
        {"profile": {"digest": "sha256:" + "0" * 64, "mediaType": "x", "uri": "a\n"}},
        MALFORMED,
    ),
    (
        "profile with a long uri",
        {"profile": {"digest": "sha256:" + "0" * 64, "mediaType": "x", "uri": "u" * 2049}},
        MALFORMED,
    ),
]

SHARES: list[tuple[Any, str]] = [
    (0, "accepted"),
    (1, "accepted"),
    (0.01, "accepted"),
    (1.0000001, MALFORMED),
    (-0.1, MALFORMED),
    (2, MALFORMED),
    (None, MALFORMED),
    ([0.5], MALFORMED),
    ("NaN", MALFORMED),
    ("0.5", MALFORMED),
    ("1", MALFORMED),
    (True, MALFORMED),
    (False, MALFORMED),
]


@pytest.mark.parametrize("member", ["hotSymbolCount", "uniqueCallPaths"])
@pytest.mark.parametrize(("value", "expected"), COUNTS, ids=[repr(value)[:24] for value, _ in COUNTS])
def test_count_is_an_integer_from_0_to_2_63_less_1(member: str, value: Any, expected: str) -> None:
    assert reason_of(lambda: _read(predicate(**{member: value}))) == expected


@pytest.mark.parametrize(("what", "changes", "expected"), PREDICATES, ids=[row[0] for row in PREDICATES])
def test_predicate_is_read_or_malformed(what: str, changes: dict[str, Any], expected: str) -> None:
    assert reason_of(lambda: _read(predicate(**changes))) == expected, what


@pytest.mark.parametrize(("share", "expected"), SHARES, ids=[repr(share) for share, _ in SHARES])
def test_share_is_a_number_from_0_to_1(share: Any, expected: str) -> None:
    assert reason_of(lambda: _read(predicate(hotSymbolCount=1, hotSymbols=_symbols(1, share)))) == expected


@pytest.mark.parametrize("members", [None, [], "x", 1, True, {}, ABSENT], ids=repr)
def test_predicate_that_is_no_object_is_malformed(members: Any) -> None:
    assert reason_of(lambda: _read(members)) == MALFORMED


def test_snake_case_is_not_the_contracts_spelling() -> None:
    members = predicate(hotSymbolCount=ABSENT, hot_symbol_count=42)
    assert reason_of(lambda: _read(members)) == MALFORMED


def test_predicate_says_what_was_written() -> None:
    evidence = _read(predicate(hotSymbolCount=2**63 - 1, observedUntil="2026-11-24T08:00:00+02:00"))
    assert evidence.environment == "staging"
    assert (evidence.hot_symbol_count, evidence.unique_call_paths) == (2**63 - 1, 17)
    assert evidence.observed_until == datetime(2026, 11, 24, 6, tzinfo=UTC)


@pytest.mark.parametrize("member", ["environment", "hot_symbol_count", "observed_until"])
def test_evidence_cannot_be_changed(member: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(_read(predicate()), member, None)


def test_statement_cannot_be_changed() -> None:
    found = Statement.parse(statement())
    with pytest.raises(ValidationError, match="frozen"):
        setattr(found, "predicate", None)  # noqa: B010 - mypy knows that it is frozen
    with pytest.raises(ValidationError, match="frozen"):
        setattr(found.subject[0], "digest", {})  # noqa: B010 - as above


def test_cap_of_the_list_is_the_tables() -> None:
    # PREDICATES writes 100 and 101 out.
    assert LIMITS.hot_symbols == 100
