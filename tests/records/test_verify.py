"""Laws of the chain: whatever is removed, changed, moved or put in is found; what is lost and repeated is told."""

import json
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.making import AT, KEY, PUBLIC, STRANGER, decided, log, parsed, record, whole_log
from webhook.limits import LIMITS
from webhook.records.chain import Chain, Place
from webhook.records.entry import HEAD_MEMBERS, decision_entry, end_entry
from webhook.records.verify import LogVerifier
from webhook.trust.keys import PublicKey

COUNT = 6
NAMES = sorted({name for names in HEAD_MEMBERS.values() for name in names} | {"entry", "record", "signature"})
LOG = whole_log(COUNT, key=KEY)
"""Six decisions and the closing entry."""


def verified(lines: Sequence[bytes], *keys: PublicKey) -> LogVerifier:
    verifier = LogVerifier(keys)
    for number, line in enumerate(lines, 1):
        verifier.take(line, f"log:{number}")
    return verifier


def whole(lines: Sequence[bytes], *keys: PublicKey, partial: bool = False) -> bool:
    return verified(lines, *keys).whole(partial=partial)


def first_problem(lines: Sequence[bytes], *keys: PublicKey) -> str | None:
    verifier = verified(lines, *keys)
    problems = [verifier.problem, *(chain.problem for chain in verifier.chains.values())]
    return next((problem for problem in problems if problem is not None), None)


def test_a_log_is_whole() -> None:
    assert whole(LOG)
    assert whole(LOG, PUBLIC)
    assert whole(LOG, STRANGER, PUBLIC)
    [chain] = verified(LOG).chains.values()
    assert (chain.first, chain.last, chain.entries, chain.closed) == (0, 6, 7, True)


@pytest.mark.parametrize("index", range(COUNT + 1))
def test_a_removed_entry_is_found(index: int) -> None:
    assert not whole(LOG[:index] + LOG[index + 1 :])


@pytest.mark.parametrize("index", range(1, COUNT))
def test_an_entry_removed_from_the_middle_is_named(index: int) -> None:
    left = LOG[:index] + LOG[index + 1 :]
    assert first_problem(left) == f"log:{index + 1}: entry {index} is removed or moved: entry {index + 1} follows"
    assert not whole(left, partial=True)


def test_several_removed_entries_are_named() -> None:
    assert first_problem(LOG[:1] + LOG[4:]) == "log:2: entries 1 to 3 are removed or moved: entry 4 follows"


@given(st.permutations(range(COUNT + 1)))
def test_any_other_order_is_found(order: Sequence[int]) -> None:
    assert whole([LOG[index] for index in order]) is (list(order) == list(range(COUNT + 1)))


@settings(max_examples=500)
@given(st.integers(0, COUNT), st.data())
def test_any_changed_byte_is_found(index: int, data: st.DataObject) -> None:
    line = bytearray(LOG[index])
    place = data.draw(st.integers(0, len(line) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != line[place]))
    line[place] = value
    changed = [*LOG[:index], bytes(line), *LOG[index + 1 :]]
    # A blank for a blank says the same; `keyid` is a hint that nobody reads.
    if _content(bytes(line)) != _content(LOG[index]):
        assert not whole(changed, PUBLIC)


def _content(line: bytes) -> object:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    if isinstance(document, dict) and isinstance(document.get("signature"), dict):
        document["signature"] = document["signature"].get("sig")
    return document


@pytest.mark.parametrize("name", ["decision", "level", "reasons", "seconds", "timestamp", "uid", "verdict", "entry"])
def test_a_changed_member_is_named(name: str) -> None:
    line = json.dumps({**parsed(LOG[2]), name: "sha256:" + "0" * 64}).encode()
    problem = first_problem([*LOG[:2], line, *LOG[3:]])
    assert problem == "log:3: its members were changed: they do not have the digest `entry`"


def test_a_changed_record_is_named() -> None:
    line = LOG[2].replace(b"ada", b"eve")
    problem = first_problem([*LOG[:2], line, *LOG[3:]])
    assert problem == "log:3: its record was changed: it does not have the digest that the entry names"


@given(st.integers(0, COUNT + 1))
def test_an_entry_that_is_put_in_is_found(index: int) -> None:
    # It agrees with itself, and even with its neighbours' numbers.
    chain = parsed(LOG[min(index, COUNT)])["chain"]
    [forged] = log([decision_entry(decided("forged"))], chain["instance"], lost=[chain["sequence"]])
    assert not whole([*LOG[:index], forged, *LOG[index:]])


def test_an_entry_that_replaces_another_is_found_by_the_next() -> None:
    forged = log([decision_entry(decided("u-0")), decision_entry(decided("forged"))])
    problem = first_problem([LOG[0], forged[1], *LOG[2:]])
    assert problem == "log:3: entry 2 does not follow the one before it: one of them was changed or put in"


def test_a_chain_that_was_written_anew_is_found_by_its_signatures_alone() -> None:
    forged = whole_log(3)
    assert whole(forged)
    assert first_problem(forged, PUBLIC) == "log:1: it is not signed"
    assert first_problem(LOG, STRANGER) == "log:1: it is signed by none of the keys"


def test_nothing_stands_behind_the_closing_entry() -> None:
    longer = log([*(decision_entry(decided(f"u-{number}")) for number in range(COUNT)), end_entry(AT), end_entry(AT)])
    assert first_problem(longer) == "log:8: entry 7 stands behind the closing entry"


