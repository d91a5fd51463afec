import hashlib
import json
import time
import tracemalloc
from typing import Any

import pytest

from tests.kube.objects import bundle, digest, envelope, stored
from tests.support.envelopes import envelope as signed_envelope
from tests.support.statements import beacon_statement
from webhook.limits import LIMITS
from webhook.stores.cluster import EvidenceIndex
from webhook.trust.verify import subject_digests

CART, SHOP = digest("cart"), digest("shop")


def found(index: EvidenceIndex, image: str) -> list[str]:
    return [candidate.uri.removeprefix("cluster:executionevidences/") for candidate in index.find(image)]


def test_an_envelope_is_found_by_each_of_its_subjects() -> None:
    index = EvidenceIndex()
    index.put(stored("both", {"envelope": envelope(CART, SHOP)}))
    index.put(stored("cart", {"envelope": envelope(CART)}, second=1))
    assert (found(index, CART), found(index, SHOP), found(index, digest("other"))) == (["both", "cart"], ["both"], [])


def test_an_envelope_with_beacons_is_found_as_any_other() -> None:
    index = EvidenceIndex()
    body = beacon_statement(subjects=[CART])
    index.put(stored("beacons", {"envelope": signed_envelope(body, [])}))
    index.put(stored("cart", {"envelope": envelope(CART)}, second=1))
    assert found(index, CART) == ["beacons", "cart"]
    assert index.unreadable == 0


def test_an_envelopes_bytes_do_not_depend_on_how_it_was_written() -> None:
    written = envelope(CART)
    reordered = dict(reversed(written.items()))
    one, two = EvidenceIndex(), EvidenceIndex()
    one.put(stored("e", {"envelope": written}))
    two.put(stored("e", {"envelope": reordered}))
    [first], [second] = one.find(CART), two.find(CART)
    assert first == second
    assert first.raw == json.dumps(written, sort_keys=True, separators=(",", ":")).encode()
    assert first.digest == "sha256:" + hashlib.sha256(first.raw).hexdigest()
    assert subject_digests(first.raw) == {CART}


def test_a_bundles_bytes_are_those_that_were_written() -> None:
    index = EvidenceIndex()
    index.put(stored("e", {"bundle": bundle(CART)}))
    [candidate] = index.find(CART)
    assert candidate.raw == bundle(CART).encode()
    assert candidate.digest == "sha256:" + hashlib.sha256(bundle(CART).encode()).hexdigest()


def test_an_object_that_changed_is_found_by_what_it_says_now() -> None:
    index = EvidenceIndex()
    index.put(stored("e", {"envelope": envelope(CART)}))
    index.put(stored("e", {"envelope": envelope(SHOP)}, generation=2))
    assert (found(index, CART), found(index, SHOP), index.objects) == ([], ["e"], 1)


def test_an_object_that_was_made_anew_under_the_same_name_is_read_anew() -> None:
    index = EvidenceIndex()
    index.put(stored("e", {"envelope": envelope(CART)}))
    index.put(stored("e", {"envelope": envelope(SHOP)}, uid="another"))
    assert (found(index, CART), found(index, SHOP)) == ([], ["e"])


def test_an_object_that_is_gone_leaves_nothing() -> None:
    index = EvidenceIndex()
    index.put(stored("keep", {"envelope": envelope(CART)}))
    index.put(stored("e", {"envelope": envelope(CART, SHOP)}))
    index.remove(stored("e", {}))
    index.remove(stored("never-seen", {}))
    assert (found(index, CART), found(index, SHOP), index.objects) == (["keep"], [], 1)
    assert SHOP not in index._by_digest
    index.remove(stored("keep", {}))
    assert (index._weight, index._by_digest, index._entries) == (0, {}, {})


def test_a_bundle_is_found_whoever_signed_it() -> None:
    # Whether a certificate counts is judged later, by the identities that are trusted.
    index = EvidenceIndex()
    index.put(stored("e", {"bundle": bundle(CART).replace("publicKey", "certificate")}))
    assert (index.unreadable, found(index, CART)) == (0, ["e"])


UNREADABLE: list[tuple[Any, str]] = [
    (None, "EvidenceMalformed"),
    ({}, "EvidenceMalformed"),
    ([], "EvidenceMalformed"),
    ({"envelope": envelope(CART), "bundle": bundle(CART)}, "EvidenceMalformed"),
    ({"envelope": json.dumps(envelope(CART))}, "EvidenceMalformed"),
    ({"bundle": json.loads(bundle(CART))}, "EvidenceMalformed"),
    ({"envelope": envelope(CART) | {"payload": "%"}}, "EvidenceMalformed"),
    ({"envelope": envelope(CART) | {"payloadType": "text/plain"}}, "EvidenceMalformed"),
    ({"envelope": envelope(CART) | {"extra": 1.5}}, "EvidenceMalformed"),
    ({"envelope": envelope(CART) | {"é": 1}}, "EvidenceMalformed"),
    ({"bundle": "{"}, "EvidenceMalformed"),
    ({"bundle": "[" * 100_000}, "EvidenceMalformed"),
    ({"envelope": envelope("sha256:" + "A" * 64)}, "EvidenceMalformed"),
]


