"""Lines that are put into a log: what any reader could take for an entry is one, or is found."""

import json

import pytest

from tests.records.making import AT, PUBLIC, decided, log, parsed, record, whole_log
from tests.records.test_verify import COUNT, LOG, first_problem, whole
from webhook.limits import LIMITS
from webhook.records.entry import decision_entry, end_entry

FORGED = b'{"level":"INFO","message":"decision","uid":"u-9","verdict":"Pass","record":{"kind":"DecisionRecord"}}'
NO_PLACE = "it looks like an entry, and has no place in a chain"
LAX = "other readers may take it for an entry: it is JSON, and not strict JSON"
STRANGE = "it has a record, and is no entry"
PUT_IN = {
    "an entry without a chain": (FORGED, NO_PLACE),
    "behind a blank": (b" \t" + FORGED, NO_PLACE),
    "behind a byte order mark": (b"\xef\xbb\xbf" + FORGED, LAX),
    "with an escaped message": (FORGED.replace(b'"decision"', b'"\\u0064ecision"'), NO_PLACE),
    "without a record": (b'{"message":"decision","verdict":"Pass"}', NO_PLACE),
    "with another message": (FORGED.replace(b'"decision"', b'"Decision"'), STRANGE),
    "a record alone": (b'{"kind":"DecisionRecord"}', STRANGE),
    "in a list": (b"[1,[" + FORGED + b"]]", STRANGE),
    "an end without a chain": (b'{"message":"end of records","entry":"x"}', NO_PLACE),
    "in UTF-16": (FORGED.decode().encode("utf-16-le"), LAX),
    "behind blanks, a byte order mark and a zero": (b"  \xef\xbb\xbf\0" + FORGED, LAX),
    "behind a record separator": (b"\x1e" + FORGED, LAX),
    "with two kinds": (b'{"kind":"x","kind":"DecisionRecord"}', LAX),
    "with two verdicts": (LOG[1].replace(b'"verdict":"Fail"', b'"verdict":"Pass","verdict":"Fail"'), LAX),
    "with two messages": (FORGED.replace(b'"level":"INFO"', b'"message":"listening"'), LAX),
    "with NaN": (FORGED[:-1] + b',"seconds":NaN}', LAX),
    "with a large number": (FORGED[:-1] + b',"seconds":' + b"9" * 5000 + b"}", LAX),
    "with a control character": (FORGED.replace(b"u-9", b"u\t9"), LAX),
    "with a broken character": (FORGED.replace(b"u-9", b"u\xff9"), LAX),
    "nested too deep": (FORGED[:-1] + b',"x":' + b"[" * 100 + b"]" * 100 + b"}", LAX),
    "nested beyond any reader": (b'{"x":' + b"[" * 100_000, LAX),
    "behind another object": (b"{} " + FORGED, LAX),
    "behind many others": (b"{}" * 200 + FORGED, LAX),
}


@pytest.mark.parametrize("case", PUT_IN)
def test_a_line_that_others_may_take_for_an_entry_is_found(case: str) -> None:
    line, problem = PUT_IN[case]
    assert first_problem([*LOG[:2], line, *LOG[2:]], PUBLIC) == f"log:3: {problem}"


def test_a_line_of_more_values_than_can_be_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.records.reading.LIMITS", type(LIMITS)(record_values=1000))
    line = b'{"x":[' + b"1," * 1000
    assert first_problem([*LOG[:2], line, *LOG[2:]]) == f"log:3: {LAX}"


@pytest.mark.parametrize("index", [2, COUNT])
@pytest.mark.parametrize("name", ["record", "envelope", "verdict", "summary"])
def test_an_entry_carries_nothing_but_its_own(index: int, name: str) -> None:
    if name in parsed(LOG[index]):
        return
    line = json.dumps({**parsed(LOG[index]), name: {"kind": "DecisionRecord"}}).encode()
    assert (
        first_problem([*LOG[:index], line, *LOG[index + 1 :]])
        == f"log:{index + 1}: it carries what no such entry does"
    )


def test_the_end_of_a_log_is_no_record() -> None:
    line = json.dumps({**parsed(LOG[COUNT]), "kind": "DecisionRecord"}).encode()
    assert first_problem([*LOG[:COUNT], line]) == f"log:{COUNT + 1}: it carries what no such entry does"


def test_a_line_of_many_documents_is_read_once() -> None:
    # Four million at most; a copy of the rest for each would take hours.
    assert whole([*LOG[:2], b"{}" * 1_000_000, *LOG[2:]])


def test_the_largest_names_and_the_deepest_evidence_are_read() -> None:
    deepest: object = 1
    for _ in range(LIMITS.json_depth):
        deepest = [deepest]
    images = [{"place": {"image": "," * 1024}, "rulings": [{"evidence": {"value": {"value": deepest}}}]}] * 512
    assert whole(log([decision_entry(decided(content=record(images=images))), end_entry(AT)]))


def test_the_name_of_a_chain_is_bounded() -> None:
    most = LIMITS.record_instance_characters
    assert whole(whole_log(1, "a" * most))
    assert first_problem(whole_log(1, "a" * (most + 1))) == "log:1: its members are not those of an entry"


def test_repetitions_of_all_chains_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.records.verify.LIMITS", type(LIMITS)(record_duplicates=3))
    one, other = whole_log(1, "one"), whole_log(1, "other")
    assert whole([*one, *other, *one[1:], *other])
    assert not whole([*one, *other, *one[:1], *other])