def test_what_is_lost_is_told_and_is_no_removal() -> None:
    lines = log([decision_entry(decided()), decision_entry(decided("u-2")), end_entry(AT)], lost=[2, 0, 5])
    assert whole(lines)
    [chain] = verified(lines).chains.values()
    assert (chain.first, chain.last, chain.entries, chain.lost) == (0, 9, 3, 7)


def test_a_batch_that_is_delivered_again_is_told_and_is_no_problem() -> None:
    verifier = verified([*LOG[:4], *LOG[2:4], *LOG[2:]])
    assert verifier.whole(partial=False)
    [chain] = verifier.chains.values()
    assert (chain.entries, chain.repeated) == (7, 4)


def test_a_repetition_of_long_ago_is_a_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.records.verify.LIMITS", type(LIMITS)(record_duplicates=2))
    assert first_problem([*LOG[:4], LOG[0]]) == "log:5: entry 0 is moved or put in: entry 4 is due"


def test_chains_of_several_processes_may_alternate() -> None:
    one, other = whole_log(3, "one"), whole_log(3, "other")
    mixed = [line for pair in zip(one, other, strict=True) for line in pair]
    assert whole(mixed)
    assert not whole([line for line in mixed if line != other[2]])


def test_the_number_of_chains_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.records.verify.LIMITS", type(LIMITS)(record_instances=1))
    assert first_problem([*whole_log(1, "one"), *whole_log(1, "other")]) == "log:3: more than 1 chains"


def test_a_missing_beginning_or_end_is_accepted_only_where_that_is_said() -> None:
    assert not whole(LOG[2:])
    assert not whole(LOG[:-1])
    assert whole(LOG[2:], partial=True)
    assert whole(LOG[:-1], partial=True)
    [cut] = verified(LOG[2:-1]).chains.values()
    assert cut.missing() == "entries 0 to 1 are not here"
    [still_open] = verified(LOG[:-1]).chains.values()
    assert still_open.missing() == "no closing entry: it is still written, was killed, or its end was removed"


def test_nothing_is_not_whole() -> None:
    assert not whole([], partial=True)
    assert not whole([b"not JSON", b"{}", b"[]", b'{"message":"listening"}'], partial=True)


OTHERS = [
    b"\n",
    b"Traceback (most recent call last):",
    b'{"message":"listening","level":"INFO"}',
    b'{"message":"decision","level":"INFO"}',
    b'{"message":"listening","level":"INFO","level":NaN}',
    b'{"message":"listening","n":1e999}',
    b'{"message":"incident","chain":{}}',
    b'{"message":["decision"],"chain":{}}',
    LOG[3][: len(LOG[3]) // 2],
    b'"chain"',
]


@pytest.mark.parametrize("line", OTHERS)
def test_other_lines_may_stand_between(line: bytes) -> None:
    verifier = verified([*LOG[:3], line, *LOG[3:]])
    assert verifier.whole(partial=False)
    assert verifier.others == 1


def test_more_cannot_be_lost_than_there_are_numbers() -> None:
    line, _ = Chain("ab12-file").link(decision_entry(decided()), Place(-2), 3)
    assert first_problem([line]) == "log:1: its members are not those of an entry"


CLAIMS = {
    "no entry": lambda line: line.pop("entry"),
    "no record": lambda line: line.pop("record"),
    "no decision": lambda line: line.pop("decision"),
    "chain is a text": lambda line: line.update(chain="x"),
    "signature is a text": lambda line: line.update(signature="x"),
    "signature is not base64": lambda line: line["signature"].update(sig="%%%"),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_a_line_that_claims_to_be_an_entry_and_is_none_is_found(case: str) -> None:
    document = parsed(LOG[2])
    CLAIMS[case](document)
    problem = first_problem([*LOG[:2], json.dumps(document).encode(), *LOG[3:]])
    assert problem is not None
    assert problem.startswith("log:3: its ")


SPELLINGS: list[Callable[[object], str]] = [
    json.dumps,
    partial(json.dumps, sort_keys=True),
    partial(json.dumps, ensure_ascii=False),
    partial(json.dumps, separators=(" ,", ": ")),
]


@pytest.mark.parametrize("spell", SPELLINGS)
def test_a_log_that_a_collector_has_written_anew_is_whole(spell: Callable[[object], str]) -> None:
    anew = [spell(parsed(line)).encode() for line in LOG]
    assert whole(anew, PUBLIC)


def test_what_a_collector_adds_changes_no_entry() -> None:
    added = [json.dumps({"stream": "stdout", **parsed(line), "node": "a"}).encode() for line in LOG]
    assert whole(added, PUBLIC)


def test_a_record_with_fractions_survives_a_collector() -> None:
    content = record(conditions=[{"expected": 0.1, "tiny": 1e-7, "whole": 1.0}])
    lines = log([decision_entry(decided(content=content)), end_entry(AT)])
    assert whole([json.dumps(parsed(line)).encode() for line in lines])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("sha256:" + "0" * 64),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*NAMES, "x"]), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), st.sampled_from(sorted(HEAD_MEMBERS)))
def test_whatever_claims_to_be_an_entry_is_judged_and_no_entry(members: dict[str, object], kind: str) -> None:
    # The digest of a head that was made up cannot be hit upon.
    assert not whole([json.dumps({**members, "message": kind}).encode()], partial=True)


@given(st.binary() | st.binary().map(lambda data: b'{"chain"' + data))
def test_whatever_stands_in_a_log_is_read(line: bytes) -> None:
    assert not whole([line], partial=True)
