"""Merging lists: nothing that anybody has listed is lost, in whatever order and how often lists are merged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.publish.documents import MANIFESTS, new_list
from webhook.publish.merge import Listed, encoded, entry

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_DIGESTS = st.sampled_from([f"sha256:{n:064x}" for n in range(4)])
DESCRIPTORS = st.builds(
    lambda known, unknown: {**unknown, **known},
    st.fixed_dictionaries({"digest": _DIGESTS}, optional={"size": st.integers(0, 9)}),
    st.dictionaries(st.text(max_size=5), _VALUES, max_size=3),
)
LISTS = st.lists(DESCRIPTORS, max_size=5)


def listed(descriptors: list[dict[str, Any]]) -> Listed:
    return new_list(MANIFESTS).merge(map(entry, descriptors))


def again(one: Listed) -> Listed:
    return Listed.parse(encoded(one.document()), MANIFESTS)


@given(LISTS, LISTS)
def test_order_does_not_matter(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    ahead, behind = listed(one).merge(listed(other).entries), listed(other).merge(listed(one).entries)
    assert encoded(ahead.document()) == encoded(behind.document())


@given(LISTS, LISTS, LISTS)
def test_it_does_not_matter_who_merges_first(
    one: list[dict[str, Any]], two: list[dict[str, Any]], three: list[dict[str, Any]]
) -> None:
    left = listed(one).merge(listed(two).entries).merge(listed(three).entries)
    right = listed(one).merge(listed(two).merge(listed(three).entries).entries)
    assert left == right


@given(LISTS)
def test_merging_a_list_with_itself_changes_nothing(one: list[dict[str, Any]]) -> None:
    assert listed(one).merge(listed(one).entries) == listed(one)


@given(LISTS, LISTS)
def test_every_entry_of_both_is_there_once_as_it_was(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    merged = listed(one).merge(listed(other).entries).document()["manifests"]
    for descriptor in one + other:
        assert merged.count(descriptor) == 1
    assert all(descriptor in one + other for descriptor in merged)


@given(LISTS, st.dictionaries(st.text(max_size=5), _VALUES, max_size=3))
def test_what_is_written_is_read_as_it_was(one: list[dict[str, Any]], others: dict[str, Any]) -> None:
    raw = json.dumps({**others, "schemaVersion": 2, "manifests": one}).encode()
    try:
        before = Listed.parse(raw, MANIFESTS)
    except MalformedError:
        # `Manifests`, for one, which some would read as `manifests`.
        return
    assert again(before) == before
    assert {**others, "schemaVersion": 2} == json.loads(before.others)


@given(LISTS)
def test_the_entries_stand_in_the_order_of_their_digests(one: list[dict[str, Any]]) -> None:
    digests = [str(descriptor["digest"]) for descriptor in listed(one).document()["manifests"]]
    assert digests == sorted(digests) == listed(one).digests()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"manifests": {}}',
        b'{"manifests": [1]}',
        b'{"manifests": [], "manifests": []}',
        b'{"Manifests": []}',
        b'{"manifests": [{"a": 1e999}]}',
        b'{"manifests": ' + b"[" * 70 + b"]" * 70 + b"}",
    ],
)
def test_what_cannot_be_written_again_without_a_loss_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        Listed.parse(raw, MANIFESTS)


@given(st.binary(max_size=100) | st.dictionaries(st.text(max_size=9), _VALUES).map(lambda d: json.dumps(d).encode()))
def test_any_bytes_are_a_list_or_malformed(raw: bytes) -> None:
    try:
        found = Listed.parse(raw, MANIFESTS)
    except MalformedError:
        return
    assert again(found) == found


@pytest.mark.parametrize("empty", [b"{}", b'{"manifests": null}', b'{"manifests": []}'])
def test_an_empty_list_may_be_written_in_three_ways(empty: bytes) -> None:
    assert Listed.parse(empty, MANIFESTS).entries == frozenset()


def test_a_list_never_exceeds_what_registries_take() -> None:
    # An entry is {"digest":"…"} of 13 + 71 characters; a comma parts it from the next.
    few = LIMITS.manifest_bytes // 85 - 10
    entries = [entry({"digest": f"sha256:{n:064x}"}) for n in range(few + 20)]
    assert len(encoded(new_list(MANIFESTS).merge(entries[:few]).document())) <= LIMITS.manifest_bytes
    with pytest.raises(MalformedError, match="larger than"):
        encoded(new_list(MANIFESTS).merge(entries).document())