@pytest.mark.parametrize(("spec", "reason"), UNREADABLE)
def test_what_cannot_be_read_is_counted_logged_once_and_found_nowhere(
    spec: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    index = EvidenceIndex()
    index.put(stored("bad", spec))
    index.put(stored("bad", spec))  # The status was written.
    newer = EvidenceIndex(index)  # The list was read anew.
    newer.put(stored("bad", spec))
    assert (index.unreadable, newer.unreadable, newer.find(CART)) == (1, 1, [])
    assert [(record.__dict__["object"], record.__dict__["reason"]) for record in caplog.records] == [("bad", reason)]


def test_what_cannot_be_read_stops_counting_once_it_is_mended_or_gone() -> None:
    index = EvidenceIndex()
    index.put(stored("mended", {}))
    index.put(stored("gone", {}))
    index.put(stored("mended", {"envelope": envelope(CART)}, generation=2))
    index.remove(stored("gone", {}))
    assert (index.unreadable, found(index, CART)) == (0, ["mended"])


def test_a_change_of_the_status_alone_costs_no_reading() -> None:
    index = EvidenceIndex()
    index.put(stored("e", {"envelope": envelope(CART)}))
    [before] = index.find(CART)
    index.put(stored("e", {"envelope": envelope(CART)}, resourceVersion="2"))
    [after] = index.find(CART)
    assert after is before


def test_a_new_list_reads_only_what_changed() -> None:
    old = EvidenceIndex()
    for second, name in enumerate(("same", "gone")):
        old.put(stored(name, {"envelope": envelope(CART)}, second=second))
    [same, _] = old.find(CART)
    new = EvidenceIndex(old)
    new.put(stored("same", {"envelope": envelope(CART)}))
    assert new.find(CART)[0] is same
    assert (new.objects, old.objects) == (1, 2)


def test_an_index_does_not_keep_the_one_that_it_replaced() -> None:
    tracemalloc.start()
    try:
        index = EvidenceIndex()
        before = tracemalloc.get_traced_memory()[0]
        for generation in range(20):
            index = EvidenceIndex(index)
            index.put(stored("e", {"bundle": bundle(CART) + " " * 100_000}, generation=generation))
        assert tracemalloc.get_traced_memory()[0] - before < 3 * 100_000
    finally:
        tracemalloc.stop()


def test_candidates_come_oldest_first_whatever_the_order_of_arrival() -> None:
    index = EvidenceIndex()
    for second in (5, 1, 9, 3):
        index.put(stored(f"e{second}", {"envelope": envelope(CART)}, second=second))
    assert found(index, CART) == ["e1", "e3", "e5", "e9"]


def test_within_a_second_the_uid_decides_and_not_the_name() -> None:
    index = EvidenceIndex()
    index.put(stored("a", {"envelope": envelope(CART)}, uid="9"))
    index.put(stored("b", {"envelope": envelope(CART)}, uid="1"))
    assert found(index, CART) == ["b", "a"]


def test_of_too_many_the_oldest_and_the_newest_are_given() -> None:
    index = EvidenceIndex()
    for second in range(200):
        index.put(stored(f"e{second}", {"envelope": envelope(CART, hot_symbols=second)}, second=second))
    half = LIMITS.candidates // 2
    assert found(index, CART) == [f"e{second}" for second in [*range(half), *range(200 - half, 200)]]


def test_early_evidence_cannot_be_crowded_out_later() -> None:
    index = EvidenceIndex()
    index.put(stored("good", {"envelope": envelope(CART)}, second=10))
    for second in range(1000):
        index.put(stored(f"junk{second}", {"envelope": envelope(CART)}, second=11 + second))
    assert "good" in found(index, CART)


def test_the_newest_evidence_is_found_after_many_attestations() -> None:
    index = EvidenceIndex()
    for second in range(1000):
        index.put(stored(f"old{second}", {"envelope": envelope(CART)}, second=second))
    index.put(stored("fresh", {"envelope": envelope(CART)}, second=2000))
    assert found(index, CART)[-1] == "fresh"


def test_a_full_index_takes_no_more_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    index = EvidenceIndex(capacity=10_000)
    for number in range(100):
        index.put(stored(f"e{number}", {"envelope": envelope(CART)}, second=number))
    assert not index.complete
    assert 0 < index.objects < 100
    assert index._weight <= 10_000
    assert len(caplog.records) == 1


def test_a_change_that_does_not_fit_leaves_no_old_reading() -> None:
    index = EvidenceIndex(capacity=4000)
    index.put(stored("e", {"envelope": envelope(CART)}))
    assert found(index, CART) == ["e"]
    index.put(stored("e", {"envelope": envelope(*[digest(str(number)) for number in range(50)])}, generation=2))
    assert (found(index, CART), index.complete) == ([], False)


def test_an_index_that_left_something_out_wants_a_list_once_there_is_room() -> None:
    index = EvidenceIndex(capacity=100_000)
    for number in range(100):
        index.put(stored(f"e{number}", {"envelope": envelope(CART)}, second=number))
    assert not index.wants_list
    for number in range(10):  # More than a tenth of what is there.
        index.remove(stored(f"e{number}", {}))
    assert index.wants_list
    assert not EvidenceIndex(index).wants_list


def test_the_weight_of_an_entry_covers_its_memory() -> None:
    objects = [
        stored(
            f"evidence-{number}", {"envelope": envelope(*(digest(f"{number}-{n}") for n in range(1 + number % 8)))}
        )
        for number in range(500)
    ]
    tracemalloc.start()
    try:
        index = EvidenceIndex()
        for obj in objects:
            index.put(obj)
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert used < index._weight < 2 * used


def test_a_look_up_in_ten_thousand_is_an_index_access() -> None:
    index = EvidenceIndex()
    for number in range(10_000):
        index.put(stored(f"e{number}", {"envelope": envelope(digest(str(number)))}, second=number))
    images = [digest(str(number)) for number in range(0, 10_000, 10)]
    began = time.perf_counter()
    for image in images:
        assert len(index.find(image)) == 1
    assert (time.perf_counter() - began) / len(images) < 50e-6
